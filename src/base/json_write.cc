// The writer half of json.h: byte for byte what Go's encoding/json writes.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/json.h"
#include "base/utf8.h"

namespace lateen {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

void append_unicode_escape(std::string& out, unsigned code_point) {
  out += "\\u";
  for (const int shift : {12, 8, 4, 0})
    out += kHexDigits[(code_point >> shift) & 0xfU];
}

void append_escaped_ascii(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      append_unicode_escape(out, static_cast<unsigned char>(c));
      return;
  }
}

bool is_plain_ascii(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

// Appends the multi-byte character at the start of `rest` and says how many bytes it took.
std::size_t append_non_ascii(std::string& out, std::string_view rest) {
  const Utf8Char character = decode_utf8(rest);
  if (!character.valid) {
    append_unicode_escape(out, 0xfffd);
  } else if (character.value == 0x2028 || character.value == 0x2029) {
    append_unicode_escape(out, character.value);
  } else {
    out += rest.substr(0, character.length);
  }
  return character.length;
}

// The shortest digits that read back as the same number, laid out by Go's rules: plain between 1e-6
// and 1e21, else d.ddde±x with no leading zero in a negative exponent.
void append_double(std::string& out, double value) {
  LATEEN_ASSERT(std::isfinite(value), "JSON has no infinity, and the parsers refuse it");
  std::array<char, 64> buffer;  // shortest scientific form: at most 24 characters
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific)
                       .ptr;
  std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  if (text.front() == '-') {
    out += '-';
    text.remove_prefix(1);
  }
  const std::size_t e = text.find('e');
  const double magnitude = std::abs(value);
  int exponent = 0;
  const std::size_t digits_at = text[e + 1] == '+' ? e + 2 : e + 1;
  std::from_chars(text.data() + digits_at, text.data() + text.size(), exponent);
  if (magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21)) {
    out += text.substr(0, e);
    fmt::format_to(std::back_inserter(out), "e{}{}", exponent < 0 ? '-' : '+', std::abs(exponent));
    return;
  }
  std::string digits(1, text.front());
  if (e > 2) digits += text.substr(2, e - 2);
  if (exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-exponent - 1), '0');
    out += digits;
    return;
  }
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  out += digits.substr(0, whole);
  if (digits.size() <= whole) {
    out.append(whole - digits.size(), '0');
  } else {
    out += '.';
    out += digits.substr(whole);
  }
}

struct Style {
  bool sorted;
  int indent;  // blanks a level; none: compact
};

class Writer {
 public:
  explicit Writer(Style style) : style_(style) {}

  void write(const Json& value) {
    switch (value.kind()) {
      case boost::json::kind::null:
        out_ += "null";
        return;
      case boost::json::kind::bool_:
        out_ += value.get_bool() ? "true" : "false";
        return;
      case boost::json::kind::int64:
        append_integer(value.get_int64());
        return;
      case boost::json::kind::uint64:
        append_integer(value.get_uint64());
        return;
      case boost::json::kind::double_:
        append_double(out_, value.get_double());
        return;
      case boost::json::kind::string: {
        const auto& text = value.get_string();
        append_json_string(out_, {text.data(), text.size()});
        return;
      }
      case boost::json::kind::array:
        write_array(value.get_array());
        return;
      case boost::json::kind::object:
        write_object(value.get_object());
        return;
    }
  }

  std::string take() && { return std::move(out_); }

 private:
  template <typename Integer>
  void append_integer(Integer value) {
    std::array<char, 24> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    out_.append(buffer.data(), end);
  }

  void write_array(const JsonArray& array) {
    if (array.empty()) {
      out_ += "[]";
      return;
    }
    char before = '[';
    ++level_;
    for (const Json& element : array) {
      out_ += before;
      new_line();
      write(element);
      before = ',';
    }
    --level_;
    new_line();
    out_ += ']';
  }

  void write_object(const JsonObject& object) {
    if (object.empty()) {
      out_ += "{}";
      return;
    }
    char before = '{';
    ++level_;
    for_each_member(object, [&](const JsonObject::value_type& member) {
      out_ += before;
      new_line();
      append_json_string(out_, {member.key().data(), member.key().size()});
      out_ += style_.indent > 0 ? ": " : ":";
      write(member.value());
      before = ',';
    });
    --level_;
    new_line();
    out_ += '}';
  }

  template <typename Visit>
  void for_each_member(const JsonObject& object, Visit visit) {
    const auto by_key = [](const auto& a, const auto& b) { return a.key() < b.key(); };
    if (!style_.sorted || std::is_sorted(object.begin(), object.end(), by_key)) {
      for (const auto& member : object)
        visit(member);
      return;
    }
    std::vector<const JsonObject::value_type*> members;
    members.reserve(object.size());
    for (const auto& member : object)
      members.push_back(&member);
    std::ranges::sort(members, [&](const auto* a, const auto* b) { return by_key(*a, *b); });
    for (const auto* member : members)
      visit(*member);
  }

  void new_line() {
    if (style_.indent == 0) return;
    out_ += '\n';
    out_.append(static_cast<std::size_t>(level_) * static_cast<std::size_t>(style_.indent), ' ');
  }

  Style style_;
  int level_ = 0;
  std::string out_;
};

std::string write_with(const Json& value, Style style) {
  Writer writer(style);
  writer.write(value);
  return std::move(writer).take();
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain_from = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (is_plain_ascii(text[i])) {
      ++i;
      continue;
    }
    out += text.substr(plain_from, i - plain_from);
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      append_escaped_ascii(out, text[i]);
      ++i;
    } else {
      i += append_non_ascii(out, text.substr(i));
    }
    plain_from = i;
  }
  out += text.substr(plain_from);
  out += '"';
}

std::string write_json(const Json& value) {
  return write_with(value, {.sorted = true, .indent = 0});
}

std::string write_json_unsorted(const Json& value) {
  return write_with(value, {.sorted = false, .indent = 0});
}

std::string write_json_pretty(const Json& value, int indent) {
  return write_with(value, {.sorted = true, .indent = indent});
}

}  // namespace lateen
