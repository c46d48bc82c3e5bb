#include "agent/host_volumes.h"

#include <algorithm>

#include "kube/object.h"

namespace lateen::agent {
namespace {

// How kubelet calls a volume's folder below its plugin's.
struct VolumeFolder {
  std::string name;
  std::string below = {};  // "mount" of CSI volumes
  bool block = false;
};

const Json* volume_of(const Json& pod, std::string_view name) {
  const JsonArray* volumes = array_at(pod, "spec.volumes");
  if (volumes == nullptr) return nullptr;
  const auto found = std::find_if(volumes->begin(), volumes->end(), [name](const Json& volume) {
    return string_at(volume, "name") == name;
  });
  return found == volumes->end() ? nullptr : &*found;
}

Result<VolumeFolder> folder_of_claim(kube::Client& client,
                                     std::string_view ns,
                                     std::string_view claim_name,
                                     std::stop_token stop) {
  const Json claim = TRY(client.get({.gvr = {"", "v1", "persistentvolumeclaims"},
                                     .ns = std::string(ns),
                                     .name = std::string(claim_name)},
                                    {}, stop));
  VolumeFolder folder{.name = std::string(string_at(claim, "spec.volumeName"))};
  if (folder.name.empty())
    return Error(Code::NotFound, "claim {}/{} is bound to no volume", ns, claim_name);
  const Json volume = TRY(client.get({.gvr = {"", "v1", "persistentvolumes"}, .name = folder.name},
                                     {}, std::move(stop)));
  folder.block = string_at(volume, "spec.volumeMode") == "Block";
  const bool csi = find(volume, "spec.csi") != nullptr ||
                   kube::has_annotation(volume, "pv.kubernetes.io/migrated-to");
  if (csi && !folder.block) folder.below = "mount";
  return folder;
}

Result<VolumeFolder> folder_of(kube::Client& client,
                               const Json& pod,
                               const Json& volume,
                               std::stop_token stop) {
  const std::string name(string_at(volume, "name"));
  const std::string_view ns = kube::namespace_of(pod);
  if (const auto claim = string_at(volume, "persistentVolumeClaim.claimName"); !claim.empty())
    return folder_of_claim(client, ns, claim, std::move(stop));
  if (find(volume, "ephemeral") != nullptr) {
    return folder_of_claim(client, ns, fmt::format("{}-{}", kube::name_of(pod), name),
                           std::move(stop));
  }
  return VolumeFolder{.name = name, .below = find(volume, "csi") != nullptr ? "mount" : ""};
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

}  // namespace

Result<HostVolume> find_host_volume(kube::Client& client,
                                    const FilePath& host_pods,
                                    const Json& pod,
                                    std::string_view volume_name,
                                    std::stop_token stop) {
  const Json* volume = volume_of(pod, volume_name);
  if (volume == nullptr) {
    return Error(Code::NotFound, "pod {} has no volume {}", kube::object_key(pod), volume_name);
  }
  const VolumeFolder folder = TRY(folder_of(client, pod, *volume, std::move(stop)));
  const std::string uid(kube::uid_of(pod));
  if (!is_plain_name(uid) || !is_plain_name(folder.name)) {
    return Error(Code::InvalidArgument, "volume {} of pod {} has a name that is no file's",
                 volume_name, kube::object_key(pod));
  }
  const FilePath plugins = host_pods / uid / (folder.block ? "volumeDevices" : "volumes");
  const auto there = list_dir(plugins);
  if (!there) {
    return Error(Code::NotFound, "volume {} of pod {} is not on this node: {}", volume_name,
                 kube::object_key(pod), there.error().message())
        .with_hint("Kubelet's folder of pods must be mounted, see --host-pods.");
  }
  for (const DirEntry& plugin : *there) {
    FilePath path = plugins / plugin.name / folder.name;
    if (!folder.below.empty()) path /= folder.below;
    std::error_code error;
    FilePath directory = std::filesystem::canonical(path, error);
    if (error) continue;
    return HostVolume{
        .path = std::move(path), .directory = std::move(directory), .block = folder.block};
  }
  return Error(Code::NotFound, "volume {} of pod {} has no folder {} in {}", volume_name,
               kube::object_key(pod), folder.name, plugins.string());
}

}  // namespace lateen::agent
