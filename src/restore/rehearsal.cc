#include "restore/rehearsal.h"

#include <algorithm>
#include <tuple>

#include "kube/object.h"
#include "kube/patch.h"
#include "restore/item_creator.h"
#include "restore/object_preparation.h"

namespace lateen::restore {
namespace {

// What an earlier rank brings is not there while we only ask: the ServiceAccount of a pod, its
// PriorityClass.
bool waits_for_earlier_ranks(const Error& error) {
  const std::string_view message = error.message();
  return (error.is(Code::Forbidden) || error.is(Code::NotFound) ||
          error.is(Code::InvalidArgument)) &&
         (message.find("not found") != std::string_view::npos ||
          message.find("no PriorityClass with name") != std::string_view::npos);
}

bool is_stop(const Error& error, const std::stop_token& stop) {
  return stop.stop_requested() || error.is(Code::Canceled);
}

// One that is no answer about this object: the server cannot be reached or lets us do nothing.
bool is_no_answer(const Error& error) {
  return error.is(Code::Unavailable) || error.is(Code::DeadlineExceeded) ||
         error.is(Code::Unauthenticated);
}

Json without_its_life(const Json& there) {
  Json base = there;
  strip(base);
  return base;
}

}  // namespace

void Rehearsal::note(PreviewedItem item) {
  item.rank = rank_;
  const Lock lock(mu_);
  items_.push_back(std::move(item));
}

void Rehearsal::note_missing_namespace(const std::string& ns) {
  const Lock lock(mu_);
  missing_namespaces_.insert(ns);
}

bool Rehearsal::is_missing_namespace(std::string_view ns) const {
  const Lock lock(mu_);
  return missing_namespaces_.count(ns) > 0;
}

std::vector<PreviewedItem> Rehearsal::take() {
  const Lock lock(mu_);
  std::sort(items_.begin(), items_.end(), [](const PreviewedItem& a, const PreviewedItem& b) {
    return std::tie(a.rank, a.group_resource, a.ns, a.name) <
           std::tie(b.rank, b.group_resource, b.ns, b.name);
  });
  return std::move(items_);
}

Result<CreatedItem> ItemAsker::bring(const Candidate& candidate, std::stop_token stop) {
  rehearsal_.note(TRY(ask(candidate, stop)));
  return CreatedItem{.outcome = ItemOutcome::Skipped};
}

Result<PreviewedItem> ItemAsker::ask(const Candidate& candidate, std::stop_token stop) {
  PreviewedItem item{.group_resource = candidate.path.gvr.group_resource().to_string(),
                     .kind = std::string(kube::kind_of(candidate.object)),
                     .ns = candidate.path.ns,
                     .name = candidate.path.name};
  auto there = client_.get(candidate.path, {}, stop);
  if (there) return ask_existing(candidate, *there, std::move(item), stop);
  if (!there.error().is(Code::NotFound)) return std::move(there).error();
  TRY(ask_to_create(candidate, item, stop));
  return item;
}

Status ItemAsker::ask_to_create(const Candidate& candidate,
                                PreviewedItem& item,
                                std::stop_token stop) {
  item.action = PreviewAction::Create;
  if (TRY(lacks_storage_class(candidate, stop))) {
    item.action = PreviewAction::MissingStorageClass;
    item.reason = fmt::format("StorageClass {} is not in this cluster",
                              string_at(candidate.object, "spec.storageClassName"));
    return {};
  }
  if (rehearsal_.is_missing_namespace(candidate.path.ns)) {
    item.reason = "not asked for: its namespace is not there yet";
    return {};
  }
  const auto asked = client_.create_raw(
      candidate.path.collection(), write_json_unsorted(candidate.object), {.dry_run = true}, stop);
  if (asked) return {};
  const Error& error = asked.error();
  if (is_stop(error, stop) || is_no_answer(error)) return error;
  if (waits_for_earlier_ranks(error)) {
    item.reason = fmt::format("not to be asked for before what it needs: {}", error.message());
    return {};
  }
  item.action = PreviewAction::Denied;
  item.reason = error.message();
  return {};
}

Result<bool> ItemAsker::lacks_storage_class(const Candidate& candidate, std::stop_token stop) {
  const bool is_claim =
      candidate.path.gvr.group.empty() && candidate.path.gvr.resource == "persistentvolumeclaims";
  const std::string name(string_at(candidate.object, "spec.storageClassName"));
  // A claim that names its volume is bound to it, whatever its class.
  if (!is_claim || name.empty() || !string_at(candidate.object, "spec.volumeName").empty()) {
    return false;
  }
  if (rehearsal_.brings_storage_class(name)) return false;
  {
    const Lock lock(mu_);
    const auto known = storage_classes_.find(name);
    if (known != storage_classes_.end()) return !known->second;
  }
  const auto found =
      client_.get({.gvr = {"storage.k8s.io", "v1", "storageclasses"}, .name = name}, {}, stop);
  if (!found && !found.error().is(Code::NotFound)) return found.error();
  const Lock lock(mu_);
  storage_classes_[name] = found.has_value();
  return !found.has_value();
}

Result<PreviewedItem> ItemAsker::ask_existing(const Candidate& candidate,
                                              const Json& there,
                                              PreviewedItem item,
                                              std::stop_token stop) {
  const bool is_secret =
      candidate.path.gvr.group.empty() && candidate.path.gvr.resource == "secrets";
  const Json base = without_its_life(there);
  const ExistingDecision decision = decide_existing(there, candidate, policy_);
  Json patch = decision.patch;
  kube::WriteOptions asking{.dry_run = true};
  kube::PatchType type = kube::PatchType::Merge;
  switch (decision.treatment) {
    case Treatment::Leave:
    case Treatment::Relabel:
      item.action = PreviewAction::Same;
      return item;
    case Treatment::LeaveToCluster:
      item.action = PreviewAction::Same;
      item.reason = "a controller of this cluster keeps it";
      return item;
    case Treatment::Refuse:
      item.action = PreviewAction::Differs;
      item.changes = field_changes(base, candidate.object, is_secret);
      return item;
    case Treatment::Recreate:
      item.action = PreviewAction::Recreate;
      item.changes = field_changes(base, candidate.object, is_secret);
      return item;
    case Treatment::Merge:
    case Treatment::Update:
      break;
    case Treatment::Apply:
      patch = candidate.object;
      type = kube::PatchType::Apply;
      asking.field_manager = kApplyManager;
      asking.force = true;
      break;
  }
  item.action = PreviewAction::Update;
  const auto asked = client_.patch(candidate.path, type, patch, asking, stop);
  if (asked) {
    const Json after = without_its_life(*asked);
    if (decision.treatment == Treatment::Apply && is_same_content(there, after)) {
      item.action = PreviewAction::Same;
      return item;
    }
    item.changes = field_changes(base, after, is_secret);
    return item;
  }
  const Error& error = asked.error();
  if (is_stop(error, stop) || is_no_answer(error)) return error;
  item.action = PreviewAction::Conflict;
  item.reason = error.message();
  item.changes = field_changes(base, candidate.object, is_secret);
  return item;
}

}  // namespace lateen::restore
