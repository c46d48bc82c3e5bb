#include "restore/related.h"

#include <algorithm>
#include <set>

#include "base/json_slice.h"
#include "kube/object.h"
#include "model/names.h"
#include "restore/selection.h"

namespace lateen::restore {
namespace {

struct Lead {
  std::string_view kind;
  std::string ns;
  std::string name;
};

void pod_leads(const Json& pod, std::vector<Lead>& leads) {
  if (const auto priority = string_at(pod, "spec.priorityClassName"); !priority.empty()) {
    leads.push_back({"priorityclasses.scheduling.k8s.io", "", std::string(priority)});
  }
  const JsonArray* volumes = array_at(pod, "spec.volumes");
  if (volumes == nullptr) return;
  for (const Json& volume : *volumes) {
    const auto claim = string_at(volume, "persistentVolumeClaim.claimName");
    if (!claim.empty()) {
      leads.push_back(
          {"persistentvolumeclaims", std::string(kube::namespace_of(pod)), std::string(claim)});
    }
  }
}

void claim_leads(const Json& claim, std::vector<Lead>& leads) {
  if (const auto volume = string_at(claim, "spec.volumeName"); !volume.empty()) {
    leads.push_back({"persistentvolumes", "", std::string(volume)});
  }
  const auto snapshot = kube::annotation_of(claim, model::annotations::kVolumeSnapshotName);
  if (!snapshot.empty()) {
    leads.push_back({"volumesnapshots.snapshot.storage.k8s.io",
                     std::string(kube::namespace_of(claim)), std::string(snapshot)});
  }
}

void snapshot_leads(const Json& snapshot, std::vector<Lead>& leads) {
  const auto content = string_at(snapshot, "status.boundVolumeSnapshotContentName");
  if (!content.empty()) {
    leads.push_back({"volumesnapshotcontents.snapshot.storage.k8s.io", "", std::string(content)});
  }
  const auto cls = string_at(snapshot, "spec.volumeSnapshotClassName");
  if (!cls.empty()) {
    leads.push_back({"volumesnapshotclasses.snapshot.storage.k8s.io", "", std::string(cls)});
  }
}

// The credential that the driver needs for the snapshot.
void content_leads(const Json& content, std::vector<Lead>& leads) {
  const auto name =
      kube::annotation_of(content, "snapshot.storage.kubernetes.io/deletion-secret-name");
  const auto ns =
      kube::annotation_of(content, "snapshot.storage.kubernetes.io/deletion-secret-namespace");
  if (!name.empty() && !ns.empty()) {
    leads.push_back({"secrets", std::string(ns), std::string(name)});
  }
}

bool can_lead(std::string_view kind) {
  return kind == "pods" || kind == "persistentvolumeclaims" ||
         kind == "volumesnapshots.snapshot.storage.k8s.io" ||
         kind == "volumesnapshotcontents.snapshot.storage.k8s.io";
}

std::vector<Lead> leads_of(std::string_view kind, const Json& object) {
  std::vector<Lead> leads;
  if (kind == "pods") pod_leads(object, leads);
  if (kind == "persistentvolumeclaims") claim_leads(object, leads);
  if (kind == "volumesnapshots.snapshot.storage.k8s.io") snapshot_leads(object, leads);
  if (kind == "volumesnapshotcontents.snapshot.storage.k8s.io") content_leads(object, leads);
  return leads;
}

Result<JsonObject> labels_of(const archive::ArchiveReader& archive,
                             const archive::ArchivedItem& item) {
  const OwnedSlice slice = TRY(OwnedSlice::parse(TRY(archive.read(item))));
  return slice->parse_labels();
}

template <typename Keep>
Status filter_steps(std::vector<RestoreStep>& steps, Keep keep) {
  for (RestoreStep& step : steps) {
    std::vector<PlannedItem> kept;
    for (PlannedItem& item : step.items) {
      if (TRY(keep(step, item))) kept.push_back(std::move(item));
    }
    step.items = std::move(kept);
  }
  std::erase_if(steps, [](const RestoreStep& step) { return step.items.empty(); });
  return {};
}

}  // namespace

Result<RestorePlan> narrow_by_labels(RestorePlan plan,
                                     const model::RestoreSpec& spec,
                                     const archive::ArchiveReader& archive,
                                     std::stop_token stop) {
  if (!spec.label_selector && spec.or_label_selectors.empty()) return plan;
  std::size_t dropped = 0;
  const auto keep = [&](const RestoreStep&, const PlannedItem& item) -> Result<bool> {
    if (stop.stop_requested()) return Error(Code::Canceled, "the restore was stopped");
    const auto stored = labels_of(archive, archive.items()[item.archived]);
    if (!stored) return true;  // broken: said when it is to be restored
    model::StringMap labels;
    for (const auto& [key, value] : *stored)
      labels[std::string(key)] = as_text(&value);
    const bool matches =
        spec.label_selector
            ? spec.label_selector->matches(labels)
            : std::any_of(spec.or_label_selectors.begin(), spec.or_label_selectors.end(),
                          [&labels](const auto& one) { return one.matches(labels); });
    if (!matches) ++dropped;
    return matches;
  };
  TRY(filter_steps(plan.definitions, keep));
  for (auto& rank : plan.ranks)
    TRY(filter_steps(rank, keep));
  std::erase_if(plan.ranks, [](const auto& rank) { return rank.empty(); });
  plan.total -= dropped;
  if (dropped > 0) plan.skipped.push_back({"objects", dropped, "no label selector matches"});
  return plan;
}

Result<RestorePlan> add_related(RestorePlan plan,
                                const model::RestoreSpec& spec,
                                const kube::Discovery& discovery,
                                const ResourcePriorities& priorities,
                                const archive::ArchiveReader& archive,
                                std::stop_token stop) {
  const Selection selection(spec, discovery);
  std::set<std::size_t> planned;
  std::vector<std::size_t> to_follow;
  const auto note = [&](const RestoreStep& step) {
    for (const PlannedItem& item : step.items) {
      planned.insert(item.archived);
      if (can_lead(step.group_resource)) to_follow.push_back(item.archived);
    }
  };
  for (const RestoreStep& step : plan.definitions)
    note(step);
  for (const auto& rank : plan.ranks)
    std::for_each(rank.begin(), rank.end(), note);

  bool grown = false;
  while (!to_follow.empty()) {
    if (stop.stop_requested()) return Error(Code::Canceled, "the restore was stopped");
    const archive::ArchivedItem& item = archive.items()[to_follow.back()];
    to_follow.pop_back();
    auto body = archive.read(item);
    const auto object = body ? parse_json(*body) : std::move(body).error();
    if (!object) continue;  // broken: said when it is to be restored
    for (const Lead& lead : leads_of(item.key.group_resource, *object)) {
      const archive::ArchivedItem* other = archive.find(lead.kind, lead.ns, lead.name);
      if (other == nullptr || !selection.why_not_as_additional(other->key).empty()) continue;
      const auto index = static_cast<std::size_t>(other - archive.items().data());
      if (!planned.insert(index).second) continue;
      grown = true;
      if (can_lead(lead.kind)) to_follow.push_back(index);
    }
  }
  if (!grown) return plan;
  RestorePlan grown_plan = arrange(planned, archive.items(), selection, discovery, priorities);
  grown_plan.skipped = std::move(plan.skipped);
  return grown_plan;
}

}  // namespace lateen::restore
