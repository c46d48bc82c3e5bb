#include "server/server_plugins.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "plugins/object_store_plugin.h"
#include "plugins/volume_snapshotter_plugin.h"

namespace lateen::server {
namespace {

using plugins::PluginId;
using plugins::PluginKind;

constexpr std::string_view kPluginPrefix = "plugin:";

using BuiltIn = std::pair<PluginKind, std::string_view>;

// What of Velero's own is built in here, under the names that Velero's server lists.
constexpr std::array<BuiltIn, 33> kActions = {{
    {PluginKind::BackupItemAction, "velero.io/pod"},
    {PluginKind::BackupItemAction, "velero.io/pv"},
    {PluginKind::BackupItemAction, "velero.io/service-account"},
    {PluginKind::BackupItemActionV2, "velero.io/csi-pvc-backupper"},
    {PluginKind::BackupItemActionV2, "velero.io/csi-volumesnapshot-backupper"},
    {PluginKind::BackupItemActionV2, "velero.io/csi-volumesnapshotclass-backupper"},
    {PluginKind::BackupItemActionV2, "velero.io/csi-volumesnapshotcontent-backupper"},
    {PluginKind::RestoreItemAction, "velero.io/add-pvc-from-pod"},
    {PluginKind::RestoreItemAction, "velero.io/admission-webhook-configuration"},
    {PluginKind::RestoreItemAction, "velero.io/apiservice"},
    {PluginKind::RestoreItemAction, "velero.io/change-image-name"},
    {PluginKind::RestoreItemAction, "velero.io/change-storage-class"},
    {PluginKind::RestoreItemAction, "velero.io/cluster-role-bindings"},
    {PluginKind::RestoreItemAction, "velero.io/crd-preserve-fields"},
    {PluginKind::RestoreItemAction, "velero.io/dataupload"},
    {PluginKind::RestoreItemAction, "velero.io/init-restore-hook"},
    {PluginKind::RestoreItemAction, "velero.io/job"},
    {PluginKind::RestoreItemAction, "velero.io/pod"},
    {PluginKind::RestoreItemAction, "velero.io/pvc"},
    {PluginKind::RestoreItemAction, "velero.io/role-bindings"},
    {PluginKind::RestoreItemAction, "velero.io/secret"},
    {PluginKind::RestoreItemAction, "velero.io/service"},
    {PluginKind::RestoreItemAction, "velero.io/service-account"},
    {PluginKind::RestoreItemActionV2, "velero.io/csi-pvc-restorer"},
    {PluginKind::RestoreItemActionV2, "velero.io/csi-volumesnapshot-restorer"},
    {PluginKind::RestoreItemActionV2, "velero.io/csi-volumesnapshotclass-restorer"},
    {PluginKind::RestoreItemActionV2, "velero.io/csi-volumesnapshotcontent-restorer"},
    {PluginKind::DeleteItemAction, "velero.io/csi-volumesnapshotcontent-delete"},
    {PluginKind::ItemBlockAction, "velero.io/pod"},
    {PluginKind::ItemBlockAction, "velero.io/pvc"},
    {PluginKind::ItemBlockAction, "velero.io/service-account"},
    {PluginKind::ObjectStore, "velero.io/aws"},
    {PluginKind::VolumeSnapshotter, "velero.io/aws"},
}};

bool is_provider(PluginKind kind) {
  return kind == PluginKind::ObjectStore || kind == PluginKind::VolumeSnapshotter;
}

// Two actions of one name would both run; of two providers one is chosen.
std::vector<PluginId> taken_names() {
  std::vector<PluginId> taken;
  for (const auto& [kind, name] : kActions) {
    if (is_provider(kind)) continue;
    taken.push_back({.kind = kind, .name = std::string(name), .command = "built in"});
  }
  return taken;
}

}  // namespace

ServerPlugins::ServerPlugins(const ServerConfig& config)
    : arguments_{fmt::format("--log-level={}", to_string(config.log_level))},
      prefer_plugins_(config.prefer_plugins) {
  if (!config.features.empty()) {
    arguments_.push_back(fmt::format("--features={}", fmt::join(config.features, ",")));
  }
}

plugins::ProcessOptions ServerPlugins::process(const Log& log) const {
  return {.arguments = arguments_, .log = log};
}

Result<ServerPlugins> ServerPlugins::discover(const ServerConfig& config,
                                              const Log& log,
                                              const std::stop_token& stop) {
  ServerPlugins found(config);
  found.registry_ = TRY(plugins::Registry::discover(
      {.dir = config.plugin_dir, .arguments = found.arguments_, .built_in = taken_names()}, log,
      stop));
  return found;
}

std::unique_ptr<plugins::Host> ServerPlugins::host(const Log& log) const {
  return std::make_unique<plugins::Host>(process(log), plugins::CallLimits());
}

void ServerPlugins::add_to(objects::StoreFactory& stores, const Log& log) const {
  for (const PluginId& id : registry_.list(PluginKind::ObjectStore)) {
    const auto open = [id, process = process(log)](const objects::StoreOptions& options) {
      return plugins::open_object_store({.plugin = {.id = id, .process = process}}, options);
    };
    stores.add(fmt::format("{}{}", kPluginPrefix, id.name), open);
    if (!stores.has(id.name)) stores.add(id.name, open);
  }
}

void ServerPlugins::add_to(volumes::SnapshotterFactory& snapshotters) const {
  for (const PluginId& id : registry_.list(PluginKind::VolumeSnapshotter)) {
    const auto open = [id, process = process({})](const volumes::SnapshotterOptions& options) {
      return plugins::open_volume_snapshotter({.id = id, .process = process}, options);
    };
    snapshotters.add(fmt::format("{}{}", kPluginPrefix, id.name), open);
    if (!snapshotters.has(id.name)) snapshotters.add(id.name, open);
  }
}

Result<std::string> ServerPlugins::provider_of(PluginKind kind,
                                               const std::string& provider,
                                               const model::StringMap& annotations) const {
  const std::string full = plugins::qualified_name(provider);
  const bool has_plugin = registry_.find(kind, full) != nullptr;
  const auto wish = annotations.find(kImplementationAnnotation);
  if (wish != annotations.end() && wish->second == "plugin" && !has_plugin) {
    return Error(Code::NotFound, "annotation {} asks for a plugin, but there is no {} plugin {}",
                 kImplementationAnnotation, to_string(kind), full);
  }
  if (wish != annotations.end() && wish->second != "plugin" && wish->second != "native") {
    return Error(Code::InvalidArgument, "annotation {} is {}; it can be plugin or native",
                 kImplementationAnnotation, quote_go(wish->second));
  }
  const bool by_plugin =
      wish == annotations.end() ? has_plugin && prefer_plugins_ : wish->second == "plugin";
  // A provider without a slash is "velero.io/<provider>", which a plugin of that name has.
  if (by_plugin) return fmt::format("{}{}", kPluginPrefix, full);
  return registry_.find(kind, full) != nullptr && provider.find('/') == std::string::npos
             ? full
             : provider;
}

std::vector<model::PluginInfo> ServerPlugins::describe() const {
  std::vector<model::PluginInfo> all;
  const auto add = [&all](PluginKind kind, std::string_view name) {
    model::PluginInfo info;
    info.name = name;
    info.kind = to_string(kind);
    if (std::find(all.begin(), all.end(), info) == all.end()) all.push_back(std::move(info));
  };
  for (const auto& [kind, name] : kActions)
    add(kind, name);
  for (const PluginId& id : registry_.all())
    add(id.kind, id.name);
  return all;
}

}  // namespace lateen::server
