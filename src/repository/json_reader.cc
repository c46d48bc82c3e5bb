#include "repository/json_reader.h"

#include "base/utf8.h"

namespace lateen::repository {
namespace {

// Deeper than anything that is skipped on purpose.
constexpr int kMaxJsonDepth = 64;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_number_part(char c) {
  return is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

}  // namespace

void JsonReader::skip_blanks() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) {
    ++at_;
  }
}

Status JsonReader::broken(std::string_view what) const {
  return Error(Code::Corrupt, "the JSON is broken at byte {}: {}", at_, what);
}

Status JsonReader::expect(char c) {
  skip_blanks();
  if (at_ >= text_.size() || text_[at_] != c) {
    return Error(Code::Corrupt, "the JSON is broken at byte {}: '{}' expected", at_, c);
  }
  ++at_;
  first_ = true;
  return {};
}

Result<bool> JsonReader::next_key(std::string& key) {
  skip_blanks();
  if (at_ < text_.size() && text_[at_] == '}') {
    ++at_;
    first_ = false;
    return false;
  }
  if (!first_) TRY(expect(','));
  first_ = false;
  TRY(read_string(key));
  TRY(expect(':'));
  first_ = false;
  return true;
}

Result<bool> JsonReader::next_value() {
  skip_blanks();
  if (at_ < text_.size() && text_[at_] == ']') {
    ++at_;
    first_ = false;
    return false;
  }
  if (!first_) TRY(expect(','));
  first_ = false;
  return true;
}

Result<std::uint32_t> JsonReader::read_hex4() {
  if (text_.size() - at_ < 4) return broken("a \\u needs four hex digits").error();
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = text_[at_++];
    value <<= 4U;
    if (is_digit(c)) {
      value |= static_cast<std::uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value |= static_cast<std::uint32_t>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      value |= static_cast<std::uint32_t>(c - 'A' + 10);
    } else {
      return broken("a \\u needs four hex digits").error();
    }
  }
  return value;
}

// Behind the backslash. A surrogate without its partner becomes U+FFFD, as in Go.
Status JsonReader::read_escape(std::string& out) {
  if (at_ >= text_.size()) return broken("a string does not end");
  const char c = text_[at_++];
  switch (c) {
    case '"':
    case '\\':
    case '/':
      out += c;
      return {};
    case 'b':
      out += '\b';
      return {};
    case 'f':
      out += '\f';
      return {};
    case 'n':
      out += '\n';
      return {};
    case 'r':
      out += '\r';
      return {};
    case 't':
      out += '\t';
      return {};
    case 'u':
      break;
    default:
      return broken("an unknown escape in a string");
  }
  char32_t value = TRY(read_hex4());
  if (value >= 0xd800 && value < 0xdc00 && text_.substr(at_, 2) == "\\u") {
    const std::size_t before = at_;
    at_ += 2;
    const char32_t low = TRY(read_hex4());
    if (low >= 0xdc00 && low < 0xe000) {
      value = 0x10000 + ((value - 0xd800) << 10U) + (low - 0xdc00);
    } else {
      at_ = before;
    }
  }
  if (value >= 0xd800 && value < 0xe000) value = 0xfffd;
  append_utf8(out, value);
  return {};
}

Status JsonReader::read_string(std::string& out) {
  out.clear();
  skip_blanks();
  if (at_ >= text_.size() || text_[at_] != '"') return broken("a string expected");
  ++at_;
  for (;;) {
    const std::size_t from = at_;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
           static_cast<unsigned char>(text_[at_]) >= 0x20) {
      ++at_;
    }
    out.append(text_.substr(from, at_ - from));
    if (at_ >= text_.size()) return broken("a string does not end");
    const char c = text_[at_];
    if (c == '"') {
      ++at_;
      return {};
    }
    if (c != '\\') return broken("a control character in a string");
    ++at_;
    TRY(read_escape(out));
  }
}

Result<std::uint64_t> JsonReader::read_u64() {
  skip_blanks();
  if (at_ >= text_.size() || !is_digit(text_[at_])) return broken("a number expected").error();
  std::uint64_t value = 0;
  while (at_ < text_.size() && is_digit(text_[at_])) {
    if (__builtin_mul_overflow(value, std::uint64_t{10}, &value) ||
        __builtin_add_overflow(value, static_cast<std::uint64_t>(text_[at_] - '0'), &value)) {
      return broken("a number is out of range").error();
    }
    ++at_;
  }
  if (at_ < text_.size() && is_number_part(text_[at_])) {
    return broken("a whole number expected").error();
  }
  return value;
}

Result<bool> JsonReader::read_bool() {
  skip_blanks();
  for (const bool value : {true, false}) {
    const std::string_view word = value ? "true" : "false";
    if (text_.substr(at_).starts_with(word)) {
      at_ += word.size();
      return value;
    }
  }
  return broken("true or false expected").error();
}

bool JsonReader::take_null() {
  skip_blanks();
  if (!text_.substr(at_).starts_with("null")) return false;
  at_ += 4;
  return true;
}

// Without recursion: a stack of what is open, one bit each.
Status JsonReader::skip() {
  std::uint64_t objects = 0;  // bit d: the container at depth d is an object
  int depth = 0;
  std::string ignored;
  for (;;) {
    skip_blanks();
    if (at_ >= text_.size()) return broken("a value expected");
    const char c = text_[at_];
    if (c == '{' || c == '[') {
      if (depth == kMaxJsonDepth - 1) return broken("too deeply nested");
      objects = objects << 1U | (c == '{' ? 1U : 0U);
      ++depth;
      ++at_;
      first_ = true;
    } else if (c == '"') {
      TRY(read_string(ignored));
    } else if (c == 't' || c == 'f') {
      TRY(read_bool());
    } else if (c == '-' || is_digit(c)) {
      while (at_ < text_.size() && is_number_part(text_[at_]))
        ++at_;
    } else if (!take_null()) {
      return broken("a value expected");
    }
    for (;;) {
      if (depth == 0) return {};
      const bool more = (objects & 1U) != 0 ? TRY(next_key(ignored)) : TRY(next_value());
      if (more) break;
      objects >>= 1U;
      --depth;
    }
  }
}

Status JsonReader::read_raw(std::string& out) {
  skip_blanks();
  const std::size_t from = at_;
  TRY(skip());
  out = text_.substr(from, at_ - from);
  return {};
}

Status JsonReader::end() {
  skip_blanks();
  if (at_ != text_.size()) return broken("more follows the document");
  return {};
}

}  // namespace lateen::repository
