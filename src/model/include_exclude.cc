#include "model/include_exclude.h"

#include <algorithm>

#include "base/text.h"

namespace lateen::model {
namespace {

constexpr std::size_t kMaxNameLength = 63;

bool contains(const StringList& list, std::string_view item) {
  return std::ranges::find(list, item) != list.end();
}

bool any_match(const StringList& patterns, std::string_view item) {
  return std::ranges::any_of(
      patterns, [item](const std::string& pattern) { return glob_match(pattern, item); });
}

// Go prints what is in both as it stands in the excludes.
void add_items_in_both(const StringList& includes, const StringList& excludes, StringList& errors) {
  for (const std::string& item : excludes) {
    if (contains(includes, item)) {
      errors.push_back(
          fmt::format("excludes list cannot contain an item in the includes list: {}", item));
    }
  }
}

// A DNS label: what the name of a namespace must be.
bool is_dns_label(std::string_view name) {
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= kMaxNameLength && is_alphanumeric(name.front()) &&
         is_alphanumeric(name.back()) &&
         std::ranges::all_of(name, [&](char c) { return is_alphanumeric(c) || c == '-'; });
}

// What is wrong with brackets: none closed, or nothing in them. Empty when nothing is.
std::string_view bracket_fault(std::string_view pattern) {
  bool open = false;
  std::size_t length = 0;
  for (const char c : pattern) {
    if (c == '[' && !open) {
      open = true;
      length = 0;
    } else if (c == ']') {
      if (!open) return "unclosed or unopened brackets";
      if (length == 0) return "empty brackets";
      open = false;
    } else if (open) {
      ++length;
    }
  }
  return open ? "unclosed or unopened brackets" : "";
}

std::string namespace_fault(std::string_view pattern) {
  if (pattern == "*") return {};
  if (pattern.find_first_of("|()!{},") != std::string_view::npos) {
    return fmt::format(
        "invalid namespace pattern \"{}\": contains an unsupported character of | ( ) ! {{ }} ,",
        pattern);
  }
  if (pattern.find("**") != std::string_view::npos) {
    return fmt::format("invalid namespace pattern \"{}\": \"**\" is not supported", pattern);
  }
  if (const std::string_view fault = bracket_fault(pattern); !fault.empty()) {
    return fmt::format("invalid namespace pattern \"{}\": {}", pattern, fault);
  }
  std::string name(pattern);
  std::ranges::replace_if(
      name, [](char c) { return std::string_view("*?[]").find(c) != std::string_view::npos; }, 'x');
  if (is_dns_label(name)) return {};
  return fmt::format(
      "invalid namespace \"{}\": a lowercase RFC 1123 label must consist of lower case "
      "alphanumeric characters or '-', "
      "and must start and end with an alphanumeric character",
      pattern);
}

}  // namespace

IncludeExclude::IncludeExclude(StringList includes, StringList excludes)
    : includes_(std::move(includes)), excludes_(std::move(excludes)) {}

bool IncludeExclude::is_excluded(std::string_view item) const {
  return any_match(excludes_, item);
}

bool IncludeExclude::is_named(std::string_view item) const {
  return std::ranges::any_of(includes_, [item](const std::string& pattern) {
    return pattern != "*" && glob_match(pattern, item);
  });
}

bool IncludeExclude::includes_all_but_excludes() const {
  return includes_.empty() || contains(includes_, "*");
}

bool IncludeExclude::includes_everything() const {
  return excludes_.empty() &&
         (includes_.empty() || (includes_.size() == 1 && includes_.front() == "*"));
}

bool IncludeExclude::should_include(std::string_view item) const {
  return !is_excluded(item) && (includes_all_but_excludes() || is_named(item));
}

StringList validate_includes_excludes(const StringList& includes, const StringList& excludes) {
  StringList errors;
  if (includes.size() > 1 && contains(includes, "*")) {
    errors.emplace_back("includes list must either contain '*' only, or a non-empty list of items");
  }
  if (contains(excludes, "*")) errors.emplace_back("excludes list cannot contain '*'");
  add_items_in_both(includes, excludes, errors);
  return errors;
}

StringList validate_namespace_includes_excludes(const StringList& includes,
                                                const StringList& excludes) {
  StringList errors = validate_includes_excludes(includes, excludes);
  for (const StringList* list : {&includes, &excludes}) {
    for (const std::string& item : *list) {
      if (std::string fault = namespace_fault(item); !fault.empty())
        errors.push_back(std::move(fault));
    }
  }
  return errors;
}

StringList validate_scoped_includes_excludes(const StringList& includes,
                                             const StringList& excludes) {
  StringList errors;
  if (includes.size() > 1 && contains(includes, "*")) {
    errors.emplace_back("includes list must either contain '*' only, or a non-empty list of items");
  }
  if (excludes.size() > 1 && contains(excludes, "*")) {
    errors.emplace_back("excludes list must either contain '*' only, or a non-empty list of items");
  }
  if (!includes.empty() && contains(excludes, "*")) {
    errors.emplace_back("when exclude is '*', include cannot have value");
  }
  add_items_in_both(includes, excludes, errors);
  return errors;
}

}  // namespace lateen::model
