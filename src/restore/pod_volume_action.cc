#include "restore/pod_volume_action.h"

#include <algorithm>

#include "base/text.h"
#include "base/yaml.h"
#include "kube/object.h"

namespace lateen::restore {
namespace {

constexpr std::int64_t kHelperUser = 1000;

Json unprivileged() {
  return JsonObject{{"allowPrivilegeEscalation", false},
                    {"capabilities", JsonObject{{"drop", JsonArray{"ALL"}}}},
                    {"runAsNonRoot", true},
                    {"runAsUser", kHelperUser},
                    {"seccompProfile", JsonObject{{"type", "RuntimeDefault"}}}};
}

// Copied as files, by any version: a volume that is made of the cluster's objects never was.
bool may_hold_files(const Json& volume) {
  return find(volume, "configMap") == nullptr && find(volume, "secret") == nullptr &&
         find(volume, "projected") == nullptr && find(volume, "downwardAPI") == nullptr;
}

Json first_security_context(const Json& pod) {
  const JsonArray* containers = array_at(pod, "spec.containers");
  if (containers != nullptr && !containers->empty()) {
    if (const Json* own = find(containers->front(), "securityContext"); own != nullptr) return *own;
  }
  return unprivileged();
}

Json make_container(const Json& pod,
                    const std::vector<std::string>& volumes,
                    std::string_view restore_uid,
                    const WaitContainer& container) {
  JsonArray mounts;
  for (const std::string& volume : volumes)
    mounts.push_back(JsonObject{{"name", volume}, {"mountPath", "/restores/" + volume}});
  JsonArray command;
  for (const std::string& word : container.command)
    command.push_back(Json(word));
  const auto from_field = [](const char* name, const char* path) {
    return JsonObject{
        {"name", name},
        {"valueFrom",
         JsonObject{{"fieldRef", JsonObject{{"apiVersion", "v1"}, {"fieldPath", path}}}}}};
  };
  return JsonObject{
      {"name", kWaitContainer},
      {"image", container.image},
      {"command", std::move(command)},
      {"args", JsonArray{Json(restore_uid)}},
      {"env", JsonArray{from_field("POD_NAMESPACE", "metadata.namespace"),
                        from_field("POD_NAME", "metadata.name")}},
      {"resources", JsonObject{{"limits", JsonObject{{"cpu", container.cpu_limit},
                                                     {"memory", container.memory_limit}}},
                               {"requests", JsonObject{{"cpu", container.cpu_request},
                                                       {"memory", container.memory_request}}}}},
      {"securityContext", container.security_context.value_or(first_security_context(pod))},
      {"volumeMounts", std::move(mounts)}};
}

Result<std::int64_t> number_of(const Json& data, const char* key) {
  const std::string text(string_at(data, key));
  const auto value = parse_int(text);
  if (value) return *value;
  return Error(Code::InvalidArgument, "{} is \"{}\", which is no number", key, text);
}

}  // namespace

Status WaitContainer::configure(const Json& data) {
  const auto take = [&data](const char* key, std::string& into) {
    if (const std::string_view value = string_at(data, key); !value.empty()) into = value;
  };
  take("image", image);
  take("cpuRequest", cpu_request);
  take("memRequest", memory_request);
  take("cpuLimit", cpu_limit);
  take("memLimit", memory_limit);
  if (const auto own = string_at(data, "command"); !own.empty()) command = {std::string(own)};
  Json context = JsonObject();
  if (const std::string_view text = string_at(data, "secCtx"); !text.empty()) {
    context = TRY(parse_yaml(text).wrap("secCtx"));
    if (!context.is_object())
      return Error(Code::InvalidArgument, "secCtx is no security context, but \"{}\"", text);
  }
  if (!string_at(data, "secCtxRunAsUser").empty())
    context.as_object()["runAsUser"] = TRY(number_of(data, "secCtxRunAsUser"));
  if (!string_at(data, "secCtxRunAsGroup").empty())
    context.as_object()["runAsGroup"] = TRY(number_of(data, "secCtxRunAsGroup"));
  if (const auto allowed = string_at(data, "secCtxAllowPrivilegeEscalation"); !allowed.empty())
    context.as_object()["allowPrivilegeEscalation"] = allowed == "true";
  if (!context.as_object().empty()) security_context = std::move(context);
  return {};
}

std::map<std::string, const model::PodVolumeBackup*> copies_of_pod(
    const std::vector<model::PodVolumeBackup>& copies,
    const Json& pod,
    std::string_view source_ns) {
  std::map<std::string, const model::PodVolumeBackup*> found;
  const JsonArray* volumes = array_at(pod, "spec.volumes");
  if (volumes == nullptr) return found;
  for (const model::PodVolumeBackup& copy : copies) {
    if (copy.status.snapshot_id.empty() || copy.spec.pod.ns != source_ns ||
        copy.spec.pod.name != kube::name_of(pod)) {
      continue;
    }
    const bool has_volume = std::any_of(volumes->begin(), volumes->end(), [&](const Json& volume) {
      return string_at(volume, "name") == copy.spec.volume && may_hold_files(volume);
    });
    if (has_volume) found[copy.spec.volume] = &copy;
  }
  return found;
}

void add_wait_container(Json& pod,
                        const std::vector<std::string>& volumes,
                        std::string_view restore_uid,
                        const WaitContainer& container) {
  JsonArray containers;
  if (!volumes.empty()) containers.push_back(make_container(pod, volumes, restore_uid, container));
  if (const JsonArray* present = array_at(pod, "spec.initContainers"); present != nullptr) {
    for (const Json& one : *present) {
      const std::string_view name = string_at(one, "name");
      if (name != kWaitContainer && name != kWaitContainerLegacy) containers.push_back(one);
    }
  }
  if (containers.empty()) {
    erase(pod, "spec.initContainers");
  } else {
    ensure(pod, "spec.initContainers") = std::move(containers);
  }
}

}  // namespace lateen::restore
