#include "agent/settings_source.h"

#include "volumes/repository_settings.h"
#include "volumes/volume_repository.h"

namespace lateen::agent {

Result<AgentSettings> read_settings(kube::Client& client,
                                    const std::string& ns,
                                    const std::string& name,
                                    const Log& log,
                                    std::stop_token stop) {
  if (name.empty()) return AgentSettings();
  const Json map =
      TRY(client.get({.gvr = {"", "v1", "configmaps"}, .ns = ns, .name = name}, {}, std::move(stop))
              .wrap("reading the ConfigMap of --node-agent-configmap"));
  AgentSettings settings = TRY(AgentSettings::parse(map));
  for (const IdleKey& one : settings.idle)
    log.warning("This setting has no effect", {{"key", one.key}, {"reason", one.why}});
  return settings;
}

Status complete_cache_claim(kube::Client& client,
                            const AgentConfig& config,
                            AgentSettings& settings,
                            const Log& log,
                            std::stop_token stop) {
  if (!settings.cache_claim) return {};
  const std::string name = settings.cache_claim->storage_class;
  const auto found =
      client.get({.gvr = {"storage.k8s.io", "v1", "storageclasses"}, .name = name}, {}, stop);
  if (!found && !found.error().is(Code::NotFound))
    return Error(found.error()).wrap("storage class {} of cachePVC", name);
  if (!found) {
    log.warning("This setting has no effect",
                {{"key", "cachePVC"}, {"reason", fmt::format("there is no class {}", name)}});
    settings.cache_claim.reset();
    return {};
  }
  if (config.repository_configmap.empty()) return {};
  const Json map = TRY(client
                           .get({.gvr = {"", "v1", "configmaps"},
                                 .ns = config.ns,
                                 .name = config.repository_configmap},
                                {}, std::move(stop))
                           .wrap("reading the ConfigMap of --backup-repository-configmap"));
  const auto given =
      volumes::RepositorySettings::parse(TRY(volumes::repository_config(map, volumes::kKopia)));
  if (given && given->cache_limit) settings.cache_claim->limit = *given->cache_limit;
  return {};
}

}  // namespace lateen::agent
