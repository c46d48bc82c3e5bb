#include "cli/values.h"

#include "base/text.h"
#include "cli/flags.h"

namespace lateen::cli {
namespace {

// One record of CSV: fields by commas, a field in quotes may hold commas and doubled quotes.
Result<std::vector<std::string>> split_csv(std::string_view text) {
  std::vector<std::string> fields;
  std::string field;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        field += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += '"';
        ++i;
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      fields.push_back(std::exchange(field, {}));
    } else {
      field += c;
    }
  }
  if (quoted) return Error(Code::InvalidArgument, "a quote is not closed");
  fields.push_back(std::move(field));
  return fields;
}

// At commas that are not inside parentheses: "a in (x,y),b".
std::vector<std::string_view> split_requirements(std::string_view text) {
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (text[i] != ',' || depth > 0) continue;
    parts.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

Status add_set_requirement(std::string_view part, model::LabelSelector& selector) {
  model::LabelSelectorRequirement requirement;
  const std::size_t open = part.find('(');
  if (open == std::string_view::npos || part.back() != ')') {
    return Error(Code::InvalidArgument, "unable to parse requirement: {}", part);
  }
  const std::vector<std::string> words = split_trimmed(trim(part.substr(0, open)), ' ');
  if (words.size() != 2 || (words[1] != "in" && words[1] != "notin")) {
    return Error(Code::InvalidArgument, "unable to parse requirement: {}", part);
  }
  requirement.key = words[0];
  requirement.op = words[1] == "in" ? "In" : "NotIn";
  requirement.values = split_trimmed(part.substr(open + 1, part.size() - open - 2), ',');
  selector.match_expressions.push_back(std::move(requirement));
  return {};
}

void add_not_equal(std::string_view key, std::string_view value, model::LabelSelector& selector) {
  model::LabelSelectorRequirement requirement;
  requirement.key = trim(key);
  requirement.op = "NotIn";
  requirement.values = {std::string(trim(value))};
  selector.match_expressions.push_back(std::move(requirement));
}

Status add_requirement(std::string_view part, model::LabelSelector& selector) {
  if (part.starts_with('=') || part.starts_with("!=")) {
    return Error(Code::InvalidArgument, "unable to parse requirement: {} has no key", part);
  }
  if (part.find('(') != std::string_view::npos) return add_set_requirement(part, selector);
  if (const Cut pair = cut(part, "!="); pair.found) {
    add_not_equal(pair.before, pair.after, selector);
    return {};
  }
  if (const Cut pair = cut(part, "="); pair.found) {
    const std::string_view value = pair.after.starts_with('=') ? pair.after.substr(1) : pair.after;
    selector.match_labels[std::string(trim(pair.before))] = trim(value);
    return {};
  }
  model::LabelSelectorRequirement requirement;
  const bool absent = part.starts_with('!');
  requirement.key = trim(absent ? part.substr(1) : part);
  requirement.op = absent ? "DoesNotExist" : "Exists";
  if (requirement.key.empty() || requirement.key.find(' ') != std::string::npos) {
    return Error(Code::InvalidArgument, "unable to parse requirement: {}", part);
  }
  selector.match_expressions.push_back(std::move(requirement));
  return {};
}

Result<model::LabelSelector> selector_of(std::string_view text) {
  model::LabelSelector selector;
  if (trim(text).empty()) return selector;
  for (const std::string_view part : split_requirements(text)) {
    if (trim(part).empty())
      return Error(Code::InvalidArgument, "unable to parse requirement: it is empty");
    TRY(add_requirement(trim(part), selector));
  }
  TRY(selector.validate());
  return selector;
}

}  // namespace

Result<model::LabelSelector> parse_selector(std::string_view text) {
  auto selector = selector_of(text);
  if (selector) return selector;
  // As Kubernetes says it.
  return std::move(selector).error().wrap("couldn't parse the selector string {}", quote_go(text));
}

Result<std::vector<model::LabelSelector>> parse_or_selector(std::string_view text) {
  std::vector<model::LabelSelector> selectors;
  std::string_view rest = text;
  while (!trim(rest).empty()) {
    const Cut parts = cut(rest, " or ");
    selectors.push_back(TRY(parse_selector(trim(parts.before))));
    rest = parts.after;
  }
  return selectors;
}

Result<model::StringMap> parse_map(std::string_view text, char separator) {
  model::StringMap map;
  if (text.empty()) return map;
  const std::vector<std::string> fields = TRY(split_csv(text));
  for (const std::string& field : fields) {
    const Cut pair = cut(field, std::string_view(&separator, 1));
    if (!pair.found) return Error(Code::InvalidArgument, "error parsing {}", quote_go(field));
    map[std::string(pair.before)] = pair.after;
  }
  return map;
}

Result<model::StringMap> parse_ordered_resources(std::string_view text) {
  model::StringMap map;
  for (const std::string& entry : split_trimmed(text, ';')) {
    const Cut pair = cut(entry, "=");
    if (!pair.found || pair.after.find('=') != std::string_view::npos) {
      return Error(Code::InvalidArgument, "invalid OrderedResources '{}'", entry);
    }
    map[std::string(trim(pair.before))] = trim(pair.after);
  }
  return map;
}

}  // namespace lateen::cli
