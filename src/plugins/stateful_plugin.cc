#include "plugins/stateful_plugin.h"

#include <utility>

namespace lateen::plugins {
namespace {

constexpr std::string_view kCredentialsKey = "credentialsFile";
constexpr mode_t kPrivate = 0600;

ProcessOptions process_of(const PluginOptions& options) {
  ProcessOptions process = options.process;
  process.command = options.id.command;
  return process;
}

}  // namespace

Result<std::unique_ptr<StatefulPlugin>> StatefulPlugin::open(PluginOptions options,
                                                             model::StringMap config,
                                                             const Secret& credential,
                                                             Init init) {
  std::optional<TempDir> credentials;
  if (!credential.empty()) {
    credentials = TRY(TempDir::create("lateen-credentials"));
    const FilePath file = credentials->path() / "credentials";
    TRY(write_file(file, credential.reveal(), kPrivate));
    config[std::string(kCredentialsKey)] = file.native();
  }
  return std::make_unique<StatefulPlugin>(std::move(options), std::move(config),
                                          std::move(credentials), std::move(init));
}

StatefulPlugin::StatefulPlugin(PluginOptions options,
                               model::StringMap config,
                               std::optional<TempDir> credentials,
                               Init init)
    : name_(options.id.name),
      config_(std::move(config)),
      credentials_(std::move(credentials)),
      init_(std::move(init)),
      binary_(process_of(options), options.limits) {}

Result<Connection> StatefulPlugin::connect(const std::stop_token& stop) {
  Connection connection = TRY(binary_.connect(stop));
  {
    const Lock lock(mu_);
    if (initialised_ == connection.generation) return connection;
  }
  // Two threads may both come here: to be told the same twice does no harm.
  Status told = init_(connection, config_, stop);
  if (!told) return explain(std::move(told).error(), connection);
  const Lock lock(mu_);
  initialised_ = connection.generation;
  return connection;
}

}  // namespace lateen::plugins
