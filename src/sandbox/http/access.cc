#include "sandbox/http/access.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"

namespace lateen::sandbox {

namespace {

constexpr std::string_view kUser = "Impersonate-User";
constexpr std::string_view kImpersonateGroup = "Impersonate-Group";
constexpr std::string_view kUid = "Impersonate-Uid";
constexpr std::string_view kExtra = "impersonate-extra-";
constexpr std::string_view kAccount = "system:serviceaccount:";
constexpr std::string_view kAuthentication = "authentication.k8s.io";

// The one name that a field selector asks for: "" when there is none.
std::string selected_name(std::string_view field_selector) {
  for (const std::string& part : split_trimmed(field_selector, ',')) {
    const Cut parts = cut(part, "=");
    if (parts.before == "metadata.name")
      return std::string(trim(replace_all(parts.after, "=", "")));
  }
  return {};
}

std::string_view verb_of(const net::ServerRequest& request, const RequestInfo& info) {
  const std::string& method = request.method;
  const bool collection = info.name.empty();
  if (method == "GET" || method == "HEAD") {
    if (!collection) return "get";
    return query_flag(request.query, "watch") ? "watch" : "list";
  }
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  return collection ? "deletecollection" : "delete";
}

rbac::AccessRequest impersonate(std::string_view group,
                                std::string_view resource,
                                std::string_view name) {
  return {.verb = "impersonate",
          .group = std::string(group),
          .version = "v1",
          .resource = std::string(resource),
          .name = std::string(name)};
}

struct Wanted {
  Caller caller;
  std::vector<rbac::AccessRequest> rights = {};  // all of them are needed
};

void want_user(std::string_view user, Wanted& wanted) {
  wanted.caller.username = user;
  if (!user.starts_with(kAccount)) {
    wanted.rights.push_back(impersonate("", "users", user));
    return;
  }
  const Cut account = cut(user.substr(kAccount.size()), ":");
  rbac::AccessRequest right = impersonate("", "serviceaccounts", account.after);
  right.ns = account.before;
  wanted.rights.push_back(std::move(right));
}

void want_extra(const net::Headers& headers, Wanted& wanted) {
  for (const auto& [name, value] : headers) {
    const std::string lower = to_lower(name);
    if (!lower.starts_with(kExtra)) continue;
    const auto plain = net::path_unescape(std::string_view(lower).substr(kExtra.size()));
    const std::string key = plain ? *plain : lower.substr(kExtra.size());
    rbac::AccessRequest right = impersonate(kAuthentication, "userextras", value);
    right.subresource = key;
    wanted.rights.push_back(std::move(right));
    wanted.caller.extra[key].push_back(value);
  }
}

// The groups that everyone of this name is in, where none were asked for.
void add_own_groups(bool groups_given, Caller& caller) {
  auto& groups = caller.groups;
  if (!groups_given && caller.username.starts_with(kAccount)) {
    const Cut account = cut(std::string_view(caller.username).substr(kAccount.size()), ":");
    groups = {"system:serviceaccounts", fmt::format("system:serviceaccounts:{}", account.before)};
  }
  const std::string_view everyone =
      caller.username == "system:anonymous" ? "system:unauthenticated" : "system:authenticated";
  const bool has = std::ranges::any_of(groups, [](const std::string& group) {
    return group == "system:authenticated" || group == "system:unauthenticated";
  });
  if (!has) groups.emplace_back(everyone);
}

}  // namespace

rbac::AccessRequest access_of(const net::ServerRequest& request, const RequestInfo* info) {
  if (info == nullptr) {
    return {.verb = to_lower(request.method), .is_resource = false, .path = request.path};
  }
  rbac::AccessRequest access{.verb = std::string(verb_of(request, *info)),
                             .group = info->gvr.group,
                             .version = info->gvr.version,
                             .resource = info->gvr.resource,
                             .subresource = info->subresource,
                             .name = info->name,
                             .ns = info->ns};
  // A namespace is in itself: a role in it may allow reading it.
  if (access.resource == "namespaces" && access.group.empty()) access.ns = info->name;
  if (access.verb == "list" || access.verb == "watch")
    access.name = selected_name(request.query.get("fieldSelector"));
  return access;
}

ApiResult<Caller> impersonated(const net::ServerRequest& request,
                               const Caller& caller,
                               const rbac::Authorizer& authorizer) {
  const net::Headers& headers = request.headers;
  const std::string_view user = headers.get(kUser);
  const auto groups = headers.all(kImpersonateGroup);
  Wanted wanted;
  want_extra(headers, wanted);
  if (user.empty()) {
    if (groups.empty() && wanted.caller.extra.empty() && headers.get(kUid).empty()) return caller;
    return Error(Code::Internal, "requested {} without impersonating a user",
                 groups.empty() ? "extra or uid" : "groups");
  }
  want_user(user, wanted);
  for (const std::string_view group : groups) {
    wanted.rights.push_back(impersonate("", "groups", group));
    wanted.caller.groups.emplace_back(group);
  }
  if (const std::string_view uid = headers.get(kUid); !uid.empty()) {
    wanted.rights.push_back(impersonate(kAuthentication, "uids", uid));
    wanted.caller.uid = uid;
  }
  for (const rbac::AccessRequest& right : wanted.rights) {
    const rbac::Decision decision = authorizer.authorize(caller, right);
    if (!decision.allowed) return rbac::refusal(caller, right, decision);
  }
  add_own_groups(!groups.empty(), wanted.caller);
  return std::move(wanted.caller);
}

}  // namespace lateen::sandbox
