#include "agent/exposure.h"

#include <algorithm>

#include "agent/data_path.h"
#include "base/duration.h"
#include "kube/node_affinity.h"
#include "model/names.h"
#include "volumes/volume_rebind.h"

namespace lateen::agent {
namespace {

const kube::GroupVersionResource kPodKind{"", "v1", "pods"};
const kube::GroupVersionResource kClaimKind{"", "v1", "persistentvolumeclaims"};
const kube::GroupVersionResource kVolumeKind{"", "v1", "persistentvolumes"};

// As Velero calls them.
constexpr std::string_view kCacheVolume = "cachedir";
constexpr std::string_view kCachePath = "/cachedir";

constexpr std::string_view kSelectedNode = "volume.kubernetes.io/selected-node";

Json metadata_of(const Exposure& exposure) {
  JsonObject metadata{{"name", exposure.name},
                      {"namespace", exposure.ns},
                      // They come and go with our work: nobody wants them in a backup.
                      {"labels", JsonObject{{model::labels::kExcludeFromBackup, "true"}}}};
  if (exposure.owner.uid.empty()) return metadata;
  JsonObject owner{{"apiVersion", exposure.owner.api_version},
                   {"kind", exposure.owner.kind},
                   {"name", exposure.owner.name},
                   {"uid", exposure.owner.uid},
                   {"controller", true}};
  metadata["ownerReferences"] = JsonArray{std::move(owner)};
  return metadata;
}

Json empty_claim(const Exposure& exposure) {
  Json spec =
      JsonObject{{"accessModes", JsonArray{exposure.read_only ? "ReadOnlyMany" : "ReadWriteOnce"}}};
  if (!exposure.storage_class.empty()) ensure(spec, "storageClassName") = exposure.storage_class;
  if (!exposure.volume_mode.empty()) ensure(spec, "volumeMode") = exposure.volume_mode;
  return JsonObject{{"apiVersion", "v1"},
                    {"kind", "PersistentVolumeClaim"},
                    {"metadata", metadata_of(exposure)},
                    {"spec", std::move(spec)}};
}

const std::string& held_name(const Exposure& exposure) {
  static const std::string kOfNobody(kHeldVolume);
  return exposure.owner.uid.empty() ? kOfNobody : exposure.owner.uid;
}

Json container_of(const Exposure& exposure,
                  const AgentSettings& settings,
                  const PodTemplate& made) {
  std::vector<std::string> arguments = exposure.arguments;
  arguments.insert(arguments.end(), made.log_arguments.begin(), made.log_arguments.end());
  JsonObject container{{"name", held_name(exposure)},
                       {"image", made.image},
                       {"command", texts_json(made.command)},
                       {"args", texts_json(arguments)}};
  if (!made.pull_policy.empty()) container["imagePullPolicy"] = made.pull_policy;
  if (!made.env.is_null()) container["env"] = made.env;
  if (!made.env_from.is_null()) container["envFrom"] = made.env_from;
  if (!settings.pod_resources.is_null()) container["resources"] = settings.pod_resources;
  JsonArray mounts = made.mounts;
  if (exposure.volume_mode == "Block") {
    container["volumeDevices"] = JsonArray{
        JsonObject{{"name", held_name(exposure)}, {"devicePath", volume_path_of(exposure)}}};
  } else {
    mounts.emplace_back(JsonObject{{"name", held_name(exposure)},
                                   {"mountPath", volume_path_of(exposure)},
                                   {"readOnly", exposure.read_only}});
  }
  if (!exposure.cache_claim.empty())
    mounts.emplace_back(JsonObject{{"name", kCacheVolume}, {"mountPath", kCachePath}});
  if (!mounts.empty()) container["volumeMounts"] = std::move(mounts);
  return container;
}

// Where the pod may run: the node of the volume, or by the agents' ConfigMap.
void place(Json& spec, const Exposure& exposure, const AgentSettings& settings) {
  if (!exposure.node.empty()) {
    ensure(spec, "nodeSelector") = JsonObject{{"kubernetes.io/hostname", exposure.node}};
    return;
  }
  const LoadAffinity* affinity = settings.affinity_of(exposure.storage_class);
  if (affinity != nullptr) ensure(spec, "affinity") = kube::node_affinity(affinity->selector);
  ensure(spec, "topologySpreadConstraints") = JsonArray{JsonObject{
      {"maxSkew", 1},
      {"topologyKey", "kubernetes.io/hostname"},
      {"whenUnsatisfiable", "ScheduleAnyway"},
      {"labelSelector",
       JsonObject{{"matchExpressions",
                   JsonArray{JsonObject{{"key", exposure.label}, {"operator", "Exists"}}}}}}}};
}

std::string state_of_claim(const Json& claim) {
  std::string text = fmt::format("its claim is {}", string_at(claim, "status.phase"));
  if (const auto volume = string_at(claim, "spec.volumeName"); !volume.empty())
    text += fmt::format(" to volume {}", volume);
  return text;
}

std::string state_of_pod(const Json& pod) {
  std::string text = fmt::format("its pod is {}", string_at(pod, "status.phase"));
  if (const auto node = string_at(pod, "spec.nodeName"); !node.empty())
    text += fmt::format(" on node {}", node);
  const JsonArray* conditions = array_at(pod, "status.conditions");
  if (conditions == nullptr) return text;
  for (const Json& one : *conditions) {
    const std::string_view message = string_at(one, "message");
    if (string_at(one, "status") == "False" && !message.empty())
      text += fmt::format(" ({})", message);
  }
  return text;
}

}  // namespace

std::string volume_path_of(const Exposure& exposure) {
  return "/" + held_name(exposure);
}

std::vector<std::string> data_pod_arguments(const Exposure& exposure,
                                            std::string_view work,
                                            const AgentConfig& config) {
  std::vector<std::string> arguments = {
      "data-mover",
      std::string(work),
      fmt::format("--volume-path={}", volume_path_of(exposure)),
      fmt::format("--volume-mode={}",
                  exposure.volume_mode.empty() ? "Filesystem" : exposure.volume_mode),
      fmt::format("--data-{}={}", work == kBackupWork ? "upload" : "download", exposure.name),
      fmt::format("--resource-timeout={}", format_go_duration(config.resource_timeout))};
  const auto add = [&arguments](std::string_view flag, const auto& value) {
    arguments.push_back(fmt::format("--{}={}", flag, value));
  };
  if (!exposure.cache_claim.empty()) add("cache-volume-path", kCachePath);
  if (!config.settings_configmap.empty()) add("node-agent-configmap", config.settings_configmap);
  if (config.limits.upload != 0) add("limit-upload", config.limits.upload / 1024);
  if (config.limits.download != 0) add("limit-download", config.limits.download / 1024);
  if (config.limits.processors > 0) add("limit-cpu", config.limits.processors);
  return arguments;
}

Json backup_claim(const Exposure& exposure,
                  std::string_view size,
                  const BackupClaimSettings* settings) {
  Json claim = empty_claim(exposure);
  ensure(claim, "spec.resources.requests.storage") = size;
  ensure(claim, "spec.dataSource") = JsonObject{
      {"apiGroup", "snapshot.storage.k8s.io"}, {"kind", "VolumeSnapshot"}, {"name", exposure.name}};
  if (settings != nullptr) {
    for (const auto& [key, value] : settings->annotations)
      kube::set_annotation(claim, key, value);
  }
  return claim;
}

Json restore_claim(const Exposure& exposure, const Json& target) {
  Json claim = empty_claim(exposure);
  for (const char* key : {"accessModes", "resources"}) {
    if (const Json* value = find(find(target, "spec"), JsonKey{key}))
      ensure(claim, "spec").as_object()[key] = *value;
  }
  if (!exposure.node.empty()) kube::set_annotation(claim, kSelectedNode, exposure.node);
  return claim;
}

std::string cache_claim_name(std::string_view name) {
  return fmt::format("{}-cache", name);
}

Json cache_claim(const Exposure& exposure, const CacheClaimSettings& settings, ByteCount size) {
  Exposure of_cache = exposure;
  of_cache.name = cache_claim_name(exposure.name);
  of_cache.storage_class = settings.storage_class;
  of_cache.volume_mode = "Filesystem";
  of_cache.read_only = false;
  Json claim = empty_claim(of_cache);
  ensure(claim, "spec.resources.requests.storage") = std::to_string(size);
  if (!exposure.node.empty()) kube::set_annotation(claim, kSelectedNode, exposure.node);
  return claim;
}

Json data_pod(const Exposure& exposure, const AgentSettings& settings, const PodTemplate& made) {
  JsonObject source{{"claimName", exposure.claim.empty() ? exposure.name : exposure.claim}};
  if (exposure.read_only) source["readOnly"] = true;
  JsonArray volumes = made.volumes;
  volumes.emplace_back(
      JsonObject{{"name", held_name(exposure)}, {"persistentVolumeClaim", std::move(source)}});
  if (!exposure.cache_claim.empty()) {
    volumes.emplace_back(
        JsonObject{{"name", kCacheVolume},
                   {"persistentVolumeClaim", JsonObject{{"claimName", exposure.cache_claim}}}});
  }
  Json spec = JsonObject{{"restartPolicy", "Never"},
                         {"terminationGracePeriodSeconds", 0},
                         // Files of any owner are to be read and made.
                         {"securityContext", JsonObject{{"runAsUser", 0}}},
                         {"containers", JsonArray{container_of(exposure, settings, made)}},
                         {"volumes", std::move(volumes)}};
  if (!made.service_account.empty()) ensure(spec, "serviceAccountName") = made.service_account;
  if (!made.pull_secrets.is_null()) ensure(spec, "imagePullSecrets") = made.pull_secrets;
  if (!made.tolerations.is_null()) ensure(spec, "tolerations") = made.tolerations;
  if (!made.dns_policy.is_null()) ensure(spec, "dnsPolicy") = made.dns_policy;
  if (!made.dns_config.is_null()) ensure(spec, "dnsConfig") = made.dns_config;
  if (!settings.priority_class.empty()) ensure(spec, "priorityClassName") = settings.priority_class;
  if (exposure.no_relabeling)
    ensure(spec, "securityContext.seLinuxOptions") = JsonObject{{"type", "spc_t"}};
  place(spec, exposure, settings);
  Json pod = JsonObject{{"apiVersion", "v1"},
                        {"kind", "Pod"},
                        {"metadata", metadata_of(exposure)},
                        {"spec", std::move(spec)}};
  for (const auto& [key, value] : settings.pod_labels)
    kube::set_label(pod, key, value);
  for (const auto& [key, value] : settings.pod_annotations)
    kube::set_annotation(pod, key, value);
  kube::set_label(pod, exposure.label, model::valid_name(exposure.name));
  return pod;
}

Status ensure_object(kube::Client& client,
                     const kube::GroupVersionResource& kind,
                     const Json& object,
                     std::stop_token stop) {
  const auto made = client.create({.gvr = kind, .ns = std::string(kube::namespace_of(object))},
                                  object, {}, std::move(stop));
  if (made || made.error().is(Code::AlreadyExists)) return {};
  return Error(made.error())
      .wrap("creating {} {}", kube::kind_of(object), kube::object_key(object));
}

Result<DataPods> list_data_pods(kube::Client& client,
                                std::string_view label,
                                std::stop_token stop) {
  Json list =
      TRY(client.list({.gvr = kPodKind}, {.label_selector = std::string(label)}, std::move(stop)));
  DataPods pods;
  if (array_at(list, "items") == nullptr) return pods;
  for (Json& pod : ensure(list, "items").as_array()) {
    std::string name(kube::name_of(pod));
    pods.emplace(std::move(name), std::move(pod));
  }
  return pods;
}

bool is_pod_running(const Json& pod) {
  return string_at(pod, "status.phase") == "Running" && !kube::is_being_deleted(pod);
}

bool is_pod_heard_of(const Json& pod) {
  const Json* ready = kube::find_condition(pod, "Ready");
  return ready != nullptr && string_at(*ready, "status") == "True";
}

std::string why_hopeless(const Json& pod) {
  const std::string_view phase = string_at(pod, "status.phase");
  if (phase == "Failed" || phase == "Succeeded") {
    return fmt::format("its pod has ended: {} {}", string_at(pod, "status.reason"),
                       string_at(pod, "status.message"));
  }
  const JsonArray* statuses = array_at(pod, "status.containerStatuses");
  if (statuses == nullptr) return {};
  for (const Json& status : *statuses) {
    const std::string_view reason = string_at(status, "state.waiting.reason");
    if (reason == "ImagePullBackOff" || reason == "ErrImageNeverPull") {
      return fmt::format("its pod cannot be started: {} {}", reason,
                         string_at(status, "state.waiting.message"));
    }
  }
  return {};
}

std::string diagnose(kube::Client& client,
                     const std::string& ns,
                     const std::string& name,
                     std::stop_token stop) {
  const auto pod = client.get({.gvr = kPodKind, .ns = ns, .name = name}, {}, stop);
  const auto claim = client.get({.gvr = kClaimKind, .ns = ns, .name = name}, {}, stop);
  return fmt::format("{}; {}", pod ? state_of_pod(*pod) : "it has no pod",
                     claim ? state_of_claim(*claim) : "it has no claim");
}

Status remove_pod(kube::Client& client,
                  const std::string& ns,
                  const std::string& name,
                  Deadline deadline,
                  std::stop_token stop) {
  return volumes::remove_and_wait(client, {.gvr = kPodKind, .ns = ns, .name = name}, 0, deadline,
                                  std::move(stop));
}

Status remove_exposed(kube::Client& client,
                      const std::string& ns,
                      const std::string& name,
                      Deadline deadline,
                      std::stop_token stop) {
  TRY(remove_pod(client, ns, name, deadline, stop));
  return remove_claim(client, ns, name, deadline, std::move(stop));
}

Status remove_claim(kube::Client& client,
                    const std::string& ns,
                    const std::string& name,
                    Deadline deadline,
                    std::stop_token stop) {
  const kube::ObjectPath claim_path{.gvr = kClaimKind, .ns = ns, .name = name};
  const auto claim = client.get(claim_path, {}, stop);
  if (!claim) return claim.error().is(Code::NotFound) ? Status() : Status(claim.error());
  // A class that retains its volumes would keep this one for ever.
  if (const std::string volume(string_at(*claim, "spec.volumeName")); !volume.empty()) {
    const kube::ObjectPath path{.gvr = kVolumeKind, .name = volume};
    const auto there = client.get(path, {}, stop);
    const bool ours = there && string_at(*there, "spec.claimRef.uid") == kube::uid_of(*claim) &&
                      !kube::has_label(*there, volumes::kWholeLabel) &&
                      string_at(*there, "spec.persistentVolumeReclaimPolicy") != "Delete";
    const Json patch =
        JsonObject{{"spec", JsonObject{{"persistentVolumeReclaimPolicy", "Delete"}}}};
    if (ours) TRY(client.patch(path, kube::PatchType::Merge, patch, {}, stop));
  }
  return volumes::remove_and_wait(client, claim_path, {}, deadline, std::move(stop));
}

}  // namespace lateen::agent
