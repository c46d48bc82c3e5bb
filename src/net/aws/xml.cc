#include "net/aws/xml.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/text.h"

namespace lateen::net::aws {
namespace {

// Answers of AWS are a few levels deep.
constexpr std::size_t kMaxDepth = 64;

struct NamedEntity {
  std::string_view name;
  char character;
};

constexpr std::array<NamedEntity, 5> kEntities = {
    {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || c == ':' || static_cast<unsigned char>(c) >= 0x80;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto byte = [&out](std::uint32_t value) { out += static_cast<char>(value); };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xC0U | (c >> 6U));
    byte(0x80U | (c & 0x3FU));
  } else if (c < 0x10000) {
    byte(0xE0U | (c >> 12U));
    byte(0x80U | ((c >> 6U) & 0x3FU));
    byte(0x80U | (c & 0x3FU));
  } else {
    byte(0xF0U | (c >> 18U));
    byte(0x80U | ((c >> 12U) & 0x3FU));
    byte(0x80U | ((c >> 6U) & 0x3FU));
    byte(0x80U | (c & 0x3FU));
  }
}

// What XML 1.0 lets be written as a number.
bool is_character(std::uint32_t c) {
  if (c < 0x20) return c == 0x9 || c == 0xA || c == 0xD;
  return c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF) && c != 0xFFFE && c != 0xFFFF;
}

// One pass over the text; elements that are open lie on a stack of our own, so that depth costs no
// call stack.
class XmlReader {
 public:
  explicit XmlReader(BytesView text) : text_(text) {}

  Result<XmlElement> read() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    while (at_ < text_.size())
      TRY(step());
    if (!open_.empty()) return wrong(fmt::format("<{}> is not closed", open_.back().name));
    if (!root_) return wrong("there is no element");
    return std::move(*root_);
  }

 private:
  Error wrong(std::string_view what) const {
    return Error(Code::Corrupt, "not well-formed XML at byte {}: {}", at_, what);
  }

  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }

  // To behind `end`; what was passed over.
  Result<std::string_view> take_until(std::string_view end) {
    const std::size_t found = text_.find(end, at_);
    if (found == std::string_view::npos) return wrong(fmt::format("{} is missing", end));
    const std::string_view passed = text_.substr(at_, found - at_);
    at_ = found + end.size();
    return passed;
  }

  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_]))
      ++at_;
  }

  Status step() {
    if (take("<?")) {
      TRY(take_until("?>"));
      return {};
    }
    if (take("<!--")) {
      TRY(take_until("-->"));
      return {};
    }
    if (take("<![CDATA[")) {
      const std::string_view raw = TRY(take_until("]]>"));
      return add_text(std::string(raw));
    }
    if (take("<!")) return wrong("document types are not taken");
    if (take("</")) return close();
    if (take("<")) return open();
    return characters();
  }

  Result<std::string> name() {
    const std::size_t start = at_;
    while (at_ < text_.size() && is_name_character(text_[at_]))
      ++at_;
    const std::string_view whole = text_.substr(start, at_ - start);
    const Cut prefixed = cut_last(whole, ":");
    std::string local(prefixed.found ? prefixed.after : whole);
    if (local.empty()) return wrong("a name is missing");
    return local;
  }

  Status open() {
    if (root_) return wrong("there is something behind the root element");
    if (open_.size() == kMaxDepth) return wrong("too deep");
    XmlElement element{.name = TRY(name())};
    for (;;) {
      skip_blanks();
      if (take("/>")) return finish(std::move(element));
      if (take(">")) break;
      TRY(attribute());
    }
    open_.push_back(std::move(element));
    return {};
  }

  Status attribute() {
    TRY(name());
    skip_blanks();
    if (!take("=")) return wrong("an attribute without a value");
    skip_blanks();
    const std::string_view quote = take("\"") ? "\"" : take("'") ? "'" : "";
    if (quote.empty()) return wrong("an attribute's value needs quotes");
    TRY(take_until(quote));
    return {};
  }

  Status close() {
    const std::string closed = TRY(name());
    skip_blanks();
    if (!take(">")) return wrong("> is missing");
    if (open_.empty() || open_.back().name != closed) {
      return wrong(fmt::format("</{}> closes nothing", closed));
    }
    XmlElement element = std::move(open_.back());
    open_.pop_back();
    return finish(std::move(element));
  }

  Status finish(XmlElement element) {
    if (open_.empty()) {
      root_ = std::move(element);
    } else {
      open_.back().children.push_back(std::move(element));
    }
    return {};
  }

  Status characters() {
    const std::size_t end = std::min(text_.find('<', at_), text_.size());
    std::string plain;
    while (at_ < end) {
      const std::size_t stop = std::min(text_.find('&', at_), end);
      plain += text_.substr(at_, stop - at_);
      at_ = stop;
      if (at_ < end) TRY(entity(plain));
    }
    return add_text(std::move(plain));
  }

  Status entity(std::string& out) {
    ++at_;
    const std::size_t end = text_.find(';', at_);
    constexpr std::size_t kLongest = 10;
    if (end == std::string_view::npos || end - at_ > kLongest) return wrong("a bare &");
    const std::string_view what = text_.substr(at_, end - at_);
    for (const NamedEntity& known : kEntities) {
      if (known.name != what) continue;
      out += known.character;
      at_ = end + 1;
      return {};
    }
    if (!what.starts_with('#')) return wrong("an unknown entity");
    const bool hex = what.starts_with("#x");
    const std::string_view digits = what.substr(hex ? 2 : 1);
    std::uint32_t number = 0;
    const auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, hex ? 16 : 10);
    if (error != std::errc() || stop != digits.data() + digits.size() || !is_character(number)) {
      return wrong("not the number of a character");
    }
    append_utf8(out, number);
    at_ = end + 1;
    return {};
  }

  Status add_text(std::string text) {
    if (!open_.empty()) {
      open_.back().text += text;
      return {};
    }
    if (!trim(text).empty()) return wrong("text outside of the root element");
    return {};
  }

  BytesView text_;
  std::size_t at_ = 0;
  std::vector<XmlElement> open_;
  std::optional<XmlElement> root_;
};

}  // namespace

const XmlElement* XmlElement::find(std::string_view child) const {
  for (const XmlElement& element : children) {
    if (element.name == child) return &element;
  }
  return nullptr;
}

std::vector<const XmlElement*> XmlElement::all(std::string_view child) const {
  std::vector<const XmlElement*> found;
  for (const XmlElement& element : children) {
    if (element.name == child) found.push_back(&element);
  }
  return found;
}

std::string_view XmlElement::text_of(std::string_view path) const {
  const XmlElement* at = this;
  for (const std::string_view step : split(path, '/')) {
    at = at->find(step);
    if (at == nullptr) return {};
  }
  return at->text;
}

Result<XmlElement> parse_xml(BytesView document) {
  return XmlReader(document).read();
}

std::string escape_xml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      // Written as they are, readers would make blanks or line ends of them.
      case '\t':
        out += "&#9;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '\r':
        out += "&#13;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace lateen::net::aws
