// The plugins of a server: found when it starts, and beside the built-in providers from then on.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "model/object_meta.h"
#include "model/requests.h"
#include "objects/store_factory.h"
#include "plugins/host.h"
#include "plugins/registry.h"
#include "server/config.h"
#include "volumes/snapshotter_factory.h"

namespace lateen::server {

// On a BackupStorageLocation or VolumeSnapshotLocation, where both a plugin and Lateen itself know
// its provider: "plugin" or "native".
inline constexpr std::string_view kImplementationAnnotation = "lateen.io/implementation";

// Immutable.
class ServerPlugins {
 public:
  // Every program in config.plugin_dir is asked what it holds. An error if one cannot be used, as
  // in Velero.
  static Result<ServerPlugins> discover(const ServerConfig& config,
                                        const Log& log,
                                        const std::stop_token& stop);

  const plugins::Registry& registry() const { return registry_; }

  // The programs of one run, whose lines go to its log.
  std::unique_ptr<plugins::Host> host(const Log& log) const;

  // Each plugin under its own name if nothing built in has it, and always as "plugin:<name>".
  void add_to(objects::StoreFactory& stores, const Log& log) const;
  void add_to(volumes::SnapshotterFactory& snapshotters) const;

  // Under which of those names a location's provider is to be opened: what its annotation says,
  // else what the server prefers.
  Result<std::string> provider_of(plugins::PluginKind kind,
                                  const std::string& provider,
                                  const model::StringMap& annotations) const;

  // What a ServerStatusRequest is told: the built-in ones, then the plugins.
  std::vector<model::PluginInfo> describe() const;

 private:
  explicit ServerPlugins(const ServerConfig& config);
  plugins::ProcessOptions process(const Log& log) const;

  std::vector<std::string> arguments_;  // that each program is started with
  bool prefer_plugins_ = false;
  plugins::Registry registry_;
};

}  // namespace lateen::server
