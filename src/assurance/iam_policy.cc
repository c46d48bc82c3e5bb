#include "assurance/iam_policy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "base/time.h"

namespace lateen::assurance {
namespace {

std::string text_of(const Json& value) {
  if (value.is_string()) return std::string(std::string_view(value.as_string()));
  return write_json(value);
}

// What a policy has as one text or as a list of them.
std::vector<std::string> listed_texts(const Json* value) {
  std::vector<std::string> texts;
  if (value == nullptr) return texts;
  if (!value->is_array()) return {text_of(*value)};
  for (const Json& one : value->as_array())
    texts.push_back(text_of(one));
  return texts;
}

// * and ?, and nothing else: brackets are letters.
bool matches_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

const std::vector<std::string>* values_of(const IamContext& context, std::string_view key) {
  const Cut wanted = cut(key, "/");
  for (const auto& [name, values] : context) {
    const Cut has = cut(name, "/");
    if (equals_ignoring_case(has.before, wanted.before) && has.after == wanted.after)
      return &values;
  }
  return nullptr;
}

// "${aws:username}" by what is known; what is not stays as it is.
std::string with_variables(std::string_view text, const IamContext& context) {
  std::string filled;
  while (true) {
    const std::size_t at = text.find("${");
    const std::size_t end = at == std::string_view::npos ? at : text.find('}', at);
    if (end == std::string_view::npos) return filled.append(text);
    const std::string_view name = text.substr(at + 2, end - at - 2);
    filled.append(text.substr(0, at));
    const auto* values = values_of(context, name);
    if (name == "*" || name == "?" || name == "$") {
      filled.append(name);
    } else if (values != nullptr && !values->empty()) {
      filled.append(values->front());
    } else {
      filled.append(text.substr(at, end - at + 1));
    }
    text.remove_prefix(end + 1);
  }
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> instant_of(std::string_view text) {
  if (const auto seconds = number_of(text)) return seconds;
  const auto time = parse_rfc3339(text);
  if (!time) return std::nullopt;
  return std::chrono::duration<double>(time->time_since_epoch()).count();
}

bool in_order(std::string_view relation, std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return false;
  if (relation == "Equals") return *a == *b;
  if (relation == "LessThan") return *a < *b;
  if (relation == "LessThanEquals") return *a <= *b;
  if (relation == "GreaterThan") return *a > *b;
  return *a >= *b;
}

std::optional<std::uint32_t> ipv4_of(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, '.');
  if (parts.size() != 4) return std::nullopt;
  std::uint32_t address = 0;
  for (const std::string_view part : parts) {
    const auto byte = parse_int(part);
    if (!byte || *byte < 0 || *byte > 255) return std::nullopt;
    address = (address << 8) | static_cast<std::uint32_t>(*byte);
  }
  return address;
}

// IPv4; other addresses are in no network.
bool in_network(std::string_view address, std::string_view network) {
  constexpr std::int64_t kBits = 32;
  const Cut parts = cut(network, "/");
  const auto a = ipv4_of(address);
  const auto b = ipv4_of(parts.before);
  const std::int64_t bits = parts.found ? parse_int(parts.after).value_or(-1) : kBits;
  if (!a || !b || bits < 0 || bits > kBits) return false;
  if (bits == 0) return true;
  const auto mask = static_cast<std::uint32_t>(0xffffffffU << (kBits - bits));
  return (*a & mask) == (*b & mask);
}

bool arn_matches(std::string_view value, std::string_view wanted) {
  constexpr std::size_t kParts = 6;
  const auto parts = [](std::string_view arn) {
    std::vector<std::string_view> all;
    while (all.size() + 1 < kParts) {
      const Cut one = cut(arn, ":");
      if (!one.found) break;
      all.push_back(one.before);
      arn = one.after;
    }
    all.push_back(arn);
    return all;
  };
  return std::ranges::equal(parts(value), parts(wanted),
                            [](auto ours, auto theirs) { return matches_pattern(theirs, ours); });
}

// The positive operators; a negated one is one of these turned round.
constexpr std::array<std::string_view, 7> kOperators = {
    "StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "Bool",
    "IpAddress"};
constexpr std::array<std::string_view, 5> kRelations = {"Equals", "LessThan", "LessThanEquals",
                                                        "GreaterThan", "GreaterThanEquals"};

bool is_negated(std::string_view op) {
  return op.find("Not") != std::string_view::npos;
}

std::string positive_of(std::string_view op) {
  return replace_all(op, "Not", "");
}

bool is_known(std::string_view op) {
  if (op == "Null") return true;
  const std::string positive = positive_of(op);
  for (const std::string_view kind : {"Numeric", "Date"}) {
    if (positive.starts_with(kind)) {
      return std::ranges::find(kRelations, std::string_view(positive).substr(kind.size())) !=
             kRelations.end();
    }
  }
  return std::ranges::find(kOperators, positive) != kOperators.end();
}

bool compares(std::string_view op, std::string_view value, std::string_view wanted) {
  if (op == "StringEquals") return value == wanted;
  if (op == "StringEqualsIgnoreCase" || op == "Bool") return equals_ignoring_case(value, wanted);
  if (op == "StringLike") return matches_pattern(wanted, value);
  if (op == "ArnEquals" || op == "ArnLike") return arn_matches(value, wanted);
  if (op == "IpAddress") return in_network(value, wanted);
  if (op.starts_with("Numeric")) return in_order(op.substr(7), number_of(value), number_of(wanted));
  return in_order(op.substr(4), instant_of(value), instant_of(wanted));
}

// One value against all that are wanted: any of them; for a negated operator none.
bool satisfies(std::string_view op,
               std::string_view value,
               const std::vector<std::string>& wanted) {
  const std::string positive = positive_of(op);
  const bool any = std::ranges::any_of(
      wanted, [&](const std::string& one) { return compares(positive, value, one); });
  return any != is_negated(op);
}

}  // namespace

Result<IamPolicy> IamPolicy::parse(BytesView text) {
  const Json document = TRY(parse_json(text));
  // As `aws iam get-policy-version` and `get-role-policy` print it.
  const Json* policy = &document;
  for (const std::string_view wrapper : {"PolicyVersion.Document", "PolicyDocument", "Document"}) {
    if (const Json* inner = find(document, wrapper)) policy = inner;
  }
  const Json* statements = find(*policy, "Statement");
  if (statements == nullptr)
    return Error(Code::InvalidArgument, "the document has no Statement: it is no IAM policy");
  IamPolicy parsed;
  if (!statements->is_array()) {
    parsed.statements_.push_back(TRY(parse_statement(*statements, 1)));
    return parsed;
  }
  std::size_t number = 0;
  for (const Json& one : statements->as_array())
    parsed.statements_.push_back(TRY(parse_statement(one, ++number)));
  return parsed;
}

Result<IamPolicy::Statement> IamPolicy::parse_statement(const Json& json, std::size_t number) {
  Statement statement;
  statement.name = string_at(json, "Sid");
  if (statement.name.empty()) statement.name = fmt::format("number {}", number);
  const std::string_view effect = string_at(json, "Effect");
  if (effect != "Allow" && effect != "Deny") {
    return Error(Code::InvalidArgument, "statement {}: Effect is \"{}\", it must be Allow or Deny",
                 statement.name, effect);
  }
  statement.deny = effect == "Deny";
  statement.not_actions = find(json, "NotAction") != nullptr;
  statement.actions = listed_texts(find(json, statement.not_actions ? "NotAction" : "Action"));
  statement.not_resources = find(json, "NotResource") != nullptr;
  statement.resources =
      listed_texts(find(json, statement.not_resources ? "NotResource" : "Resource"));
  if (statement.actions.empty() || statement.resources.empty()) {
    return Error(Code::InvalidArgument,
                 "statement {} has no Action or no Resource: it is no policy of an identity",
                 statement.name);
  }
  TRY(parse_conditions(json, statement));
  return statement;
}

Status IamPolicy::parse_conditions(const Json& json, Statement& into) {
  const JsonObject* conditions = object_at(json, "Condition");
  if (conditions == nullptr) return {};
  for (const auto& [full, keys] : *conditions) {
    Condition condition;
    std::string_view op = full;
    if (const Cut parts = cut(op, ":"); parts.found) {
      condition.quantifier = parts.before;
      op = parts.after;
    }
    if (op.ends_with("IfExists")) {
      condition.if_exists = true;
      op.remove_suffix(std::string_view("IfExists").size());
    }
    condition.op = op;
    const bool known_quantifier = condition.quantifier.empty() ||
                                  condition.quantifier == "ForAllValues" ||
                                  condition.quantifier == "ForAnyValue";
    if (!is_known(op) || !known_quantifier || !keys.is_object()) {
      return Error(Code::InvalidArgument, "statement {}: condition operator {} is not known",
                   into.name, std::string_view(full));
    }
    for (const auto& [key, wanted] : keys.as_object()) {
      condition.key = std::string_view(key);
      condition.wanted = listed_texts(&wanted);
      into.conditions.push_back(condition);
    }
  }
  return {};
}

void IamPolicy::join(IamPolicy other) {
  std::ranges::move(other.statements_, std::back_inserter(statements_));
}

bool IamPolicy::matches_action(const Statement& statement, std::string_view action) {
  const std::string lower = to_lower(action);
  const bool any = std::ranges::any_of(statement.actions, [&lower](const std::string& one) {
    return matches_pattern(to_lower(one), lower);
  });
  return any != statement.not_actions;
}

bool IamPolicy::matches_resource(const Statement& statement, const IamRequest& request) {
  const bool any = std::ranges::any_of(statement.resources, [&request](const std::string& one) {
    return matches_pattern(with_variables(one, request.context), request.resource);
  });
  return any != statement.not_resources;
}

bool IamPolicy::holds(const Condition& condition, const IamContext& context) {
  const std::vector<std::string>* values = values_of(context, condition.key);
  if (condition.op == "Null") {
    const bool absent = values == nullptr;
    return std::ranges::any_of(condition.wanted, [absent](const std::string& one) {
      return absent == equals_ignoring_case(one, "true");
    });
  }
  if (values == nullptr || (!condition.quantifier.empty() && values->empty())) {
    if (!condition.quantifier.empty()) return condition.quantifier == "ForAllValues";
    return condition.if_exists || is_negated(condition.op);
  }
  std::vector<std::string> wanted;
  for (const std::string& one : condition.wanted)
    wanted.push_back(with_variables(one, context));
  const auto fits = [&](const std::string& value) {
    return satisfies(condition.op, value, wanted);
  };
  const bool all = condition.quantifier == "ForAllValues" ||
                   (condition.quantifier.empty() && is_negated(condition.op));
  return all ? std::ranges::all_of(*values, fits) : std::ranges::any_of(*values, fits);
}

const IamPolicy::Condition* IamPolicy::failing(const Statement& statement,
                                               const IamContext& context) {
  const auto at = std::ranges::find_if(statement.conditions,
                                       [&](const Condition& one) { return !holds(one, context); });
  return at == statement.conditions.end() ? nullptr : &*at;
}

IamDecision IamPolicy::decide(const IamRequest& request) const {
  const Statement* allowed_by = nullptr;
  std::string nearest;
  for (const Statement& statement : statements_) {
    if (!matches_action(statement, request.action)) continue;
    if (!matches_resource(statement, request)) {
      if (!statement.deny && nearest.empty()) {
        nearest = fmt::format("statement {} allows it, but only on {}", statement.name,
                              fmt::join(statement.resources, ", "));
      }
      continue;
    }
    const Condition* failed = failing(statement, request.context);
    if (failed != nullptr) {
      if (!statement.deny) {
        const auto* has = values_of(request.context, failed->key);
        nearest =
            fmt::format("statement {} allows it only if {} {} is {}, and the call has {}",
                        statement.name, failed->op, failed->key, fmt::join(failed->wanted, " or "),
                        has == nullptr ? "none there" : fmt::format("{}", fmt::join(*has, ", ")));
      }
      continue;
    }
    if (statement.deny)
      return {.allowed = false, .reason = fmt::format("statement {} denies it", statement.name)};
    if (allowed_by == nullptr) allowed_by = &statement;
  }
  if (allowed_by != nullptr)
    return {.allowed = true, .reason = fmt::format("statement {}", allowed_by->name)};
  return {.allowed = false,
          .reason = nearest.empty() ? std::string("no statement allows it") : std::move(nearest)};
}

}  // namespace lateen::assurance
