#include "restore/item_creator.h"

#include <algorithm>

#include "kube/object.h"
#include "kube/patch.h"
#include "model/names.h"
#include "restore/object_preparation.h"

namespace lateen::restore {
namespace {

constexpr std::string_view kRootCa = "kube-root-ca.crt";

// Made by a controller in every namespace the moment it appears: not worth a word.
bool is_made_by_cluster(const kube::ObjectPath& path) {
  return path.gvr.group.empty() &&
         ((path.gvr.resource == "configmaps" && path.name == kRootCa) ||
          (path.gvr.resource == "serviceaccounts" && path.name == "default"));
}

bool is_looked_into(const kube::ObjectPath& path) {
  return path.gvr.group.empty() &&
         (path.gvr.resource == "pods" || path.gvr.resource == "persistentvolumeclaims");
}

// Adds those of `ours` that `there` lacks, by name. Says whether it did.
bool add_missing_references(Json& there, const Json& ours, std::string_view list) {
  const JsonArray* wanted = array_at(ours, list);
  if (wanted == nullptr) return false;
  Json& present = ensure(there, list);
  if (!present.is_array()) present = JsonArray();
  bool added = false;
  for (const Json& one : *wanted) {
    const std::string_view name = string_at(one, "name");
    const JsonArray& now = present.as_array();
    const bool has = std::any_of(now.begin(), now.end(), [name](const Json& other) {
      return string_at(other, "name") == name;
    });
    if (has) continue;
    present.as_array().push_back(one);
    added = true;
  }
  return added;
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

}  // namespace

std::string_view to_string(ItemOutcome outcome) {
  switch (outcome) {
    case ItemOutcome::Created:
      return "created";
    case ItemOutcome::Updated:
      return "updated";
    case ItemOutcome::Skipped:
      return "skipped";
    case ItemOutcome::Failed:
      return "failed";
  }
  return "failed";
}

Result<CreatedItem> ItemCreator::bring(const kube::ObjectPath& path,
                                       const Json& object,
                                       std::stop_token stop) {
  auto created = client_.create_raw(path.collection(), write_json_unsorted(object), {}, stop);
  if (created) {
    CreatedItem item{.outcome = ItemOutcome::Created};
    if (is_looked_into(path)) item.object = TRY(parse_json(*created));
    return item;
  }
  Error error = std::move(created).error();
  const bool port_taken =
      path.gvr.resource == "services" && error.is(Code::InvalidArgument) &&
      error.message().find("provided port is already allocated") != std::string::npos;
  if (error.is(Code::AlreadyExists) || port_taken) {
    return deal_with_existing(path, object, std::move(error), stop);
  }
  return error;
}

Result<CreatedItem> ItemCreator::deal_with_existing(const kube::ObjectPath& path,
                                                    const Json& object,
                                                    Error why,
                                                    std::stop_token stop) {
  auto found = client_.get(path, {}, stop);
  if (!found) {
    // The port belongs to another Service: that is the error to tell.
    if (found.error().is(Code::NotFound)) return why;
    return std::move(found).error();
  }
  const Json& there = *found;
  const bool updating =
      restore_.spec.existing_resource_policy == model::ExistingResourcePolicy::Update;
  CreatedItem item{.outcome = ItemOutcome::Skipped, .object = there};
  if (is_same_content(there, object))
    return updating ? update(path, there, object, stop) : Result<CreatedItem>(item);
  if (path.gvr.resource == "serviceaccounts" && path.gvr.group.empty()) {
    return merge_account(path, there, object, stop);
  }
  if (is_made_by_cluster(path)) return item;
  if (updating) return update(path, there, object, stop);
  item.outcome = ItemOutcome::Failed;  // so Velero's list says it, though it is but a warning
  const std::string_view kind = kube::kind_of(object);
  const bool said_none =
      restore_.spec.existing_resource_policy == model::ExistingResourcePolicy::None;
  item.warnings.push_back(
      fmt::format("could not restore, {} already exists. Warning: the in-cluster version is "
                  "different than the backed-up version",
                  said_none ? fmt::format("{} \"{}\"", kind, path.name)
                            : fmt::format("{}:{}", kind, path.name)));
  return item;
}

Result<CreatedItem> ItemCreator::merge_account(const kube::ObjectPath& path,
                                               const Json& there,
                                               const Json& object,
                                               std::stop_token stop) {
  Json merged = there;
  add_missing_references(merged, object, "secrets");
  add_missing_references(merged, object, "imagePullSecrets");
  add_missing_entries(merged, object, "metadata.labels");
  add_missing_entries(merged, object, "metadata.annotations");
  const Json patch = kube::diff_merge_patch(there, merged);
  if (patch.as_object().empty())
    return CreatedItem{.outcome = ItemOutcome::Skipped, .object = there};
  Json now = TRY(client_.patch(path, kube::PatchType::Merge, patch, {}, stop));
  return CreatedItem{.outcome = ItemOutcome::Updated, .object = std::move(now)};
}

Result<CreatedItem> ItemCreator::update(const kube::ObjectPath& path,
                                        const Json& there,
                                        const Json& object,
                                        std::stop_token stop) {
  Json base = there;
  strip(base);
  const Json patch = kube::diff_merge_patch(base, object);
  CreatedItem item{.outcome = ItemOutcome::Skipped, .object = there};
  if (patch.as_object().empty()) return item;
  const bool only_labels = is_same_content(there, object);
  auto updated = client_.patch(path, kube::PatchType::Merge, patch, {}, stop);
  if (updated) {
    item.outcome = only_labels ? ItemOutcome::Skipped : ItemOutcome::Updated;
    item.object = std::move(*updated);
    return item;
  }
  item.warnings.push_back(updated.error().message());
  // What cannot be changed can at least say which backup it would have come from.
  JsonObject labels;
  for (const std::string_view key : {model::labels::kBackupName, model::labels::kRestoreName}) {
    labels[key] = kube::label_of(object, key);
  }
  const Json only = JsonObject{{"metadata", JsonObject{{"labels", std::move(labels)}}}};
  item.object = TRY(client_.patch(path, kube::PatchType::Merge, only, {}, stop));
  item.outcome = ItemOutcome::Failed;
  return item;
}

}  // namespace lateen::restore
