#include "kube/selector.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "kube/names.h"

namespace lateen::kube {
namespace {

// Go's field.Invalid: `path: Invalid value: "bad": detail`.
std::string invalid(std::string_view path, std::string_view value, std::string_view detail) {
  return fmt::format("{}: Invalid value: {}: {}", path, value, detail);
}

// Go's %#v of a []string.
std::string go_strings(const std::vector<std::string>& values) {
  if (values.empty()) return "[]string(nil)";
  std::vector<std::string> quoted;
  for (const std::string& value : values)
    quoted.push_back(quote_go(value));
  return fmt::format("[]string{{{}}}", fmt::join(quoted, ", "));
}

// Go's ErrorList.ToAggregate: without repetitions, bracketed when there are several.
std::string aggregate(const std::vector<std::string>& errors) {
  std::vector<std::string_view> seen;
  for (const std::string& error : errors) {
    if (std::find(seen.begin(), seen.end(), error) == seen.end()) seen.push_back(error);
  }
  if (seen.size() == 1) return std::string(seen.front());
  return fmt::format("[{}]", fmt::join(seen, ", "));
}

bool is_comparison(SelectorOperator op) {
  return op == SelectorOperator::GreaterThan || op == SelectorOperator::LessThan;
}

// What is wrong with the number of values; nullptr if nothing.
const char* count_problem(SelectorOperator op, std::size_t count) {
  switch (op) {
    case SelectorOperator::In:
    case SelectorOperator::NotIn:
      return count == 0 ? "for 'in', 'notin' operators, values set can't be empty" : nullptr;
    case SelectorOperator::Equals:
    case SelectorOperator::DoubleEquals:
    case SelectorOperator::NotEquals:
      return count != 1 ? "exact-match compatibility requires one single value" : nullptr;
    case SelectorOperator::Exists:
    case SelectorOperator::DoesNotExist:
      return count != 0 ? "values set must be empty for exists and does not exist" : nullptr;
    case SelectorOperator::GreaterThan:
    case SelectorOperator::LessThan:
      return count != 1 ? "for 'Gt', 'Lt' operators, exactly one value is required" : nullptr;
  }
  return nullptr;
}

bool compare_numbers(SelectorOperator op, std::string_view label, std::string_view bound) {
  const auto left = parse_int(label);
  const auto right = parse_int(bound);
  if (!left || !right) return false;
  return op == SelectorOperator::GreaterThan ? *left > *right : *left < *right;
}

void sort_by_key(std::vector<Requirement>& requirements) {
  std::stable_sort(requirements.begin(), requirements.end(),
                   [](const Requirement& a, const Requirement& b) { return a.key < b.key; });
}

}  // namespace

Result<Requirement> make_requirement(std::string key,
                                     SelectorOperator op,
                                     std::vector<std::string> values) {
  std::vector<std::string> errors;
  if (const NameProblems problems = check_qualified_name(key); !problems.empty()) {
    errors.push_back(invalid("key", quote_go(key), join_problems(problems)));
  }
  if (const char* problem = count_problem(op, values.size())) {
    errors.push_back(invalid("values", go_strings(values), problem));
  }
  for (std::size_t i = 0; is_comparison(op) && i < values.size(); ++i) {
    if (!parse_int(values[i])) {
      errors.push_back(invalid(fmt::format("values[{}]", i), quote_go(values[i]),
                               "for 'Gt', 'Lt' operators, the value must be an integer"));
    }
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (const NameProblems problems = check_label_value(values[i]); !problems.empty()) {
      errors.push_back(invalid(fmt::format("values[{}][{}]", i, key), quote_go(values[i]),
                               join_problems(problems)));
    }
  }
  if (!errors.empty()) return Error(Code::InvalidArgument, "{}", aggregate(errors));
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return Requirement{.key = std::move(key), .op = op, .values = std::move(values)};
}

bool Requirement::matches(const std::string_view* value) const {
  const auto has_value = [&] {
    return std::find(values.begin(), values.end(), *value) != values.end();
  };
  switch (op) {
    case SelectorOperator::In:
    case SelectorOperator::Equals:
    case SelectorOperator::DoubleEquals:
      return value != nullptr && has_value();
    case SelectorOperator::NotIn:
    case SelectorOperator::NotEquals:
      return value == nullptr || !has_value();
    case SelectorOperator::Exists:
      return value != nullptr;
    case SelectorOperator::DoesNotExist:
      return value == nullptr;
    case SelectorOperator::GreaterThan:
    case SelectorOperator::LessThan:
      return value != nullptr && values.size() == 1 && compare_numbers(op, *value, values.front());
  }
  return false;
}

std::string Requirement::to_string() const {
  switch (op) {
    case SelectorOperator::Exists:
      return key;
    case SelectorOperator::DoesNotExist:
      return "!" + key;
    case SelectorOperator::Equals:
      return fmt::format("{}={}", key, fmt::join(values, ","));
    case SelectorOperator::DoubleEquals:
      return fmt::format("{}=={}", key, fmt::join(values, ","));
    case SelectorOperator::NotEquals:
      return fmt::format("{}!={}", key, fmt::join(values, ","));
    case SelectorOperator::In:
      return fmt::format("{} in ({})", key, fmt::join(values, ","));
    case SelectorOperator::NotIn:
      return fmt::format("{} notin ({})", key, fmt::join(values, ","));
    case SelectorOperator::GreaterThan:
      return fmt::format("{}>{}", key, fmt::join(values, ","));
    case SelectorOperator::LessThan:
      return fmt::format("{}<{}", key, fmt::join(values, ","));
  }
  return key;
}

namespace {

Result<SelectorOperator> parse_expression_operator(std::string_view word) {
  if (word == "In") return SelectorOperator::In;
  if (word == "NotIn") return SelectorOperator::NotIn;
  if (word == "Exists") return SelectorOperator::Exists;
  if (word == "DoesNotExist") return SelectorOperator::DoesNotExist;
  return Error(Code::InvalidArgument, "{} is not a valid label selector operator", quote_go(word));
}

Result<Requirement> parse_expression(const Json& expression) {
  if (!expression.is_object()) {
    return Error(Code::InvalidArgument, "matchExpressions: each must be an object");
  }
  const SelectorOperator op = TRY(parse_expression_operator(string_at(expression, "operator")));
  std::vector<std::string> values;
  if (const JsonArray* list = array_at(expression, "values")) {
    for (const Json& value : *list) {
      if (!value.is_string()) {
        return Error(Code::InvalidArgument, "matchExpressions: values must be strings");
      }
      values.emplace_back(as_text(&value));
    }
  }
  return make_requirement(std::string(string_at(expression, "key")), op, std::move(values));
}

std::string_view expression_word(SelectorOperator op) {
  switch (op) {
    case SelectorOperator::In:
      return "In";
    case SelectorOperator::NotIn:
      return "NotIn";
    case SelectorOperator::Exists:
      return "Exists";
    case SelectorOperator::DoesNotExist:
      return "DoesNotExist";
    case SelectorOperator::GreaterThan:
      return "gt";
    case SelectorOperator::LessThan:
      return "lt";
    case SelectorOperator::NotEquals:
      return "!=";
    case SelectorOperator::Equals:
      return "=";
    case SelectorOperator::DoubleEquals:
      return "==";
  }
  return "";
}

}  // namespace

Result<LabelSelector> LabelSelector::from_json(const Json* selector) {
  if (selector == nullptr || selector->is_null()) return nothing();
  if (!selector->is_object()) {
    return Error(Code::InvalidArgument,
                 "a label selector must be an object with matchLabels or matchExpressions");
  }
  LabelSelector out;
  if (const JsonObject* labels = object_at(*selector, "matchLabels")) {
    for (const auto& [key, value] : *labels) {
      if (!value.is_string()) {
        return Error(Code::InvalidArgument, "matchLabels: the value of {} must be a string",
                     std::string_view(key));
      }
      out.requirements_.push_back(TRY(make_requirement(std::string(key), SelectorOperator::Equals,
                                                       {std::string(as_text(&value))})));
    }
  }
  if (const JsonArray* expressions = array_at(*selector, "matchExpressions")) {
    for (const Json& expression : *expressions) {
      out.requirements_.push_back(TRY(parse_expression(expression)));
    }
  }
  sort_by_key(out.requirements_);
  return out;
}

LabelSelector LabelSelector::from_labels(const Labels& labels) {
  LabelSelector out;
  for (const auto& [key, value] : labels) {
    out.requirements_.push_back({.key = key, .op = SelectorOperator::Equals, .values = {value}});
  }
  return out;
}

LabelSelector LabelSelector::nothing() {
  LabelSelector out;
  out.nothing_ = true;
  return out;
}

bool LabelSelector::matches(const Labels& labels) const {
  if (nothing_) return false;
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& r) {
    const auto it = labels.find(r.key);
    if (it == labels.end()) return r.matches(nullptr);
    const std::string_view value = it->second;
    return r.matches(&value);
  });
}

