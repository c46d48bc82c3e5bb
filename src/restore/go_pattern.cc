#include "restore/go_pattern.h"

#include <optional>

namespace lateen::restore {
namespace {

Error unknown(std::string_view what) {
  return Error(Code::InvalidArgument, "{} is not understood in a regular expression here", what);
}

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// What \d, \w and \s are inside brackets.
std::optional<std::string_view> class_members(char escape) {
  switch (escape) {
    case 'd':
      return "0-9";
    case 'w':
      return "0-9A-Za-z_";
    case 's':
      return "\t\n\f\r ";
    default:
      return std::nullopt;
  }
}

// Reads the pattern once, from left to right.
class Translator {
 public:
  explicit Translator(std::string_view go) : in_(go) {}

  Result<std::string> run() {
    while (at_ < in_.size()) {
      const char c = in_[at_];
      if (c == '\\') {
        TRY(escape());
      } else if (c == '[') {
        TRY(brackets());
      } else if (c == '(') {
        TRY(group());
      } else {
        out_ += c;
        ++at_;
        if (is_quantifier(c)) skip_lazy();
      }
    }
    return std::move(out_);
  }

 private:
  static bool is_quantifier(char c) { return c == '*' || c == '+' || c == '?' || c == '}'; }

  // "+?" finds the same texts as "+".
  void skip_lazy() {
    if (at_ < in_.size() && in_[at_] == '?') ++at_;
  }

  Status escape() {
    if (at_ + 1 >= in_.size()) return unknown("a backslash at the end");
    const char c = in_[at_ + 1];
    at_ += 2;
    if (!is_letter_or_digit(c)) {
      out_ += '\\';
      out_ += c;
      return {};
    }
    if (const auto members = class_members(c)) {
      out_ += fmt::format("[{}]", *members);
    } else if (const auto outside = class_members(static_cast<char>(c - 'A' + 'a'));
               c >= 'A' && c <= 'Z' && outside) {
      out_ += fmt::format("[^{}]", *outside);
    } else if (c == 'A') {
      out_ += '^';
    } else if (c == 'z') {
      out_ += '$';
    } else if (c == 'b' || c == 'B') {
      out_ += '\\';  // glibc knows both
      out_ += c;
    } else {
      return unknown(fmt::format("\\{}", c));
    }
    return {};
  }

  // In POSIX a backslash is itself there; "]" stands first and "-" last where they are meant.
  Status brackets() {
    ++at_;
    const bool negated = at_ < in_.size() && in_[at_] == '^';
    if (negated) ++at_;
    std::string members;
    bool has_close = false;
    bool has_dash = false;
    for (bool first = true;; first = false) {
      if (at_ >= in_.size()) return unknown("a missing closing ]");
      const char c = in_[at_];
      if (c == ']' && !first) break;
      ++at_;
      if (c == ']') {
        has_close = true;
      } else if (c == '[' && at_ < in_.size() && in_[at_] == ':') {
        const std::size_t end = in_.find(":]", at_);
        if (end == std::string_view::npos) return unknown("[: without :]");
        members += in_.substr(at_ - 1, end + 2 - (at_ - 1));
        at_ = end + 2;
      } else if (c == '\\') {
        if (at_ >= in_.size()) return unknown("a backslash at the end");
        const char e = in_[at_++];
        if (const auto inside = class_members(e)) {
          members += *inside;
        } else if (is_letter_or_digit(e)) {
          return unknown(fmt::format("[\\{}]", e));
        } else if (e == '-') {
          has_dash = true;
        } else if (e == ']') {
          has_close = true;
        } else {
          members += e;
        }
      } else {
        members += c;
      }
    }
    ++at_;
    out_ += negated ? "[^" : "[";
    if (has_close) out_ += ']';
    // A leading "^" would negate, which it does not mean behind something else.
    if (!negated && !has_close && members.starts_with('^') && members.size() > 1) {
      members = members.substr(1) + '^';
    }
    out_ += members;
    if (has_dash) out_ += '-';
    out_ += ']';
    return {};
  }

  Status group() {
    ++at_;
    out_ += '(';
    if (at_ >= in_.size() || in_[at_] != '?') return {};
    if (in_.substr(at_).starts_with("?:")) {
      at_ += 2;
      return {};
    }
    const bool named = in_.substr(at_).starts_with("?P<") || in_.substr(at_).starts_with("?<");
    const std::size_t end = in_.find('>', at_);
    if (!named || end == std::string_view::npos) {
      return unknown(fmt::format("({}", in_.substr(at_, 2)));
    }
    at_ = end + 1;
    return {};
  }

  const std::string_view in_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

Result<std::string> to_posix_pattern(std::string_view go) {
  return Translator(go).run();
}

}  // namespace lateen::restore
