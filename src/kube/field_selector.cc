#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "kube/selector.h"

namespace lateen::kube {
namespace {

// At commas that no backslash takes away.
std::vector<std::string_view> split_terms(std::string_view text) {
  std::vector<std::string_view> terms;
  std::size_t start = 0;
  bool escaped = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (escaped) {
      escaped = false;
    } else if (text[i] == '\\') {
      escaped = true;
    } else if (text[i] == ',') {
      terms.push_back(text.substr(start, i - start));
      start = i + 1;
    }
  }
  terms.push_back(text.substr(start));
  std::sort(terms.begin(), terms.end());
  return terms;
}

Result<std::string> unescape_value(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ',' || text[i] == '=') {
      return Error(Code::InvalidArgument,
                   "invalid field selector: unescaped character in value: {}",
                   static_cast<int>(text[i]));
    }
    if (text[i] != '\\') {
      value += text[i];
      continue;
    }
    const std::string_view next = text.substr(i + 1, 1);
    if (next != "\\" && next != "," && next != "=") {
      return Error(Code::InvalidArgument, "invalid field selector: invalid escape sequence: \\{}",
                   next);
    }
    value += next;
    ++i;
  }
  return value;
}

std::string escape_value(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == ',' || c == '=') out += '\\';
    out += c;
  }
  return out;
}

Result<FieldSelector::Term> parse_term(std::string_view term, std::string_view whole) {
  const std::size_t at = std::min(term.find("!="), term.find('='));
  if (at == std::string_view::npos) {
    return Error(Code::InvalidArgument, "invalid selector: '{}'; can't understand '{}'", whole,
                 term);
  }
  const std::string_view rest = term.substr(at);
  const std::size_t length = rest.starts_with("!=") || rest.starts_with("==") ? 2 : 1;
  FieldSelector::Term out;
  out.field = term.substr(0, at);
  out.equal = rest.front() != '!';
  out.value = TRY(unescape_value(rest.substr(length)));
  return out;
}

std::string scalar_text(const Json* value) {
  if (value == nullptr || value->is_null() || value->is_object() || value->is_array()) return {};
  if (value->is_string()) return std::string(as_text(value));
  return write_json(*value);
}

}  // namespace

Result<FieldSelector> FieldSelector::parse(std::string_view text) {
  FieldSelector selector;
  for (const std::string_view term : split_terms(text)) {
    if (term.empty()) continue;
    selector.terms_.push_back(TRY(parse_term(term, text)));
  }
  return selector;
}

bool FieldSelector::matches(const Json& object) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    return (scalar_text(find(object, term.field)) == term.value) == term.equal;
  });
}

std::optional<std::string> FieldSelector::required_value(std::string_view field) const {
  for (const Term& term : terms_) {
    if (term.equal && term.field == field) return term.value;
  }
  return std::nullopt;
}

std::string FieldSelector::to_string() const {
  std::vector<std::string> parts;
  for (const Term& term : terms_) {
    parts.push_back(
        fmt::format("{}{}{}", term.field, term.equal ? "=" : "!=", escape_value(term.value)));
  }
  return join(parts, ",");
}

}  // namespace lateen::kube
