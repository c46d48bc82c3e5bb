#include "server/policy.h"

namespace lateen::server {

Result<std::optional<model::ResourcePolicy>> read_policy(const model::Backup& backup,
                                                         const Cluster& cluster,
                                                         std::stop_token stop) {
  const auto& reference = backup.spec.resource_policy;
  if (!reference || !reference->is_config_map()) return std::optional<model::ResourcePolicy>();
  const Json config_map =
      TRY(cluster.client()
              .get({.gvr = {"", "v1", "configmaps"}, .ns = cluster.ns(), .name = reference->name},
                   {}, stop)
              .wrap("fail to get ResourcePolicies {}/{} ConfigMap", cluster.ns(), reference->name));
  return std::optional(TRY(model::ResourcePolicy::from_config_map(config_map)
                               .wrap("ResourcePolicies {}", reference->name)));
}

}  // namespace lateen::server
