#include "sandbox/crd/pattern.h"

#include <map>
#include <optional>
#include <utility>

#include <regex.h>

#include "base/thread.h"

namespace lateen::sandbox {

namespace {

// POSIX takes a bracket's content without escapes: these are what stands for \d and its like inside
// one.
std::string_view class_inside_bracket(char letter) {
  switch (letter) {
    case 'd':
      return "0-9";
    case 'w':
      return "0-9A-Za-z_";
    case 's':
      return " \t\n\r\f\v";
    case 't':
      return "\t";
    case 'n':
      return "\n";
    case 'r':
      return "\r";
    default:
      return {};
  }
}

// Reads the expression once from left to right.
class Translator {
 public:
  explicit Translator(std::string_view in) : in_(in) {}

  Result<std::string> run() {
    while (at_ < in_.size())
      TRY(step());
    return std::move(out_);
  }

 private:
  char next() { return at_ < in_.size() ? in_[at_++] : '\0'; }

  char peek() const { return at_ < in_.size() ? in_[at_] : '\0'; }

  Status step() {
    const char c = next();
    if (c == '\\') return escape();
    if (c == '[') return bracket();
    if (c == '(' && peek() == '?') return group();
    out_ += c;
    const bool quantifier = c == '*' || c == '+' || c == '?' || c == '}';
    if (quantifier && peek() == '?') ++at_;  // lazy: whether it matches does not depend on it
    return {};
  }

  Status group() {
    ++at_;
    if (next() != ':') return Error(Code::InvalidArgument, "unsupported group in pattern {}", in_);
    out_ += '(';
    return {};
  }

  Status escape() {
    const char c = next();
    switch (c) {
      case 'd':
      case 'w':
      case 's':
        out_.append("[").append(class_inside_bracket(c)).append("]");
        return {};
      case 'D':
        out_ += "[^0-9]";
        return {};
      case 'W':
        out_ += "[^0-9A-Za-z_]";
        return {};
      case 'S':
        out_ += "[^ \t\n\r\f\v]";
        return {};
      case 't':
      case 'n':
      case 'r':
        out_ += class_inside_bracket(c);
        return {};
      case 'A':
        out_ += '^';
        return {};
      case 'z':
        out_ += '$';
        return {};
      case '\0':
        return Error(Code::InvalidArgument, "pattern {} ends in a backslash", in_);
      default:
        literal(c);
        return {};
    }
  }

  void literal(char c) {
    const bool special = std::string_view(".[]()*+?{}|^$\\").find(c) != std::string_view::npos;
    if (special) out_ += '\\';
    out_ += c;
  }

  // In POSIX a ']' must come first in a bracket and a '-' last; both are gathered up to be put
  // there.
  Status bracket() {
    bool negated = false;
    if (peek() == '^') {
      negated = true;
      ++at_;
    }
    std::string body;
    bool closing = false;
    bool dash = false;
    for (bool first = true;; first = false) {
      if (at_ >= in_.size())
        return Error(Code::InvalidArgument, "pattern {} has an open bracket", in_);
      char c = next();
      if (c == ']' && !first) break;
      if (c == '[' && peek() == ':') {
        const auto end = in_.find(":]", at_);
        if (end == std::string_view::npos)
          return Error(Code::InvalidArgument, "bad class in pattern {}", in_);
        body.append(in_.substr(at_ - 1, end + 2 - (at_ - 1)));
        at_ = end + 2;
        continue;
      }
      if (c == '\\') {
        c = next();
        const std::string_view expansion = class_inside_bracket(c);
        if (!expansion.empty()) {
          body += expansion;
          continue;
        }
        if (c == '-') {
          dash = true;
          continue;
        }
      } else if (c == '-' && (first || peek() == ']')) {
        dash = true;
        continue;
      }
      if (c == ']') {
        closing = true;
        continue;
      }
      body += c;
    }
    out_ += negated ? "[^" : "[";
    if (closing) out_ += ']';
    out_.append(body);
    if (dash) out_ += '-';
    out_ += ']';
    return {};
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::string out_;
};

// Longer values are not matched at all: the C library's matcher may take memory in the product of
// both lengths.
constexpr std::size_t kLongestText = 64 * 1024;

}  // namespace

struct Pattern::Compiled {
  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;

  ~Compiled() {
    if (ready) regfree(&regex);
  }

  regex_t regex{};
  bool ready = false;
};

Result<Pattern> Pattern::compile(std::string_view expression) {
  const std::string posix = TRY(Translator(expression).run());
  auto compiled = std::make_shared<Compiled>();
  if (regcomp(&compiled->regex, posix.c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
    return Error(Code::InvalidArgument, "pattern {} is not a regular expression", expression);
  }
  compiled->ready = true;
  Pattern pattern;
  pattern.compiled_ = std::move(compiled);
  return pattern;
}

bool Pattern::found_in(std::string_view text) const {
  if (text.size() > kLongestText) return false;
  const std::string terminated(text);
  return regexec(&compiled_->regex, terminated.c_str(), 0, nullptr, 0) == 0;
}

const Pattern* cached_pattern(std::string_view expression) {
  struct Cache {
    Mutex mu;
    std::map<std::string, std::optional<Pattern>, std::less<>> patterns LATEEN_GUARDED_BY(mu);
  };

  static Cache cache;
  const Lock lock(cache.mu);
  auto found = cache.patterns.find(expression);
  if (found == cache.patterns.end()) {
    auto pattern = Pattern::compile(expression);
    std::optional<Pattern> kept;
    if (pattern) kept = std::move(*pattern);
    found = cache.patterns.emplace(std::string(expression), std::move(kept)).first;
  }
  return found->second ? &*found->second : nullptr;
}

}  // namespace lateen::sandbox
