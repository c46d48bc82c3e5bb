#include "restore/object_preparation.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "kube/object.h"
#include "kube/resource.h"
#include "model/names.h"

namespace lateen::restore {

void strip(Json& object) {
  constexpr std::array<std::string_view, 10> kMetadata = {"generateName",
                                                          "selfLink",
                                                          "uid",
                                                          "resourceVersion",
                                                          "generation",
                                                          "creationTimestamp",
                                                          "deletionTimestamp",
                                                          "deletionGracePeriodSeconds",
                                                          "ownerReferences",
                                                          "managedFields"};
  erase(object, "status");
  Json* metadata = object.as_object().if_contains("metadata");
  if (metadata == nullptr || !metadata->is_object()) return;
  for (const std::string_view key : kMetadata)
    erase(metadata->as_object(), JsonKey{key});
}

Status check_identity(const Json& object, const archive::ItemKey& place) {
  const std::string_view name = kube::name_of(object);
  const std::string_view ns = kube::namespace_of(object);
  // Some writers leave the namespace to the place.
  if (name != place.name || (ns != place.ns && !ns.empty())) {
    return Error(Code::Corrupt, "at its place in the tarball lies {} instead",
                 name.empty() ? std::string("an object without a name")
                              : quote_go(kube::object_key(ns, name)));
  }
  const std::string_view version = kube::api_version_of(object);
  const Cut parts = cut(version, "/");
  const std::string_view group = parts.found ? parts.before : std::string_view();
  if (!version.empty() && group != kube::parse_group_resource(place.group_resource).group) {
    return Error(Code::Corrupt, "at its place in the tarball lies one of {} instead",
                 quote_go(version));
  }
  return {};
}

std::string why_not_worth_it(std::string_view group_resource, const Json& object) {
  if (group_resource == "pods") {
    const std::string_view phase = string_at(object, "status.phase");
    if (phase == "Failed" || phase == "Succeeded")
      return fmt::format("the pod has ended ({})", phase);
    if (kube::has_annotation(object, "kubernetes.io/config.mirror"))
      return "a mirror of a static pod";
  }
  if (group_resource == "jobs.batch" && !string_at(object, "status.completionTime").empty()) {
    return "the job has completed";
  }
  return {};
}

void label_as_restored(Json& object, std::string_view backup, std::string_view restore) {
  kube::set_label(object, model::labels::kBackupName, backup);
  kube::set_label(object, model::labels::kRestoreName, restore);
}

bool is_same_content(Json in_cluster, Json wanted) {
  for (Json* object : {&in_cluster, &wanted}) {
    strip(*object);
    kube::remove_label(*object, model::labels::kBackupName);
    kube::remove_label(*object, model::labels::kRestoreName);
  }
  return in_cluster == wanted;
}

const Json* applied_fields(const Json& object) {
  const JsonArray* managers = array_at(object, "metadata.managedFields");
  if (managers == nullptr) return nullptr;
  const bool any = std::any_of(managers->begin(), managers->end(), [](const Json& manager) {
    return string_at(manager, "operation") == "Apply";
  });
  return any ? find(object, "metadata.managedFields") : nullptr;
}

}  // namespace lateen::restore
