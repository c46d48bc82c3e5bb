#include "kube/resource.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "net/url.h"

namespace lateen::kube {

std::string GroupVersion::api_version() const {
  return group.empty() ? version : fmt::format("{}/{}", group, version);
}

Result<GroupVersion> parse_api_version(std::string_view api_version) {
  const auto slashes = std::count(api_version.begin(), api_version.end(), '/');
  if (slashes > 1) {
    return Error(Code::InvalidArgument, "unexpected GroupVersion string: {}", api_version);
  }
  if (slashes == 0) return GroupVersion{.group = {}, .version = std::string(api_version)};
  const Cut parts = cut(api_version, "/");
  return GroupVersion{.group = std::string(parts.before), .version = std::string(parts.after)};
}

std::string GroupResource::to_string() const {
  return group.empty() ? resource : fmt::format("{}.{}", resource, group);
}

GroupResource parse_group_resource(std::string_view text) {
  const Cut parts = cut(text, ".");
  return {.group = std::string(parts.after), .resource = std::string(parts.before)};
}

std::string GroupVersionResource::url_path() const {
  return fmt::format("{}/{}/{}", group.empty() ? "/api" : "/apis", api_version(), resource);
}

bool ResourceType::has_verb(std::string_view verb) const {
  return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

const Subresource* ResourceType::find_subresource(std::string_view which) const {
  const auto it = std::find_if(subresources.begin(), subresources.end(),
                               [&](const auto& s) { return s.name == which; });
  return it == subresources.end() ? nullptr : &*it;
}

std::string ObjectPath::url_path() const {
  std::string url = gvr.group.empty() ? "/api/" : "/apis/";
  if (!gvr.group.empty()) url += net::path_escape(gvr.group) + "/";
  url += net::path_escape(gvr.version);
  if (!ns.empty()) url += "/namespaces/" + net::path_escape(ns);
  url += "/" + net::path_escape(gvr.resource);
  if (!name.empty()) url += "/" + net::path_escape(name);
  if (!subresource.empty()) url += "/" + net::path_escape(subresource);
  return url;
}

std::string ObjectPath::describe() const {
  std::string type = gvr.group_resource().to_string();
  if (!subresource.empty()) type += "/" + subresource;
  if (name.empty()) {
    return ns.empty() ? type : fmt::format("{} in namespace \"{}\"", type, ns);
  }
  return ns.empty() ? fmt::format("{} \"{}\"", type, name)
                    : fmt::format("{} \"{}/{}\"", type, ns, name);
}

namespace {

Error not_a_resource(std::string_view url_path) {
  return Error(Code::NotFound, "{} is not the path of a resource", url_path);
}

}  // namespace

Result<ObjectPath> parse_object_path(std::string_view url_path) {
  std::vector<std::string> parts;
  for (const std::string_view part : split(url_path, '/')) {
    if (part.empty()) continue;
    parts.push_back(TRY(net::path_unescape(part)));
  }
  ObjectPath path;
  std::size_t at = 0;
  if (parts.size() >= 3 && parts[0] == "api") {
    path.gvr.version = parts[1];
    at = 2;
  } else if (parts.size() >= 4 && parts[0] == "apis") {
    path.gvr.group = parts[1];
    path.gvr.version = parts[2];
    at = 3;
  } else {
    return not_a_resource(url_path);
  }
  // /namespaces/x is the Namespace x and /namespaces/x/status or /finalize parts of it; with
  // anything else after it, x is where that lies.
  const std::size_t left = parts.size() - at;
  if (parts[at] == "namespaces" && left >= 3 && parts[at + 2] != "status" &&
      parts[at + 2] != "finalize") {
    path.ns = parts[at + 1];
    at += 2;
  }
  if (parts.size() - at > 3 && parts[at + 2] != "proxy") return not_a_resource(url_path);
  path.gvr.resource = parts[at];
  if (at + 1 < parts.size()) path.name = parts[at + 1];
  for (std::size_t i = at + 2; i < parts.size(); ++i) {
    if (!path.subresource.empty()) path.subresource += "/";
    path.subresource += parts[i];
  }
  return path;
}

}  // namespace lateen::kube