bool LabelSelector::matches(const JsonObject* labels) const {
  if (nothing_) return false;
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& r) {
    const Json* found = labels == nullptr ? nullptr : labels->if_contains(r.key);
    if (found == nullptr) return r.matches(nullptr);
    const std::string_view value = as_text(found);
    return r.matches(&value);
  });
}

std::string LabelSelector::to_string() const {
  std::vector<std::string> parts;
  for (const Requirement& requirement : requirements_)
    parts.push_back(requirement.to_string());
  return join(parts, ",");
}

Result<Json> parse_to_label_selector(std::string_view text) {
  auto parsed = LabelSelector::parse(text);
  if (!parsed) {
    return std::move(parsed.error()).wrap("couldn't parse the selector string \"{}\"", text);
  }
  JsonObject labels;
  JsonArray expressions;
  for (const Requirement& r : parsed->requirements()) {
    switch (r.op) {
      case SelectorOperator::Equals:
      case SelectorOperator::DoubleEquals:
        labels[r.key] = r.values.front();
        continue;
      case SelectorOperator::GreaterThan:
      case SelectorOperator::LessThan:
        return Error(Code::InvalidArgument, "\"{}\" isn't supported in label selectors",
                     expression_word(r.op));
      case SelectorOperator::NotEquals:
        return Error(Code::InvalidArgument, "\"{}\" is not a valid label selector operator",
                     expression_word(r.op));
      case SelectorOperator::In:
      case SelectorOperator::NotIn:
      case SelectorOperator::Exists:
      case SelectorOperator::DoesNotExist:
        break;
    }
    JsonObject expression;
    expression["key"] = r.key;
    expression["operator"] = expression_word(r.op);
    if (!r.values.empty()) expression["values"] = JsonArray(r.values.begin(), r.values.end());
    expressions.push_back(std::move(expression));
  }
  JsonObject out;
  if (!labels.empty()) out["matchLabels"] = std::move(labels);
  if (!expressions.empty()) out["matchExpressions"] = std::move(expressions);
  return Json(std::move(out));
}

std::string format_label_selector(const Json* selector) {
  const auto parsed = LabelSelector::from_json(selector);
  if (!parsed) return "<error>";
  const std::string text = parsed->to_string();
  return text.empty() ? "<none>" : text;
}

}  // namespace lateen::kube
