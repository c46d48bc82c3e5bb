#include "sandbox/schema/name_rules.h"

#include <algorithm>

#include <fmt/format.h>

namespace lateen::sandbox::schema {
namespace {

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_lower_alnum(char c) {
  return is_lower(c) || is_digit(c);
}

bool is_alnum(char c) {
  return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

bool is_label(std::string_view text) {
  return !text.empty() && is_lower_alnum(text.front()) && is_lower_alnum(text.back()) &&
         std::ranges::all_of(text, [](char c) { return is_lower_alnum(c) || c == '-'; });
}

bool is_subdomain(std::string_view text) {
  while (true) {
    const std::size_t dot = text.find('.');
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// Letters and digits at both ends, and -_. between.
bool is_word(std::string_view text) {
  return !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
         std::ranges::all_of(
             text, [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

std::string too_long(std::size_t most) {
  return fmt::format("must be no more than {} characters", most);
}

constexpr std::string_view kSubdomainText =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

constexpr std::string_view kLabelText =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

constexpr std::string_view kDns1035Text =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for "
    "validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')";

constexpr std::string_view kNamePartText =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

constexpr std::string_view kLabelValueText =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    "for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

constexpr std::string_view kConfigKeyText =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name', "
    " or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

}  // namespace

Complaints check_dns_subdomain(std::string_view text) {
  Complaints wrong;
  if (text.size() > 253) wrong.push_back(too_long(253));
  if (!is_subdomain(text)) wrong.emplace_back(kSubdomainText);
  return wrong;
}

Complaints check_dns_label(std::string_view text) {
  Complaints wrong;
  if (text.size() > 63) wrong.push_back(too_long(63));
  if (!is_label(text)) wrong.emplace_back(kLabelText);
  return wrong;
}

Complaints check_dns1035_label(std::string_view text) {
  Complaints wrong;
  if (text.size() > 63) wrong.push_back(too_long(63));
  if (!is_label(text) || !is_lower(text.front())) wrong.emplace_back(kDns1035Text);
  return wrong;
}

Complaints check_path_segment(std::string_view text) {
  if (text == "." || text == "..") return {fmt::format("may not be '{}'", text)};
  Complaints wrong;
  for (const char c : {'/', '%'}) {
    if (text.find(c) != std::string_view::npos)
      wrong.push_back(fmt::format("may not contain '{}'", c));
  }
  return wrong;
}

Complaints check_qualified_name(std::string_view text) {
  Complaints wrong;
  std::string_view name = text;
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    const std::string_view prefix = text.substr(0, slash);
    name = text.substr(slash + 1);
    if (name.find('/') != std::string_view::npos) {
      return {
          fmt::format("a qualified name {} with an optional DNS subdomain prefix and '/' (e.g. "
                      "'example.com/MyName')",
                      kNamePartText)};
    }
    if (prefix.empty()) {
      wrong.emplace_back("prefix part must be non-empty");
    } else {
      for (const std::string& complaint : check_dns_subdomain(prefix)) {
        wrong.push_back(fmt::format("prefix part {}", complaint));
      }
    }
  }
  if (name.empty()) {
    wrong.emplace_back("name part must be non-empty");
  } else if (name.size() > 63) {
    wrong.push_back(fmt::format("name part {}", too_long(63)));
  }
  if (!is_word(name)) wrong.push_back(fmt::format("name part {}", kNamePartText));
  return wrong;
}

Complaints check_label_value(std::string_view text) {
  Complaints wrong;
  if (text.size() > 63) wrong.push_back(too_long(63));
  if (!text.empty() && !is_word(text)) wrong.emplace_back(kLabelValueText);
  return wrong;
}

Complaints check_config_key(std::string_view text) {
  Complaints wrong;
  if (text.size() > 253) wrong.push_back(too_long(253));
  const auto fits = [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  if (text.empty() || !std::ranges::all_of(text, fits)) wrong.emplace_back(kConfigKeyText);
  if (text == "." || text == "..") wrong.push_back(fmt::format("must not be '{}'", text));
  if (text != ".." && text.starts_with("..")) wrong.emplace_back("must not start with '..'");
  return wrong;
}

Complaints check_port_name(std::string_view text) {
  Complaints wrong;
  if (text.size() > 15) wrong.push_back(too_long(15));
  if (!std::ranges::all_of(text, [](char c) { return is_lower_alnum(c) || c == '-'; })) {
    wrong.emplace_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (std::ranges::none_of(text, is_lower))
    wrong.emplace_back("must contain at least one letter (a-z)");
  if (text.find("--") != std::string_view::npos)
    wrong.emplace_back("must not contain consecutive hyphens");
  if (!text.empty() && (text.front() == '-' || text.back() == '-')) {
    wrong.emplace_back("must not begin or end with a hyphen");
  }
  return wrong;
}

Complaints check_env_name(std::string_view text) {
  // Since 1.32 any printable ASCII but '=' will do.
  const auto fits = [](char c) { return c >= 32 && c < 127 && c != '='; };
  if (!text.empty() && std::ranges::all_of(text, fits)) return {};
  return {
      "a valid environment variable name must consist only of printable ASCII characters other "
      "than '='"};
}

}  // namespace lateen::sandbox::schema
