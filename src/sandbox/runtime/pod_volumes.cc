#include "sandbox/runtime/pod_volumes.h"

#include <array>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/text.h"
#include "kube/object.h"
#include "sandbox/resource_names.h"

namespace lateen::sandbox {
namespace {

constexpr std::int64_t kDefaultMode = 0644;

std::optional<mode_t> mode_at(const Json& json, std::string_view path) {
  const auto value = int_at(json, path);
  if (!value) return std::nullopt;
  return static_cast<mode_t>(*value & 07777);
}

std::optional<gid_t> fs_group_of(const Json& pod) {
  const auto group = int_at(pod, "spec.securityContext.fsGroup");
  if (!group) return std::nullopt;
  return static_cast<gid_t>(*group);
}

// As kubelet's SetVolumeOwnership: the group may read and write, and new files are the group's.
Status give_to_group(const FilePath& path, gid_t group) {
  struct stat info{};
  if (lstat(path.c_str(), &info) != 0) return errno_error(errno, path.string());
  if (S_ISLNK(info.st_mode)) return Status();
  // Where we are not root, all files are our one user's, and there is no group to give them to.
  if (geteuid() == 0 && info.st_gid != group &&
      chown(path.c_str(), static_cast<uid_t>(-1), group) != 0) {
    return errno_error(errno, path.string());
  }
  const mode_t more = S_ISDIR(info.st_mode) ? 02770 : 0660;
  if ((info.st_mode & more) != more && chmod(path.c_str(), (info.st_mode & 07777) | more) != 0) {
    return errno_error(errno, path.string());
  }
  return Status();
}

Status give_tree_to_group(const FilePath& path, gid_t group) {
  TRY(give_to_group(path, group));
  auto entries = list_dir(path);
  if (!entries) return std::move(entries).error();
  for (const DirEntry& entry : *entries) {
    if (entry.kind == FileKind::Directory) {
      TRY(give_tree_to_group(path / entry.name, group));
    } else {
      TRY(give_to_group(path / entry.name, group));
    }
  }
  return Status();
}

// fsGroupChangePolicy OnRootMismatch is what a volume that was given already costs nothing by;
// Kubernetes' default walks the tree every time, and so do we: a restored volume may hold anything.
Status apply_fs_group(const Json& pod, const FilePath& path) {
  const auto group = fs_group_of(pod);
  if (!group) return Status();
  struct stat info{};
  if (string_at(pod, "spec.securityContext.fsGroupChangePolicy") == "OnRootMismatch" &&
      stat(path.c_str(), &info) == 0 && info.st_gid == *group && (info.st_mode & 02770) == 02770) {
    return Status();
  }
  return give_tree_to_group(path, *group);
}

std::string known_volume_kind(const Json& volume) {
  for (const auto& [key, value] : volume.as_object()) {
    if (key != "name") return std::string(key);
  }
  return "";
}

// A subPath must stay inside its volume even if a container has put symbolic links there.
Result<FilePath> resolve_sub_path(const FilePath& root, const std::string& relative) {
  const FilePath joined = TRY(safe_join(root, relative));
  FilePath at = root;
  for (const FilePath& part : FilePath(relative)) {
    at /= part;
    auto info = file_info(at);
    if (info && info->kind == FileKind::Symlink) {
      return Error(Code::Forbidden, "subPath \"{}\" leads over a symbolic link", relative);
    }
  }
  if (!path_exists(joined)) TRY(make_dirs(joined));
  return joined;
}

// A node's folders are the sandbox's own: pods and their volumes.
constexpr const char* kKubeletRoot = "/var/lib/kubelet";

bool is_below(const FilePath& path, const FilePath& root) {
  const FilePath relative = path.lexically_normal().lexically_relative(root);
  return !relative.empty() && relative != "." && *relative.begin() != "..";
}

Status ensure_host_path(const FilePath& path, bool is_directory) {
  if (path_exists(path)) return {};
  if (is_directory) return make_dirs(path);
  TRY(make_dirs(path.parent_path()));
  return write_file(path, "");
}

}  // namespace

PodVolumes::PodVolumes(Api& api,
                       const VolumeStore& store,
                       const TokenIssuer& tokens,
                       const Json& pod,
                       PodPaths paths,
                       PodAddress address)
    : api_(api),
      store_(store),
      tokens_(tokens),
      pod_(pod),
      paths_(std::move(paths)),
      address_(std::move(address)),
      ns_(kube::namespace_of(pod)) {}

Result<PreparedVolumes> PodVolumes::prepare() {
  PreparedVolumes out;
  const JsonArray* volumes = array_at(pod_, "spec.volumes");
  if (volumes == nullptr) return out;
  for (const Json& volume : *volumes) {
    const std::string name(string_at(volume, "name"));
    auto prepared = prepare_one(volume);
    if (!prepared)
      return std::move(prepared.error()).wrap("MountVolume.SetUp failed for volume \"{}\" ", name);
    out.emplace(name, std::move(*prepared));
  }
  return out;
}

Result<PreparedVolume> PodVolumes::prepare_one(const Json& volume) {
  const std::string_view name = string_at(volume, "name");
  ProjectedFiles files;
  if (const Json* source = find(volume, "persistentVolumeClaim")) {
    return claim(string_at(*source, "claimName"), bool_at(*source, "readOnly").value_or(false));
  }
  if (find(volume, "ephemeral") != nullptr)
    return claim(fmt::format("{}-{}", kube::name_of(pod_), name), false);
  if (find(volume, "emptyDir") != nullptr) return empty_dir(name);
  if (const Json* source = find(volume, "hostPath")) return host_path(*source);
  if (const Json* source = find(volume, "configMap")) {
    TRY(add_data(resources::kConfigMaps, string_at(*source, "name"), *source, files));
    return write_files(paths_.volume("configmap", name), *source, files);
  }
  if (const Json* source = find(volume, "secret")) {
    TRY(add_data(resources::kSecrets, string_at(*source, "secretName"), *source, files));
    return write_files(paths_.volume("secret", name), *source, files);
  }
  if (const Json* source = find(volume, "downwardAPI")) {
    TRY(add_fields(*source, files));
    return write_files(paths_.volume("downward-api", name), *source, files);
  }
  if (const Json* source = find(volume, "projected")) {
    TRY(add_projected(*source, files));
    return write_files(paths_.volume("projected", name), *source, files);
  }
  return Error(Code::Unsupported, "the sandbox has no volumes of kind {}",
               known_volume_kind(volume));
}

Result<PreparedVolume> PodVolumes::claim(std::string_view name, bool read_only) {
  const Json claim = TRY(api_.get(resources::kPersistentVolumeClaims, ns_, name));
  const std::string_view volume_name = string_at(claim, "spec.volumeName");
  if (string_at(claim, "status.phase") != "Bound" || volume_name.empty()) {
    return Error(Code::Unavailable, "claim {} is not bound yet", name);
  }
  const Json volume = TRY(api_.get(resources::kPersistentVolumes, "", volume_name));
  if (const Json* source = find(volume, "spec.hostPath")) return host_path(*source);
  const std::string_view driver = string_at(volume, "spec.csi.driver");
  if (!is_sandbox_driver(driver)) {
    return Error(
        Code::Unsupported,
        "driver name {} not found in the list of registered CSI drivers: the sandbox only mounts "
        "volumes of {} and {}",
        driver.empty() ? "of " + std::string(volume_name) : std::string(driver), kDriverName,
        kSharedDriverName);
  }
  const std::string handle(string_at(volume, "spec.csi.volumeHandle"));
  if (!store_.has_volume(handle)) {
    return Error(Code::NotFound, "volume {} of {} does not exist in this sandbox", handle,
                 volume_name);
  }
  const FilePath path = store_.volume_path(handle);
  // The driver's fsGroupPolicy is ReadWriteOnceWithFSType, so that a volume without a file system
  // type keeps its owners and modes: PostgreSQL refuses a data directory that a group may write to.
  if (!read_only && !string_at(volume, "spec.csi.fsType").empty()) TRY(apply_fs_group(pod_, path));
  TRY(link_claim(volume_name, path));
  return PreparedVolume{.path = path, .read_only = read_only, .handle = handle};
}

Result<PreparedVolume> PodVolumes::empty_dir(std::string_view name) const {
  const FilePath path = paths_.volume("empty-dir", name);
  if (!path_exists(path)) {
    TRY(make_dirs(path));
    if (chmod(path.c_str(), 0777) != 0) return errno_error(errno, path.string());
    TRY(apply_fs_group(pod_, path));
  }
  return PreparedVolume{.path = path, .read_only = false, .handle = {}};
}

Result<PreparedVolume> PodVolumes::host_path(const Json& source) const {
  const FilePath path(string_at(source, "path"));
  if (path.is_absolute() && is_below(path, kKubeletRoot)) return kubelet_path(path);
  const std::string_view type = string_at(source, "type");
  // Who asks for it to be made means to write to it.
  if (path.is_absolute() && (type == "DirectoryOrCreate" || type == "FileOrCreate")) {
    TRY(ensure_host_path(path, type == "DirectoryOrCreate"));
    return PreparedVolume{.path = path, .read_only = false, .handle = {}};
  }
  if (!path.is_absolute() || !path_exists(path)) {
    return Error(Code::NotFound, "hostPath {} is not on this machine, and the sandbox makes none",
                 path.string());
  }
  // The machine is not ours to write to.
  return PreparedVolume{.path = path, .read_only = true, .handle = {}};
}

Result<PreparedVolume> PodVolumes::kubelet_path(const FilePath& path) const {
  const FilePath ours = paths_.dir().parent_path().parent_path();
  const FilePath relative = path.lexically_normal().lexically_relative(kKubeletRoot);
  if (*relative.begin() == "pods") {
    return PreparedVolume{
        .path = ours / relative, .read_only = false, .handle = {}, .linked = ours / "volumes"};
  }
  // Drivers' sockets and the like: there are none.
  const FilePath other = TRY(safe_join(ours / "kubelet", relative.string()));
  TRY(make_dirs(other));
  return PreparedVolume{.path = other, .read_only = false, .handle = {}};
}

Status PodVolumes::add_data(const GroupVersionResource& gvr,
                            std::string_view name,
                            const Json& source,
                            ProjectedFiles& out) const {
  const bool optional = bool_at(source, "optional").value_or(false);
  auto object = api_.get(gvr, ns_, name);
  if (!object && optional && object.error().is(Code::NotFound)) return Status();
  if (!object) return Error(object.error());
  const bool secret = gvr == resources::kSecrets;
  std::map<std::string, Bytes> all;
  if (const JsonObject* data = object_at(*object, "data")) {
    for (const auto& [key, value] : *data) {
      all[std::string(key)] = secret ? TRY(base64_decode(as_text(&value))) : Bytes(as_text(&value));
    }
  }
  if (const JsonObject* data = object_at(*object, "binaryData")) {
    for (const auto& [key, value] : *data)
      all[std::string(key)] = TRY(base64_decode(as_text(&value)));
  }
  const JsonArray* items = array_at(source, "items");
  if (items == nullptr || items->empty()) {
    for (auto& [key, content] : all)
      out[key] = {.content = std::move(content), .mode = std::nullopt};
    return Status();
  }
  for (const Json& item : *items) {
    const auto entry = all.find(std::string(string_at(item, "key")));
    if (entry == all.end() && optional) continue;
    if (entry == all.end()) {
      return Error(Code::NotFound, "references non-existent {} key: {}",
                   secret ? "secret" : "config", string_at(item, "key"));
    }
    out[std::string(string_at(item, "path"))] = {.content = entry->second,
                                                 .mode = mode_at(item, "mode")};
  }
  return Status();
}

Status PodVolumes::add_fields(const Json& source, ProjectedFiles& out) const {
  const JsonArray* items = array_at(source, "items");
  if (items == nullptr) return Status();
  for (const Json& item : *items) {
    ProjectedFile file{.content = {}, .mode = mode_at(item, "mode")};
    if (const Json* ref = find(item, "fieldRef")) {
      file.content = TRY(pod_field(pod_, string_at(*ref, "fieldPath"), address_));
    } else if (const Json* resource = find(item, "resourceFieldRef")) {
      const std::string_view wanted = string_at(*resource, "containerName");
      for (const Json& container : *array_at(pod_, "spec.containers")) {
        if (string_at(container, "name") != wanted) continue;
        file.content = TRY(container_resource(container, string_at(*resource, "resource"),
                                              string_at(*resource, "divisor")));
      }
    }
    out[std::string(string_at(item, "path"))] = std::move(file);
  }
  return Status();
}

Status PodVolumes::add_token(const Json& source, ProjectedFiles& out) const {
  // Without an issuer the file is not there: its reader says so more clearly than a pod that never
  // starts.
  if (!tokens_) return Status();
  const std::string_view account = string_at(pod_, "spec.serviceAccountName");
  std::string token =
      TRY(tokens_({.ns = ns_,
                   .service_account = account.empty() ? "default" : std::string(account),
                   .pod_name = std::string(kube::name_of(pod_)),
                   .pod_uid = std::string(kube::uid_of(pod_)),
                   .audience = std::string(string_at(source, "audience")),
                   .expiration_seconds = int_at(source, "expirationSeconds").value_or(3600)}));
  out[std::string(string_at(source, "path"))] = {.content = std::move(token), .mode = std::nullopt};
  return Status();
}

Status PodVolumes::add_projected(const Json& source, ProjectedFiles& out) const {
  const JsonArray* sources = array_at(source, "sources");
  if (sources == nullptr) return Status();
  for (const Json& part : *sources) {
    if (const Json* data = find(part, "configMap")) {
      TRY(add_data(resources::kConfigMaps, string_at(*data, "name"), *data, out));
    } else if (const Json* secret = find(part, "secret")) {
      TRY(add_data(resources::kSecrets, string_at(*secret, "name"), *secret, out));
    } else if (const Json* fields = find(part, "downwardAPI")) {
      TRY(add_fields(*fields, out));
    } else if (const Json* token = find(part, "serviceAccountToken")) {
      TRY(add_token(*token, out));
    } else {
      return Error(Code::Unsupported, "the sandbox does not project {}", write_json(part));
    }
  }
  return Status();
}

Status PodVolumes::link_claim(std::string_view volume_name, const FilePath& path) const {
  const FilePath folder = paths_.volume("csi", volume_name);
  TRY(make_dirs(folder));
  std::error_code error;
  if (std::filesystem::read_symlink(folder / "mount", error) == path) return {};
  TRY(remove_tree(folder / "mount"));
  std::filesystem::create_directory_symlink(path, folder / "mount", error);
  if (error) return errno_error(error.value(), (folder / "mount").string());
  return {};
}

Result<PreparedVolume> PodVolumes::write_files(const FilePath& root,
                                               const Json& source,
                                               const ProjectedFiles& files) const {
  TRY(make_dirs(root));
  const mode_t mode =
      static_cast<mode_t>(int_at(source, "defaultMode").value_or(kDefaultMode) & 07777);
  const auto group = fs_group_of(pod_);
  std::set<std::string> top;
  for (const auto& [path, file] : files) {
    const FilePath target = TRY(safe_join(root, path));
    top.insert(FilePath(path).begin()->string());
    mode_t wanted = file.mode.value_or(mode);
    if (group) wanted |= 0040;
    auto present = read_file(target);
    if (!present || *present != file.content) {
      TRY(make_dirs(target.parent_path()));
      TRY(write_file_atomic(target, file.content, wanted));
    }
    if (chmod(target.c_str(), wanted) != 0) return errno_error(errno, target.string());
    if (group && geteuid() == 0 && chown(target.c_str(), static_cast<uid_t>(-1), *group) != 0) {
      return errno_error(errno, target.string());
    }
  }
  for (const DirEntry& entry : TRY(list_dir(root))) {
    if (!top.contains(entry.name)) TRY(remove_tree(root / entry.name));
  }
  return PreparedVolume{.path = root, .read_only = true, .handle = {}};
}

Result<std::vector<BindMount>> container_mounts(const Json& container,
                                                const PreparedVolumes& volumes,
                                                const Variables& variables) {
  std::vector<BindMount> out;
  const JsonArray* mounts = array_at(container, "volumeMounts");
  if (mounts == nullptr) return out;
  for (const Json& mount : *mounts) {
    const auto volume = volumes.find(string_at(mount, "name"));
    if (volume == volumes.end()) {
      return Error(Code::NotFound,
                   "container \"{}\" mounts volume \"{}\", which the pod does not have",
                   string_at(container, "name"), string_at(mount, "name"));
    }
    FilePath source = volume->second.path;
    std::string sub_path(string_at(mount, "subPath"));
    if (sub_path.empty()) sub_path = expand_variables(string_at(mount, "subPathExpr"), variables);
    if (!sub_path.empty()) source = TRY(resolve_sub_path(source, sub_path));
    if (const FilePath& linked = volume->second.linked; !linked.empty()) {
      out.push_back({.source = linked.string(),
                     .target = linked.string(),
                     .read_only = volume->second.read_only});
    }
    out.push_back(
        {.source = source.string(),
         .target = std::string(string_at(mount, "mountPath")),
         .read_only = volume->second.read_only || bool_at(mount, "readOnly").value_or(false)});
  }
  return out;
}

}  // namespace lateen::sandbox
