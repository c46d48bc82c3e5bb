#include <algorithm>
#include <array>

#include "base/text.h"
#include "kube/object.h"
#include "restore/action.h"

namespace lateen::restore {
namespace {

// Volumes that the admission of old clusters put into pods for their ServiceAccount's token.
void remove_token_volumes(Json& pod) {
  const std::string prefix = fmt::format("{}-token-", string_at(pod, "spec.serviceAccountName"));
  const auto is_token = [&prefix](const Json& volume) {
    return string_at(volume, "name").starts_with(prefix) && prefix != "-token-";
  };
  Json* spec = pod.as_object().if_contains("spec");
  if (spec == nullptr || !spec->is_object()) return;
  const auto remove_from = [&is_token](Json& holder, std::string_view key) {
    Json* list = holder.as_object().if_contains(key);
    if (list == nullptr || !list->is_array()) return;
    JsonArray kept;
    for (const Json& one : list->as_array()) {
      if (!is_token(one)) kept.push_back(one);
    }
    *list = std::move(kept);
  };
  remove_from(*spec, "volumes");
  for (const std::string_view kind : {"containers", "initContainers", "ephemeralContainers"}) {
    Json* containers = spec->as_object().if_contains(kind);
    if (containers == nullptr || !containers->is_array()) continue;
    for (Json& container : containers->as_array()) {
      if (container.is_object()) remove_from(container, "volumeMounts");
    }
  }
}

// Of a pod that was restored by Velero before it was backed up: they wait for that restore.
void remove_restore_waits(Json& pod) {
  if (array_at(pod, "spec.initContainers") == nullptr) return;
  JsonArray kept;
  for (const Json& container : *array_at(pod, "spec.initContainers")) {
    const std::string_view name = string_at(container, "name");
    if (name != "restore-wait" && name != "restic-wait") kept.push_back(container);
  }
  ensure(pod, "spec.initContainers") = std::move(kept);
}

Json* pod_spec_of(std::string_view group_resource, Json& object) {
  std::string_view path = "spec.template.spec";
  if (group_resource == "pods") path = "spec";
  if (group_resource == "cronjobs.batch") path = "spec.jobTemplate.spec.template.spec";
  return find(object, path) != nullptr ? &ensure(object, path) : nullptr;
}

}  // namespace

void act_on_pod(Json& pod) {
  erase(pod, "spec.nodeName");
  erase(pod, "spec.priority");
  remove_token_volumes(pod);
  remove_restore_waits(pod);
}

void act_on_job(Json& job) {
  for (const std::string_view key : {"controller-uid", "batch.kubernetes.io/controller-uid"}) {
    for (const std::string_view path :
         {"spec.selector.matchLabels", "spec.template.metadata.labels"}) {
      if (object_at(job, path) != nullptr) erase(ensure(job, path).as_object(), JsonKey{key});
    }
  }
}

void act_on_service_account(Json& account) {
  const std::string prefix = fmt::format("{}-token-", kube::name_of(account));
  Json* secrets = account.as_object().if_contains("secrets");
  if (secrets == nullptr || !secrets->is_array()) return;
  JsonArray& list = secrets->as_array();
  const auto token = std::find_if(list.begin(), list.end(), [&prefix](const Json& secret) {
    return string_at(secret, "name").starts_with(prefix);
  });
  if (token != list.end()) list.erase(token);
}

void change_images(std::string_view group_resource, Json& object, const ActionContext& context) {
  constexpr std::array<std::string_view, 8> kKinds = {"pods",
                                                      "deployments.apps",
                                                      "statefulsets.apps",
                                                      "daemonsets.apps",
                                                      "replicasets.apps",
                                                      "replicationcontrollers",
                                                      "jobs.batch",
                                                      "cronjobs.batch"};
  if (context.image_parts.empty() ||
      std::find(kKinds.begin(), kKinds.end(), group_resource) == kKinds.end()) {
    return;
  }
  Json* spec = pod_spec_of(group_resource, object);
  if (spec == nullptr) return;
  for (const std::string_view kind : {"containers", "initContainers"}) {
    if (array_at(*spec, kind) == nullptr) continue;
    for (Json& container : ensure(*spec, kind).as_array()) {
      const std::string image(string_at(container, "image"));
      for (const auto& [from, to] : context.image_parts) {
        if (from.empty() || image.find(from) == std::string::npos) continue;
        ensure(container, "image") = replace_all(image, from, to);
        break;
      }
    }
  }
}

}  // namespace lateen::restore
