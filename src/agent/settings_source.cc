#include "agent/settings_source.h"

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
  for (const std::string& key : settings.without_effect)
    log.warning("This setting has no effect in this version", {{"key", key}});
  return settings;
}

}  // namespace lateen::agent
