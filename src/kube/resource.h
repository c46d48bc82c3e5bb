// What kinds of things an API server serves and where each lies: group, version, resource, and the
// URL path of one object or of a collection.
//
//   const ObjectPath pod{.gvr = {"", "v1", "pods"}, .ns = "shop", .name = "db-0"};
//   pod.url_path()  →  "/api/v1/namespaces/shop/pods/db-0"
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lateen::kube {

// "v1" is {"", "v1"}; "apps/v1" is {"apps", "v1"}.
struct GroupVersion {
  std::string group = {};
  std::string version = {};

  auto operator<=>(const GroupVersion&) const = default;

  // "v1", "apps/v1": an object's apiVersion.
  std::string api_version() const;
};

// InvalidArgument, with Kubernetes' text, for more than one slash.
Result<GroupVersion> parse_api_version(std::string_view api_version);

struct GroupResource {
  std::string group = {};
  std::string resource = {};

  auto operator<=>(const GroupResource&) const = default;

  // "pods", "deployments.apps": how people, errors and Velero's tarballs write it.
  std::string to_string() const;
};

// "deployments.apps" → {"apps", "deployments"}; "pods" → {"", "pods"}. Splits at the first dot.
GroupResource parse_group_resource(std::string_view text);

struct GroupVersionResource {
  std::string group = {};
  std::string version = {};
  std::string resource = {};

  auto operator<=>(const GroupVersionResource&) const = default;

  GroupVersion group_version() const { return {group, version}; }

  GroupResource group_resource() const { return {group, resource}; }

  std::string api_version() const { return group_version().api_version(); }

  // "/api/v1/pods" or "/apis/apps/v1/deployments": the collection over all namespaces.
  std::string url_path() const;
};

struct Subresource {
  std::string name = {};  // "status", "scale"
  std::string kind = {};  // of what it answers; may be empty
  std::vector<std::string> verbs = {};
};

// One row of discovery.
struct ResourceType {
  GroupVersionResource gvr = {};
  std::string kind = {};  // "Deployment"
  bool namespaced = false;
  std::vector<std::string> verbs = {};  // as the server said them
  std::string singular = {};            // "deployment"
  std::vector<std::string> short_names = {};
  std::vector<std::string> categories = {};  // "all"
  std::vector<Subresource> subresources = {};
  bool preferred = false;  // this version is its group's preferred one for this resource

  bool has_verb(std::string_view verb) const;
  const Subresource* find_subresource(std::string_view name) const;

  std::string group_resource() const { return gvr.group_resource().to_string(); }
};

// Where one object (with a name) or one collection (without) lies.
struct ObjectPath {
  GroupVersionResource gvr = {};
  std::string ns = {};           // empty: cluster-scoped, or a collection over all namespaces
  std::string name = {};         // empty: the collection
  std::string subresource = {};  // "status", "scale", "exec", "log"; empty: the object itself

  auto operator<=>(const ObjectPath&) const = default;

  // Each segment percent-encoded as Go's url.PathEscape does.
  std::string url_path() const;

  // `pods "shop/db-0"`, `deployments.apps in namespace "shop"`: for messages.
  std::string describe() const;

  ObjectPath collection() const { return {.gvr = gvr, .ns = ns, .name = {}, .subresource = {}}; }

  ObjectPath named(std::string_view object) const {
    return {.gvr = gvr, .ns = ns, .name = std::string(object), .subresource = {}};
  }

  ObjectPath sub(std::string_view which) const {
    return {.gvr = gvr, .ns = ns, .name = name, .subresource = std::string(which)};
  }
};

// What an API server does with a path of a request, the other way round: used by servers (the
// sandbox) and relays. NotFound when the path is not one of resources ("/version",
// "/apis/apps/v1").
Result<ObjectPath> parse_object_path(std::string_view url_path);

}  // namespace lateen::kube
