// A plugin that is told its configuration before it is used, and again whenever its program had to
// be started anew: ObjectStore and VolumeSnapshotter.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "base/secret.h"
#include "base/temp.h"
#include "model/object_meta.h"
#include "plugins/host.h"
#include "plugins/names.h"

namespace lateen::plugins {

// What the plugin is opened with.
struct PluginOptions {
  PluginId id = {};
  ProcessOptions process = {};  // its command is not used
  CallLimits limits = {};
};

// Owns the program. Thread-safe.
class StatefulPlugin {
 public:
  using Init = std::function<Status(
      const Connection& connection, const model::StringMap& config, const std::stop_token& stop)>;

  // `config` gets a credentialsFile, private and removed at the end, when there is a credential.
  static Result<std::unique_ptr<StatefulPlugin>> open(PluginOptions options,
                                                      model::StringMap config,
                                                      const Secret& credential,
                                                      Init init);

  StatefulPlugin(PluginOptions options,
                 model::StringMap config,
                 std::optional<TempDir> credentials,
                 Init init);

  // Ready to be used.
  Result<Connection> connect(const std::stop_token& stop);

  const std::string& name() const { return name_; }

  const CallLimits& limits() const { return binary_.limits(); }

  Error explain(Error error, const Connection& connection) const {
    return binary_.explain(std::move(error), connection);
  }

 private:
  const std::string name_;
  const model::StringMap config_;
  const std::optional<TempDir> credentials_;
  const Init init_;
  PluginBinary binary_;
  Mutex mu_;
  std::uint64_t initialised_ LATEEN_GUARDED_BY(mu_) = 0;  // the generation that was
};

}  // namespace lateen::plugins
