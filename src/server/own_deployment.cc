#include "server/own_deployment.h"

namespace lateen::server {

Result<std::optional<Json>> own_deployment(const ServerContext& context, std::stop_token stop) {
  for (const char* name : {"velero", "lateen"}) {
    auto deployment = context.client().get(
        {.gvr = {"apps", "v1", "deployments"}, .ns = context.cluster.ns(), .name = name}, {}, stop);
    if (deployment) return std::optional(std::move(*deployment));
    if (!deployment.error().is(Code::NotFound))
      return std::move(deployment).error().wrap("reading the server's Deployment");
  }
  return std::optional<Json>();
}

}  // namespace lateen::server
