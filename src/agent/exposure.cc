#include "agent/exposure.h"

#include <algorithm>

#include "base/file.h"
#include "model/names.h"
#include "volumes/volume_rebind.h"

namespace lateen::agent {
namespace {

constexpr const char* kDaemonSet = "node-agent";

const kube::GroupVersionResource kPodKind{"", "v1", "pods"};
const kube::GroupVersionResource kClaimKind{"", "v1", "persistentvolumeclaims"};
const kube::GroupVersionResource kVolumeKind{"", "v1", "persistentvolumes"};

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

// A selector of nodes in the words of a pod's affinity.
Json node_affinity(const Json& selector) {
  JsonArray expressions;
  if (const JsonObject* labels = object_at(selector, "matchLabels")) {
    for (const auto& [key, value] : *labels) {
      expressions.emplace_back(
          JsonObject{{"key", key}, {"operator", "In"}, {"values", JsonArray{value}}});
    }
  }
  if (const JsonArray* more = array_at(selector, "matchExpressions"))
    expressions.insert(expressions.end(), more->begin(), more->end());
  return JsonObject{
      {"nodeAffinity",
       JsonObject{
           {"requiredDuringSchedulingIgnoredDuringExecution",
            JsonObject{{"nodeSelectorTerms",
                        JsonArray{JsonObject{{"matchExpressions", std::move(expressions)}}}}}}}}};
}

Json container_of(const Exposure& exposure, const MoverImage& image) {
  JsonArray command(image.command.begin(), image.command.end());
  command.emplace_back("data-mover");
  command.emplace_back("hold");
  JsonObject container{
      {"name", kHeldVolume}, {"image", image.image}, {"command", std::move(command)}};
  if (!image.pull_policy.empty()) container["imagePullPolicy"] = image.pull_policy;
  if (exposure.volume_mode == "Block") {
    container["volumeDevices"] =
        JsonArray{JsonObject{{"name", kHeldVolume}, {"devicePath", "/volume"}}};
  } else {
    container["volumeMounts"] = JsonArray{JsonObject{
        {"name", kHeldVolume}, {"mountPath", "/volume"}, {"readOnly", exposure.read_only}}};
  }
  return container;
}

// Where the pod may run: the node of the volume, or by the agents' ConfigMap.
void place(Json& spec, const Exposure& exposure, const AgentSettings& settings) {
  if (!exposure.node.empty()) {
    ensure(spec, "nodeSelector") = JsonObject{{"kubernetes.io/hostname", exposure.node}};
    return;
  }
  const LoadAffinity* affinity = settings.affinity_of(exposure.storage_class);
  if (affinity != nullptr) ensure(spec, "affinity") = node_affinity(affinity->selector);
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

Result<MoverImage> read_mover_image(kube::Client& client,
                                    const std::string& ns,
                                    std::stop_token stop) {
  MoverImage made;
  std::error_code error;
  const FilePath self = std::filesystem::read_symlink("/proc/self/exe", error);
  made.command = {error ? std::string("/lateen") : self.string()};
  const auto set = client.get({.gvr = {"apps", "v1", "daemonsets"}, .ns = ns, .name = kDaemonSet},
                              {}, std::move(stop));
  if (!set) {
    if (set.error().is(Code::NotFound)) return made;
    return Error(set.error()).wrap("reading DaemonSet {}", kDaemonSet);
  }
  const Json* spec = find(*set, "spec.template.spec");
  const JsonArray* containers = array_at(*set, "spec.template.spec.containers");
  if (spec == nullptr || containers == nullptr || containers->empty()) return made;
  const Json& first = containers->front();
  made.image = string_at(first, "image");
  made.pull_policy = string_at(first, "imagePullPolicy");
  if (const auto command = texts_at(first, "command"); !command.empty())
    made.command = {command.front()};
  made.service_account = string_at(*spec, "serviceAccountName");
  if (const Json* secrets = find(*spec, "imagePullSecrets")) made.pull_secrets = *secrets;
  if (const Json* tolerations = find(*spec, "tolerations")) made.tolerations = *tolerations;
  return made;
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
  if (!exposure.node.empty())
    kube::set_annotation(claim, "volume.kubernetes.io/selected-node", exposure.node);
  return claim;
}

Json holding_pod(const Exposure& exposure, const AgentSettings& settings, const MoverImage& image) {
  JsonObject source{{"claimName", exposure.claim.empty() ? exposure.name : exposure.claim}};
  if (exposure.read_only) source["readOnly"] = true;
  Json spec = JsonObject{
      {"restartPolicy", "Never"},
      {"terminationGracePeriodSeconds", 0},
      {"containers", JsonArray{container_of(exposure, image)}},
      {"volumes",
       JsonArray{JsonObject{{"name", kHeldVolume}, {"persistentVolumeClaim", std::move(source)}}}}};
  if (!image.service_account.empty()) ensure(spec, "serviceAccountName") = image.service_account;
  if (!image.pull_secrets.is_null()) ensure(spec, "imagePullSecrets") = image.pull_secrets;
  if (!image.tolerations.is_null()) ensure(spec, "tolerations") = image.tolerations;
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

Result<std::vector<Json>> list_holding_pods(kube::Client& client,
                                            std::string_view label,
                                            std::stop_token stop) {
  const Json list =
      TRY(client.list({.gvr = kPodKind}, {.label_selector = std::string(label)}, std::move(stop)));
  std::vector<Json> pods;
  if (const JsonArray* items = array_at(list, "items")) pods.assign(items->begin(), items->end());
  return pods;
}

bool is_pod_running(const Json& pod) {
  return string_at(pod, "status.phase") == "Running" && !kube::is_being_deleted(pod);
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
