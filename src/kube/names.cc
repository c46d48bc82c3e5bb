#include "kube/names.h"

#include <algorithm>
#include <initializer_list>

#include <fmt/format.h>

namespace lateen::kube {
namespace {

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_alpha(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z');
}

bool is_lower_alnum(char c) {
  return is_lower(c) || is_digit(c);
}

bool is_alnum(char c) {
  return is_alpha(c) || is_digit(c);
}

// [a-z0-9]([-a-z0-9]*[a-z0-9])?
bool is_dns_label(std::string_view s) {
  return !s.empty() && is_lower_alnum(s.front()) && is_lower_alnum(s.back()) &&
         std::all_of(s.begin(), s.end(), [](char c) { return is_lower_alnum(c) || c == '-'; });
}

// Labels joined by dots.
bool is_dns_subdomain(std::string_view s) {
  while (true) {
    const std::size_t dot = s.find('.');
    if (!is_dns_label(s.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    s.remove_prefix(dot + 1);
  }
}

bool is_qualified_part(std::string_view s) {
  return !s.empty() && is_alnum(s.front()) && is_alnum(s.back()) &&
         std::all_of(s.begin(), s.end(),
                     [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

std::string too_long(std::size_t max) {
  return fmt::format("must be no more than {} characters", max);
}

// The text of a failed regular expression: "<what> (e.g. 'a', or 'b', regex used for validation is
// '…')".
std::string regex_problem(std::string_view what,
                          std::string_view regex,
                          std::initializer_list<std::string_view> examples) {
  std::string text(what);
  text += " (";
  for (const char* lead = "e.g. "; const std::string_view example : examples) {
    text += fmt::format("{}'{}', ", lead, example);
    lead = " or ";  // two blanks: Kubernetes prints them
  }
  text += fmt::format("regex used for validation is '{}')", regex);
  return text;
}

// A data key becomes a file in a volume.
void add_folder_problems(std::string_view value, NameProblems& problems) {
  if (value == ".") {
    problems.emplace_back("must not be '.'");
  } else if (value == "..") {
    problems.emplace_back("must not be '..'");
  } else if (value.starts_with("..")) {
    problems.emplace_back("must not start with '..'");
  }
}

constexpr std::string_view kQualifiedRegex = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
constexpr std::string_view kQualifiedText =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character";
constexpr std::string_view kSubdomainRegex =
    "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

std::string qualified_problem() {
  return regex_problem(kQualifiedText, kQualifiedRegex, {"MyName", "my.name", "123-abc"});
}

}  // namespace

NameProblems check_dns1123_label(std::string_view value) {
  NameProblems problems;
  if (value.size() > kDns1123LabelMax) problems.push_back(too_long(kDns1123LabelMax));
  if (is_dns_label(value)) return problems;
  if (is_dns_subdomain(value)) {
    problems.emplace_back("must not contain dots");
  } else {
    problems.push_back(regex_problem(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
        "must start and end with an alphanumeric character",
        "[a-z0-9]([-a-z0-9]*[a-z0-9])?", {"my-name", "123-abc"}));
  }
  return problems;
}

NameProblems check_dns1123_subdomain(std::string_view value) {
  NameProblems problems;
  if (value.size() > kDns1123SubdomainMax) problems.push_back(too_long(kDns1123SubdomainMax));
  if (!is_dns_subdomain(value)) {
    problems.push_back(regex_problem(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
        "'.', and must start and end with an alphanumeric character",
        kSubdomainRegex, {"example.com"}));
  }
  return problems;
}

NameProblems check_dns1035_label(std::string_view value) {
  NameProblems problems;
  if (value.size() > kDns1123LabelMax) problems.push_back(too_long(kDns1123LabelMax));
  if (!is_dns_label(value) || !is_lower(value.front())) {
    problems.push_back(regex_problem(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
        "alphabetic character, and end with an alphanumeric character",
        "[a-z]([-a-z0-9]*[a-z0-9])?", {"my-name", "abc-123"}));
  }
  return problems;
}

NameProblems check_wildcard_dns1123_subdomain(std::string_view value) {
  NameProblems problems;
  if (value.size() > kDns1123SubdomainMax) problems.push_back(too_long(kDns1123SubdomainMax));
  if (!value.starts_with("*.") || !is_dns_subdomain(value.substr(2))) {
    problems.push_back(regex_problem(
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, "
        "which must consist of lower case alphanumeric characters, '-' or '.' and end with an "
        "alphanumeric character",
        fmt::format("\\*\\.{}", kSubdomainRegex), {"*.example.com"}));
  }
  return problems;
}

NameProblems check_qualified_name(std::string_view value) {
  NameProblems problems;
  const std::size_t slash = value.find('/');
  std::string_view name = value;
  if (slash != std::string_view::npos) {
    const std::string_view prefix = value.substr(0, slash);
    name = value.substr(slash + 1);
    if (name.find('/') != std::string_view::npos) {
      return {
          fmt::format("a qualified name {} with an optional DNS subdomain prefix and '/' "
                      "(e.g. 'example.com/MyName')",
                      qualified_problem())};
    }
    if (prefix.empty()) {
      problems.emplace_back("prefix part must be non-empty");
    } else {
      for (const std::string& problem : check_dns1123_subdomain(prefix)) {
        problems.push_back("prefix part " + problem);
      }
    }
  }
  if (name.empty()) {
    problems.emplace_back("name part must be non-empty");
  } else if (name.size() > kDns1123LabelMax) {
    problems.push_back("name part " + too_long(kDns1123LabelMax));
  }
  if (!is_qualified_part(name)) problems.push_back("name part " + qualified_problem());
  return problems;
}

NameProblems check_label_value(std::string_view value) {
  NameProblems problems;
  if (value.size() > kDns1123LabelMax) problems.push_back(too_long(kDns1123LabelMax));
  if (!value.empty() && !is_qualified_part(value)) {
    problems.push_back(
        regex_problem(fmt::format("a valid label must be an empty string or {}",
                                  kQualifiedText.substr(std::string_view("must ").size())),
                      fmt::format("({})?", kQualifiedRegex), {"MyValue", "my_value", "12345"}));
  }
  return problems;
}

NameProblems check_config_map_key(std::string_view value) {
  NameProblems problems;
  if (value.size() > kDns1123SubdomainMax) problems.push_back(too_long(kDns1123SubdomainMax));
  const bool fits = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return is_alnum(c) || c == '-' || c == '_' || c == '.';
  });
  if (!fits) {
    problems.push_back(
        regex_problem("a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
                      "[-._a-zA-Z0-9]+", {"key.name", "KEY_NAME", "key-name"}));
  }
  add_folder_problems(value, problems);
  return problems;
}

NameProblems check_env_var_name(std::string_view value) {
  NameProblems problems;
  const bool fits = !value.empty() && !is_digit(value.front()) &&
                    std::all_of(value.begin(), value.end(), [](char c) {
                      return is_alnum(c) || c == '-' || c == '_' || c == '.';
                    });
  if (!fits) {
    problems.push_back(
        regex_problem("a valid environment variable name must consist of alphabetic characters, "
                      "digits, '_', '-', "
                      "or '.', and must not start with a digit",
                      "[-._a-zA-Z][-._a-zA-Z0-9]*", {"my.env-name", "MY_ENV.NAME", "MyEnvName1"}));
  }
  add_folder_problems(value, problems);
  return problems;
}

NameProblems check_path_segment_name(std::string_view value) {
  if (value == "." || value == "..") return {fmt::format("may not be '{}'", value)};
  NameProblems problems;
  for (const char illegal : {'/', '%'}) {
    if (value.find(illegal) != std::string_view::npos) {
      problems.push_back(fmt::format("may not contain '{}'", illegal));
    }
  }
  return problems;
}

NameProblems check_port_name(std::string_view value) {
  NameProblems problems;
  if (value.size() > 15) problems.push_back(too_long(15));
  const bool charset = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return is_lower_alnum(c) || c == '-';
  });
  if (!charset) {
    problems.emplace_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (std::none_of(value.begin(), value.end(), is_lower)) {
    problems.emplace_back("must contain at least one letter (a-z)");
  }
  if (value.find("--") != std::string_view::npos) {
    problems.emplace_back("must not contain consecutive hyphens");
  }
  if (!value.empty() && (value.front() == '-' || value.back() == '-')) {
    problems.emplace_back("must not begin or end with a hyphen");
  }
  return problems;
}

NameProblems check_port_number(std::int64_t value) {
  if (value >= 1 && value <= 65535) return {};
  return {"must be between 1 and 65535, inclusive"};
}

std::string join_problems(const NameProblems& problems) {
  return fmt::format("{}", fmt::join(problems, "; "));
}

}  // namespace lateen::kube
