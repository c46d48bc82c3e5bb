#include "server/restore_volumes.h"

#include <filesystem>

#include "kube/object.h"
#include "model/names.h"
#include "restore/data_downloads.h"
#include "restore/pod_volume_restores.h"
#include "server/own_deployment.h"

namespace lateen::server {
namespace {

constexpr std::string_view kDefaultImage = "lateen";
constexpr std::string_view kAction = "velero.io/pod-volume-restore";

// The image that this server runs from; it holds the helper, too.
Result<std::string> own_image(const ServerContext& context, std::stop_token stop) {
  const auto deployment = TRY(own_deployment(context, std::move(stop)));
  if (!deployment) return std::string(kDefaultImage);
  const JsonArray* containers = array_at(*deployment, "spec.template.spec.containers");
  if (containers != nullptr && !containers->empty())
    return std::string(string_at(containers->front(), "image"));
  return std::string(kDefaultImage);
}

Result<restore::WaitContainer> wait_container(const ServerContext& context, std::stop_token stop) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  restore::WaitContainer container{
      .image = TRY(own_image(context, stop)),
      .command = {error ? std::string("/lateen") : self.string(), "restore-helper"}};
  const Json list = TRY(context.client().list(
      {.gvr = {"", "v1", "configmaps"}, .ns = context.cluster.ns()},
      {.label_selector =
           fmt::format("{},{}=RestoreItemAction", model::labels::kPluginConfig, kAction)},
      stop));
  const JsonArray* configs = array_at(list, "items");
  if (configs == nullptr || configs->empty()) return container;
  if (const Json* data = find(configs->front(), "data"); data != nullptr)
    TRY(container.configure(*data).wrap("ConfigMap {}", kube::object_key(configs->front())));
  return container;
}

}  // namespace

std::vector<restore::ItemExtension*> VolumeExtensions::all() const {
  std::vector<restore::ItemExtension*> list;
  for (const auto& one : owned)
    list.push_back(one.get());
  return list;
}

Result<VolumeExtensions> make_volume_extensions(const model::Restore& restore,
                                                std::string_view location,
                                                objects::BackupStore& store,
                                                const archive::ArchiveReader& archive,
                                                const ServerContext& context,
                                                const Log& log,
                                                std::stop_token stop) {
  VolumeExtensions extensions;
  auto copies = store.get_pod_volume_backups(restore.spec.backup_name, stop);
  if (!copies && !copies.error().is(Code::NotFound)) return std::move(copies).error();
  restore::WaitContainer container = TRY(wait_container(context, stop));
  std::vector<model::DataUpload> uploads = TRY(restore::read_uploads(archive, log));
  extensions.owned.push_back(restore::make_pod_volume_restores(
      {.client = context.client(),
       .restore = restore,
       .clock = context.clock,
       .log = log,
       .copies = copies ? std::move(*copies) : std::vector<model::PodVolumeBackup>(),
       .location = std::string(location),
       .container = std::move(container),
       .timeout = context.config.fs_backup_timeout,
       .repository_timeout = context.config.resource_timeout}));
  extensions.owned.push_back(restore::make_data_downloads({.client = context.client(),
                                                           .restore = restore,
                                                           .clock = context.clock,
                                                           .log = log,
                                                           .uploads = std::move(uploads),
                                                           .location = std::string(location)}));
  return extensions;
}

}  // namespace lateen::server
