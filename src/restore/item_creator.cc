#include "restore/item_creator.h"

#include <algorithm>

#include "kube/object.h"
#include "model/names.h"
#include "restore/object_preparation.h"

namespace lateen::restore {
namespace {

using std::chrono::milliseconds;

bool is_looked_into(const kube::ObjectPath& path) {
  return path.gvr.group.empty() &&
         (path.gvr.resource == "pods" || path.gvr.resource == "persistentvolumeclaims");
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

Result<CreatedItem> ItemCreator::create(const Candidate& candidate, std::stop_token stop) {
  const Bytes created = TRY(client_.create_raw(candidate.path.collection(),
                                               write_json_unsorted(candidate.object), {}, stop));
  CreatedItem item{.outcome = ItemOutcome::Created};
  if (is_looked_into(candidate.path)) item.object = TRY(parse_json(created));
  return item;
}

Result<CreatedItem> ItemCreator::bring(const Candidate& candidate, std::stop_token stop) {
  auto created = create(candidate, stop);
  if (created) return created;
  Error error = std::move(created).error();
  const bool port_taken =
      candidate.path.gvr.resource == "services" && error.is(Code::InvalidArgument) &&
      error.message().find("provided port is already allocated") != std::string::npos;
  if (error.is(Code::AlreadyExists) || port_taken) {
    return deal_with_existing(candidate, std::move(error), stop);
  }
  return error;
}

Result<CreatedItem> ItemCreator::deal_with_existing(const Candidate& candidate,
                                                    Error why,
                                                    std::stop_token stop) {
  auto found = client_.get(candidate.path, {}, stop);
  if (!found) {
    // The port belongs to another Service: that is the error to tell.
    if (found.error().is(Code::NotFound)) return why;
    return std::move(found).error();
  }
  if (is_of_earlier_run(*found)) {
    return CreatedItem{.outcome = kube::creation_time_of(*found) >= earlier_.began
                                      ? ItemOutcome::Created
                                      : ItemOutcome::Updated,
                       .object = std::move(*found)};
  }
  const ExistingDecision decision = decide_existing(*found, candidate, policy_);
  CreatedItem item{.outcome = ItemOutcome::Skipped};
  switch (decision.treatment) {
    case Treatment::Leave:
    case Treatment::LeaveToCluster:
      break;
    case Treatment::Refuse:
      item.outcome = ItemOutcome::Failed;  // so Velero's list says it, though it is but a warning
      item.warnings.push_back(differs_warning(candidate, policy_));
      break;
    case Treatment::Relabel:
    case Treatment::Merge:
    case Treatment::Update:
      return update(candidate, *found, decision, stop);
    case Treatment::Recreate:
      return recreate(candidate, *found, stop);
    case Treatment::Apply:
      return apply(candidate, *found, stop);
  }
  item.object = std::move(*found);
  return item;
}

bool ItemCreator::is_of_earlier_run(const Json& there) const {
  return !earlier_.restore_label.empty() && !kube::is_being_deleted(there) &&
         kube::label_of(there, model::labels::kRestoreName) == earlier_.restore_label;
}

Result<CreatedItem> ItemCreator::update(const Candidate& candidate,
                                        const Json& there,
                                        const ExistingDecision& decision,
                                        std::stop_token stop) {
  auto updated = client_.patch(candidate.path, kube::PatchType::Merge, decision.patch, {}, stop);
  if (updated) {
    return CreatedItem{.outcome = decision.treatment == Treatment::Relabel ? ItemOutcome::Skipped
                                                                           : ItemOutcome::Updated,
                       .object = std::move(*updated)};
  }
  if (decision.treatment != Treatment::Update) {
    return std::move(updated).error().wrap("patching the {} that is there", kube::kind_of(there));
  }
  return only_label(candidate, updated.error(), stop);
}

// What cannot be changed can at least say which backup it would have come from.
Result<CreatedItem> ItemCreator::only_label(const Candidate& candidate,
                                            const Error& refusal,
                                            std::stop_token stop) {
  CreatedItem item{.outcome = ItemOutcome::Failed};
  item.warnings.push_back(refusal.message());
  item.object = TRY(client_.patch(candidate.path, kube::PatchType::Merge,
                                  restore_labels_patch(candidate.object), {}, stop));
  return item;
}

Result<CreatedItem> ItemCreator::apply(const Candidate& candidate,
                                       const Json& there,
                                       std::stop_token stop) {
  const kube::WriteOptions options{.field_manager = std::string(kApplyManager), .force = true};
  auto applied =
      client_.patch(candidate.path, kube::PatchType::Apply, candidate.object, options, stop);
  if (!applied) return only_label(candidate, applied.error(), stop);
  // What the backup has may be there beside what others have added.
  const bool same = is_same_content(there, *applied);
  return CreatedItem{.outcome = same ? ItemOutcome::Skipped : ItemOutcome::Updated,
                     .object = std::move(*applied)};
}

Result<CreatedItem> ItemCreator::recreate(const Candidate& candidate,
                                          const Json& there,
                                          std::stop_token stop) {
  const std::string uid(kube::uid_of(there));
  auto removed = client_.remove(candidate.path, {.uid = uid}, stop);
  if (!removed && !removed.error().is(Code::NotFound)) {
    return std::move(removed).error().wrap("deleting the one that is there");
  }
  TRY(wait_until_gone(candidate.path, uid, stop));
  auto created = create(candidate, stop);
  if (created || !created.error().is(Code::AlreadyExists)) return created;
  return std::move(created).error().wrap(
      "it was deleted to be created anew, and somebody was faster to create it");
}

Status ItemCreator::wait_until_gone(const kube::ObjectPath& path,
                                    std::string_view uid,
                                    std::stop_token stop) {
  const Deadline deadline = Deadline::after(longest_deletion_);
  milliseconds pause{20};
  while (true) {
    const auto there = client_.get(path, {}, stop);
    if (!there && !there.error().is(Code::NotFound)) return there.error();
    if (!there || kube::uid_of(*there) != uid) return {};
    if (deadline.expired()) {
      const Json* finalizers = find(*there, "metadata.finalizers");
      return Error(Code::DeadlineExceeded,
                   "it is being deleted to be created anew, and does not go (finalizers: {})",
                   finalizers == nullptr ? "none" : write_json(*finalizers));
    }
    if (!sleep_unless_stopped(pause, stop)) return Error(Code::Canceled, "the restore was stopped");
    pause = std::min(pause * 2, milliseconds(1000));
  }
}

}  // namespace lateen::restore
