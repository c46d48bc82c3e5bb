#include "restore/existing_object.h"

#include <algorithm>
#include <array>

#include "kube/object.h"
#include "kube/patch.h"
#include "model/names.h"
#include "restore/object_preparation.h"

namespace lateen::restore {
namespace {

using model::ExistingResourcePolicy;

bool is_core(const kube::ObjectPath& path, std::string_view resource) {
  return path.gvr.group.empty() && path.gvr.resource == resource;
}

bool is_written_by_controllers(const Json& object) {
  const JsonArray* managers = array_at(object, "metadata.managedFields");
  return managers != nullptr &&
         std::any_of(managers->begin(), managers->end(), [](const Json& manager) {
           return string_at(manager, "manager") == "kube-controller-manager";
         });
}

// Made by a controller as soon as what it belongs to is there: not worth a word.
bool is_made_by_cluster(const Json& there, const Candidate& candidate) {
  const kube::ObjectPath& path = candidate.path;
  if (is_core(path, "configmaps")) {
    return path.name == "kube-root-ca.crt" || path.name == "openshift-service-ca.crt";
  }
  if (is_core(path, "endpoints")) {
    constexpr std::string_view kTrigger = "endpoints.kubernetes.io/last-change-trigger-time";
    return kube::has_annotation(there, kTrigger) || is_written_by_controllers(there) ||
           kube::has_annotation(candidate.original, kTrigger) ||
           is_written_by_controllers(candidate.original);
  }
  return kube::controller_of(there).has_value() &&
         kube::controller_of(candidate.original).has_value();
}

// Actions take a claim's and a volume's binding out: what is still bound as it was when it was
// backed up is the same.
bool is_as_backed_up(const Json& there, const Candidate& candidate) {
  if (!is_core(candidate.path, "persistentvolumeclaims") &&
      !is_core(candidate.path, "persistentvolumes")) {
    return false;
  }
  Json original = candidate.original;
  if (!candidate.path.ns.empty()) ensure(original, "metadata.namespace") = candidate.path.ns;
  for (const std::string_view label : {model::labels::kVolumeSnapshotName}) {
    kube::remove_label(original, label);
    kube::remove_annotation(original, label);
  }
  return is_same_content(there, std::move(original));
}

// What takes data along when it is deleted.
bool holds_data(const kube::ObjectPath& path) {
  constexpr std::array<std::string_view, 6> kKinds = {"namespaces",
                                                      "persistentvolumes",
                                                      "persistentvolumeclaims",
                                                      "customresourcedefinitions",
                                                      "volumesnapshots",
                                                      "volumesnapshotcontents"};
  return path.gvr.group == model::kGroup ||
         std::find(kKinds.begin(), kKinds.end(), path.gvr.resource) != kKinds.end();
}

// Adds those of `ours` that `there` lacks, by name.
void add_missing_references(Json& there, const Json& ours, std::string_view list) {
  const JsonArray* wanted = array_at(ours, list);
  if (wanted == nullptr) return;
  Json& present = ensure(there, list);
  if (!present.is_array()) present = JsonArray();
  for (const Json& one : *wanted) {
    const std::string_view name = string_at(one, "name");
    const JsonArray& now = present.as_array();
    const bool has = std::any_of(now.begin(), now.end(), [name](const Json& other) {
      return string_at(other, "name") == name;
    });
    if (!has) present.as_array().push_back(one);
  }
}

void add_missing_entries(Json& there, const Json& ours, std::string_view map) {
  const JsonObject* wanted = object_at(ours, map);
  if (wanted == nullptr) return;
  Json& present = ensure(there, map);
  if (!present.is_object()) present = JsonObject();
  for (const auto& [key, value] : *wanted) {
    if (!present.as_object().contains(key)) present.as_object()[key] = value;
  }
}

Json account_patch(const Json& there, const Json& ours) {
  Json merged = there;
  add_missing_references(merged, ours, "secrets");
  add_missing_references(merged, ours, "imagePullSecrets");
  add_missing_entries(merged, ours, "metadata.labels");
  add_missing_entries(merged, ours, "metadata.annotations");
  return kube::diff_merge_patch(there, merged);
}

ExistingDecision with_patch(Treatment treatment, Json patch) {
  if (patch.as_object().empty()) return {};
  return {.treatment = treatment, .patch = std::move(patch)};
}

}  // namespace

Json restore_labels_patch(const Json& object) {
  JsonObject labels;
  for (const std::string_view key : {model::labels::kBackupName, model::labels::kRestoreName}) {
    labels[key] = kube::label_of(object, key);
  }
  return JsonObject{{"metadata", JsonObject{{"labels", std::move(labels)}}}};
}

std::string differs_warning(const Candidate& candidate, ExistingResourcePolicy policy) {
  const std::string_view kind = kube::kind_of(candidate.object);
  const std::string& name = candidate.path.name;
  return fmt::format(
      "could not restore, {} already exists. Warning: the in-cluster version is different than the "
      "backed-up version",
      policy == ExistingResourcePolicy::None ? fmt::format("{} \"{}\"", kind, name)
                                             : fmt::format("{}:{}", kind, name));
}

ExistingDecision decide_existing(const Json& there,
                                 const Candidate& candidate,
                                 ExistingResourcePolicy policy) {
  const bool changes = policy == ExistingResourcePolicy::Update ||
                       policy == ExistingResourcePolicy::Recreate ||
                       policy == ExistingResourcePolicy::Apply;
  if (is_same_content(there, candidate.object) || is_as_backed_up(there, candidate)) {
    if (!changes) return {};
    Json base = JsonObject();
    if (const JsonObject* labels = kube::labels_of(there)) {
      ensure(base, "metadata.labels") = *labels;
    }
    const Json wanted = kube::merge_patch(base, restore_labels_patch(candidate.object));
    return with_patch(Treatment::Relabel, kube::diff_merge_patch(base, wanted));
  }
  if (is_core(candidate.path, "serviceaccounts")) {
    return with_patch(Treatment::Merge, account_patch(there, candidate.object));
  }
  if (is_made_by_cluster(there, candidate)) return {.treatment = Treatment::LeaveToCluster};
  if (!changes) return {.treatment = Treatment::Refuse};
  if (policy == ExistingResourcePolicy::Apply) return {.treatment = Treatment::Apply};
  if (policy == ExistingResourcePolicy::Recreate && !holds_data(candidate.path)) {
    return {.treatment = Treatment::Recreate};
  }
  Json base = there;
  strip(base);
  return with_patch(Treatment::Update, kube::diff_merge_patch(base, candidate.object));
}

}  // namespace lateen::restore
