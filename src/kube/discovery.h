// What the API server serves. Aggregated discovery (v2, v2beta1) in two requests, or one request a
// group version where the server is older; group versions that fail are reported, and the rest is
// used.
//
//   const Discovery found = TRY(discover(client));
//   const ResourceType* type = found.find("deploy");   // also "deployments", "deployment",
//   "Deployment", "deployments.apps"
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "kube/resource.h"

namespace lateen::kube {

class Client;

struct DiscoveryFailure {
  GroupVersion group_version;
  std::string message;
};

// One group as it was served: groups in the server's priority order (core first), versions in the
// group's.
struct ApiGroup {
  std::string name;                   // "" is the core
  std::vector<std::string> versions;  // the first is the preferred one
};

// A snapshot. Immutable.
class Discovery {
 public:
  Discovery() = default;
  Discovery(std::vector<ApiGroup> groups,
            std::vector<ResourceType> types,
            std::vector<DiscoveryFailure> failures);

  const std::vector<ApiGroup>& groups() const { return groups_; }

  // Every resource of every version, groups in priority order, versions in the group's, resources
  // as served.
  const std::vector<ResourceType>& resources() const { return types_; }

  // Each resource once, in its group's preferred version: ServerPreferredResources.
  std::vector<const ResourceType*> preferred() const;

  // Preferred ones that can be backed up, as Velero filters them (all of these verbs).
  std::vector<const ResourceType*> preferred_with_verbs(
      const std::vector<std::string_view>& verbs) const;

  // Group versions that could not be read.
  const std::vector<DiscoveryFailure>& failures() const { return failures_; }

  // A name that a person gives: plural, singular, short name or kind, each also with ".group" or
  // ".version.group"
  // ("deployments.v1.apps"), in any case. Exact plurals before singulars before short names before
  // kinds, earlier groups before later ones, as kubectl's RESTMapper and Velero's ResourceFor. Null
  // when unknown.
  const ResourceType* find(std::string_view name) const;

  // The exact one. Null when it is not served.
  const ResourceType* find(const GroupVersionResource& gvr) const;

  // The preferred version of a group resource.
  const ResourceType* find(const GroupResource& group_resource) const;

  // By an object's apiVersion and kind. Null when it is not served.
  const ResourceType* find_kind(std::string_view api_version, std::string_view kind) const;

  // Velero's ResolvedName: "deploy" → "deployments.apps"; what is unknown stays as it is.
  std::string resolve_name(std::string_view name) const;

  bool serves(const GroupVersion& group_version) const;

  // All of a category ("all"), preferred versions.
  std::vector<const ResourceType*> in_category(std::string_view category) const;

 private:
  void mark_preferred();

  std::vector<ApiGroup> groups_;
  std::vector<ResourceType> types_;
  std::vector<DiscoveryFailure> failures_;
  std::map<GroupVersionResource, std::size_t> by_gvr_;
  std::map<std::pair<std::string, std::string>, std::size_t> by_kind_;  // apiVersion, kind
};

// Asks the server. Fails only when neither /api nor /apis could be read.
Result<Discovery> discover(Client& client, std::stop_token stop = {});

// The pieces, pure: one APIGroupDiscoveryList appended to `groups`, `types` and `failures`; one
// APIResourceList to `types`.
struct DiscoveryParts {
  std::vector<ApiGroup> groups;
  std::vector<ResourceType> types;
  std::vector<DiscoveryFailure> failures;
};

Status add_aggregated(const Json& document, DiscoveryParts& parts);
Status add_resource_list(const Json& document, DiscoveryParts& parts);

}  // namespace lateen::kube
