#include "model/label_selector.h"

#include <algorithm>

#include "base/text.h"

namespace lateen::model {
namespace {

bool holds(const LabelSelectorRequirement& requirement, const StringMap& labels) {
  const auto found = labels.find(requirement.key);
  const bool present = found != labels.end();
  const bool listed =
      present && std::ranges::find(requirement.values, found->second) != requirement.values.end();
  if (requirement.op == "In") return listed;
  if (requirement.op == "NotIn") return !listed;  // an absent label is not in any set
  if (requirement.op == "Exists") return present;
  return requirement.op == "DoesNotExist" && !present;
}

std::string format_requirement(const LabelSelectorRequirement& requirement) {
  if (requirement.op == "Exists") return requirement.key;
  if (requirement.op == "DoesNotExist") return "!" + requirement.key;
  StringList values = requirement.values;
  std::ranges::sort(values);
  return fmt::format("{} {} ({})", requirement.key, requirement.op == "In" ? "in" : "notin",
                     join(values, ","));
}

}  // namespace

Status LabelSelector::validate() const {
  for (const LabelSelectorRequirement& requirement : match_expressions) {
    const bool takes_values = requirement.op == "In" || requirement.op == "NotIn";
    if (!takes_values && requirement.op != "Exists" && requirement.op != "DoesNotExist") {
      return Error(Code::InvalidArgument, "\"{}\" is not a valid label selector operator",
                   requirement.op);
    }
    if (takes_values && requirement.values.empty()) {
      return Error(Code::InvalidArgument,
                   "values: Invalid value: []: for 'in', 'notin' operators, values set can't be "
                   "empty (label {})",
                   requirement.key);
    }
    if (!takes_values && !requirement.values.empty()) {
      return Error(Code::InvalidArgument,
                   "values set must be empty for exists and does not exist (label {})",
                   requirement.key);
    }
  }
  return {};
}

bool LabelSelector::matches(const StringMap& labels) const {
  const bool all_equal = std::ranges::all_of(match_labels, [&](const auto& wanted) {
    const auto found = labels.find(wanted.first);
    return found != labels.end() && found->second == wanted.second;
  });
  return all_equal &&
         std::ranges::all_of(match_expressions, [&](const LabelSelectorRequirement& requirement) {
           return holds(requirement, labels);
         });
}

// Kubernetes sorts the requirements by key, then prints each.
std::string LabelSelector::format() const {
  if (empty()) return "<none>";
  std::multimap<std::string, std::string> by_key;
  for (const auto& [key, value] : match_labels)
    by_key.emplace(key, fmt::format("{}={}", key, value));
  for (const LabelSelectorRequirement& requirement : match_expressions) {
    by_key.emplace(requirement.key, format_requirement(requirement));
  }
  StringList parts;
  for (auto& [key, text] : by_key)
    parts.push_back(std::move(text));
  return join(parts, ",");
}

}  // namespace lateen::model
