#include "sandbox/http/reviews.h"

#include <utility>

namespace lateen::sandbox {

namespace {

Json user_info(const Caller& caller) {
  JsonArray groups;
  for (const std::string& group : caller.groups)
    groups.emplace_back(group);
  JsonObject user;
  user["username"] = caller.username;
  if (!caller.uid.empty()) user["uid"] = caller.uid;
  user["groups"] = std::move(groups);
  return user;
}

Json everything_allowed() {
  const JsonArray all = {Json("*")};
  return {
      {"resourceRules", JsonArray{Json{{"verbs", all}, {"apiGroups", all}, {"resources", all}}}},
      {"nonResourceRules", JsonArray{Json{{"verbs", all}, {"nonResourceURLs", all}}}},
      {"incomplete", false}};
}

Json token_status(std::string_view token, const TokenAuthority& tokens) {
  const auto caller = tokens.verify(token);
  if (!caller)
    return {{"authenticated", false}, {"error", caller.error().message()}, {"user", JsonObject{}}};
  return {{"authenticated", true}, {"user", user_info(*caller)}};
}

}  // namespace

ApiResult<Json> answer_review(const ServedType& type,
                              Json review,
                              const Caller& caller,
                              const TokenAuthority& tokens) {
  const std::string& kind = type.kind();
  JsonObject& object = review.as_object();
  if (kind == "SelfSubjectAccessReview" || kind == "SubjectAccessReview" ||
      kind == "LocalSubjectAccessReview") {
    object["status"] = {{"allowed", true}, {"reason", "the sandbox does not evaluate RBAC"}};
  } else if (kind == "SelfSubjectRulesReview") {
    object["status"] = everything_allowed();
  } else if (kind == "TokenReview") {
    object["status"] = token_status(string_at(review, "spec.token"), tokens);
  } else if (kind == "SelfSubjectReview") {
    object["status"] = {{"userInfo", user_info(caller)}};
  } else {
    return no_such_resource();
  }
  return review;
}

}  // namespace lateen::sandbox
