#include "sandbox/http/reviews.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "kube/object.h"

namespace lateen::sandbox {

namespace {

rbac::AccessRequest access_asked(const Json& review) {
  if (const Json* path = find(review, "spec.nonResourceAttributes")) {
    return {.verb = std::string(string_at(*path, "verb")),
            .is_resource = false,
            .path = std::string(string_at(*path, "path"))};
  }
  const Json* about = find(review, "spec.resourceAttributes");
  const auto text = [about](std::string_view key) {
    return about == nullptr ? std::string() : std::string(string_at(*about, key));
  };
  return {.verb = text("verb"),
          .group = text("group"),
          .version = text("version"),
          .resource = text("resource"),
          .subresource = text("subresource"),
          .name = text("name"),
          .ns = text("namespace")};
}

Caller caller_asked(const Json& review) {
  Caller caller{.username = std::string(string_at(review, "spec.user")),
                .uid = std::string(string_at(review, "spec.uid")),
                .groups = texts_at(review, "spec.groups")};
  if (const JsonObject* extra = object_at(review, "spec.extra")) {
    for (const auto& [key, values] : *extra)
      caller.extra[key] = texts_at(Json{{"x", values}}, "x");
  }
  return caller;
}

ApiStatus check_question(const ServedType& type, const RequestInfo& info, const Json& review) {
  std::vector<StatusCause> causes;
  const bool resource = find(review, "spec.resourceAttributes") != nullptr;
  const bool path = find(review, "spec.nonResourceAttributes") != nullptr;
  if (resource && path) {
    causes.push_back({.reason = "FieldValueInvalid",
                      .message = "Invalid value: \"\": cannot be specified in combination with "
                                 "resourceAttributes",
                      .field = "spec.nonResourceAttributes"});
  } else if (!resource && !path) {
    causes.push_back({.reason = "FieldValueInvalid",
                      .message = "Invalid value: null: exactly one of nonResourceAttributes or "
                                 "resourceAttributes must be specified",
                      .field = "spec.resourceAttributes"});
  }
  const bool for_another = type.kind() != "SelfSubjectAccessReview";
  if (for_another && string_at(review, "spec.user").empty() &&
      texts_at(review, "spec.groups").empty()) {
    causes.push_back({.reason = "FieldValueInvalid",
                      .message = "Invalid value: \"\": at least one of user or group must be "
                                 "specified",
                      .field = "spec.user"});
  }
  if (type.kind() == "LocalSubjectAccessReview" &&
      string_at(review, "spec.resourceAttributes.namespace") != info.ns) {
    causes.push_back(
        {.reason = "FieldValueInvalid",
         .message =
             fmt::format("Invalid value: {}: must match metadata.namespace: {}",
                         quote_go(string_at(review, "spec.resourceAttributes.namespace")), info.ns),
         .field = "spec.resourceAttributes.namespace"});
  }
  if (causes.empty()) return {};
  return invalid(type.group(), type.kind(), "", std::move(causes));
}

Json decision_status(const rbac::Decision& decision) {
  JsonObject status = {{"allowed", decision.allowed}};
  if (!decision.reason.empty()) status["reason"] = decision.reason;
  return status;
}

Json rules_status(const rbac::RulesFound& found) {
  JsonArray resources;
  JsonArray paths;
  for (const rbac::PolicyRule& rule : found.rules) {
    if (!rule.non_resource_urls.empty()) {
      paths.push_back({{"verbs", texts_json(rule.verbs)},
                       {"nonResourceURLs", texts_json(rule.non_resource_urls)}});
      continue;
    }
    JsonObject one = {{"verbs", texts_json(rule.verbs)},
                      {"apiGroups", texts_json(rule.api_groups)},
                      {"resources", texts_json(rule.resources)}};
    if (!rule.resource_names.empty()) one["resourceNames"] = texts_json(rule.resource_names);
    resources.emplace_back(std::move(one));
  }
  JsonObject status = {{"resourceRules", std::move(resources)},
                       {"nonResourceRules", std::move(paths)},
                       {"incomplete", !found.problems.empty()}};
  if (!found.problems.empty()) status["evaluationError"] = join(found.problems, ", ");
  return status;
}

Json token_status(const Json& review, const TokenAuthority& tokens) {
  std::vector<std::string> audiences = texts_at(review, "spec.audiences");
  const auto caller = tokens.verify(string_at(review, "spec.token"), audiences);
  if (!caller) return {{"error", caller.error().message()}, {"user", JsonObject{}}};
  if (audiences.empty()) audiences.emplace_back(TokenAuthority::own_audience());
  return {
      {"authenticated", true}, {"user", user_info(*caller)}, {"audiences", texts_json(audiences)}};
}

}  // namespace

ApiResult<Json> answer_review(const ServedType& type,
                              const RequestInfo& info,
                              Json review,
                              const TokenAuthority& tokens,
                              const rbac::Authorizer& authorizer) {
  const std::string& kind = type.kind();
  JsonObject& object = review.as_object();
  if (kind == "SelfSubjectAccessReview") {
    TRY(check_question(type, info, review));
    object["status"] = decision_status(authorizer.authorize(info.caller, access_asked(review)));
  } else if (kind == "SubjectAccessReview" || kind == "LocalSubjectAccessReview") {
    TRY(check_question(type, info, review));
    object["status"] =
        decision_status(authorizer.authorize(caller_asked(review), access_asked(review)));
  } else if (kind == "SelfSubjectRulesReview") {
    const std::string_view ns = string_at(review, "spec.namespace");
    if (ns.empty()) return bad_request("no namespace on request");
    object["status"] = rules_status(authorizer.rules_for(info.caller, ns));
  } else if (kind == "TokenReview") {
    object["status"] = token_status(review, tokens);
  } else if (kind == "SelfSubjectReview") {
    object["status"] = {{"userInfo", user_info(info.caller)}};
  } else {
    return no_such_resource();
  }
  return review;
}

}  // namespace lateen::sandbox
