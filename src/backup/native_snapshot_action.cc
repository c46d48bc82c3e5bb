#include "backup/native_snapshot_action.h"

#include <algorithm>

#include "backup/rehearsal.h"
#include "base/text.h"
#include "base/time.h"
#include "kube/object.h"
#include "model/names.h"
#include "volumes/decision.h"
#include "volumes/volume_zone.h"

namespace lateen::backup {
namespace {

using volumes::VolumeMethod;

// In a record that is only begun; ours, Velero passes over it.
constexpr std::string_view kBegun = "lateenBegun";

// Between our clock and the storage's.
constexpr std::chrono::minutes kClockDifference{5};

// In the form of Velero's skippedReason: approach and reason, for each approach that was tried.
std::string why_no_snapshot(const Json& volume) {
  const bool claimed = !string_at(volume, "spec.claimRef.name").empty();
  const bool tried_csi = claimed && find(volume, "spec.csi") == nullptr;
  return fmt::format("{}volumeSnapshot: no applicable volumesnapshotter found;",
                     tried_csi ? "csiSnapshot: skipped b/c it's not a CSI volume;" : "");
}

class NativeSnapshotAction final : public ItemAction {
 public:
  explicit NativeSnapshotAction(const NativeActionTools& tools) : tools_(tools) {}

  std::string_view name() const override { return "lateen.dev/native-snapshot"; }

  bool applies_to(std::string_view kind) const override { return kind == "persistentvolumes"; }

  Result<ActionOutcome> execute(Json& volume, const Log& log, std::stop_token stop) override {
    ActionOutcome nothing_else;
    const volumes::VolumeDecision decision = TRY(decide(volume, stop));
    switch (decision.method) {
      case VolumeMethod::CsiSnapshot:  // the claim's
      case VolumeMethod::FileSystem:   // the pod's
        return nothing_else;
      case VolumeMethod::None:
        tools_.volumes.skip(volume, decision.reason);
        return nothing_else;
      case VolumeMethod::NativeSnapshot:
        break;
    }
    if (tools_.rehearsal != nullptr && !tools_.backup.spec.volume_snapshot_locations.empty()) {
      rehearse(volume, decision);
      return nothing_else;
    }
    const auto taker = TRY(find_native_taker(volume, tools_.backup, tools_.locations, log, stop));
    if (!taker) {
      tools_.volumes.skip(volume, why_no_snapshot(volume));
      log.warning(
          "The data of this volume is not in the backup: it is not a CSI volume, and no volume "
          "snapshotter takes it",
          {{"volume", kube::name_of(volume)}});
      return nothing_else;
    }
    TRY(take(volume, *taker, log, stop));
    return nothing_else;
  }

 private:
  Result<volumes::VolumeDecision> decide(const Json& volume, std::stop_token stop) const {
    // The claim's action has looked already, and found that CSI cannot do it.
    if (tools_.volumes.expects_native(kube::name_of(volume))) {
      return volumes::VolumeDecision{VolumeMethod::NativeSnapshot, "no CSI snapshot can be taken"};
    }
    const std::string ns(string_at(volume, "spec.claimRef.namespace"));
    const std::string claim_name(string_at(volume, "spec.claimRef.name"));
    std::optional<Json> claim;
    if (tools_.policy && !claim_name.empty()) {
      auto found = tools_.client.get(
          {.gvr = {"", "v1", "persistentvolumeclaims"}, .ns = ns, .name = claim_name}, {}, stop);
      if (found) {
        claim = std::move(*found);
      } else if (!found.error().is(Code::NotFound)) {
        return std::move(found).error().wrap("reading the volume's claim {}/{}", ns, claim_name);
      }
    }
    return volumes::decide(
        {.volume = &volume,
         .claim = claim ? &*claim : nullptr,
         .chosen_for_file_system = tools_.volumes.is_chosen_for_file_system(ns, claim_name)},
        tools_.backup.spec, tools_.policy ? &*tools_.policy : nullptr);
  }

  // Whether one of the locations knows the volume, only its storage can say.
  void rehearse(const Json& volume, const volumes::VolumeDecision& decision) {
    tools_.rehearsal->add(
        PlannedVolume{.ns = std::string(string_at(volume, "spec.claimRef.namespace")),
                      .claim = std::string(string_at(volume, "spec.claimRef.name")),
                      .volume = std::string(kube::name_of(volume)),
                      .pod = {},
                      .method = decision.method,
                      .reason = decision.reason,
                      .with = join(tools_.backup.spec.volume_snapshot_locations, ", ")});
    tools_.volumes.rehearsed(volume);
  }

  Status take(const Json& volume, const NativeTaker& taker, const Log& log, std::stop_token stop) {
    if (tools_.backup.spec.snapshot_move_data == true) {
      log.warning("VolumeSnapshotter plugin doesn't support data movement.");
    }
    const TimePoint started = tools_.clock.now();
    model::NativeSnapshot record;
    record.spec.backup_name = tools_.backup.metadata.name;
    record.spec.backup_uid = tools_.backup.metadata.uid;
    record.spec.location = taker.location;
    record.spec.persistent_volume_name = kube::name_of(volume);
    record.spec.provider_volume_id = taker.volume_id;
    record.spec.volume_az = volumes::zone_of(volume);
    record.status.phase = model::OperationPhase::Failed;
    auto info = taker.snapshotter->volume_info(taker.volume_id, record.spec.volume_az, stop);
    if (!info) {
      tools_.volumes.native_snapshot(volume, record, started);
      return std::move(info).error().wrap("error getting volume info");
    }
    record.spec.volume_type = info->type;
    record.spec.volume_iops = info->iops;
    record.spec.volume_throughput = info->throughput;
    const Status noted = tools_.snapshots.begin(record, started);
    if (!noted) {
      log.warning("Could not note in the bucket that a snapshot is being taken",
                  {{"error", noted.error()}});
    }
    auto id = create(record, taker, started, log, stop);
    if (id) {
      record.status.phase = model::OperationPhase::Completed;
      record.status.provider_snapshot_id = *id;
      log.info("Took a snapshot of the volume", {{"volumeID", taker.volume_id},
                                                 {"snapshotID", *id},
                                                 {"volumeSnapshotLocation", taker.location}});
    }
    tools_.volumes.native_snapshot(volume, record, started);
    const Status recorded = tools_.snapshots.end(std::move(record));
    if (!recorded) {
      log.warning("Could not note a snapshot in the bucket before the backup is complete",
                  {{"error", recorded.error()}});
    }
    if (id) return {};
    return std::move(id).error().wrap("error taking snapshot of volume");
  }

  // The answer may be lost though the snapshot was taken: then it is found, and is ours.
  Result<std::string> create(const model::NativeSnapshot& record,
                             const NativeTaker& taker,
                             TimePoint started,
                             const Log& log,
                             std::stop_token stop) {
    const model::StringMap tags = snapshot_tags(tools_.backup, record.spec.persistent_volume_name);
    auto id =
        taker.snapshotter->create_snapshot(taker.volume_id, record.spec.volume_az, tags, stop);
    const bool unknown =
        !id && (id.error().is(Code::Unavailable) || id.error().is(Code::DeadlineExceeded));
    if (!unknown) return id;
    const auto found =
        taker.snapshotter->find_snapshots(taker.volume_id, tags, started - kClockDifference, stop);
    if (!found || found->size() != 1) return id;
    log.info("The answer to a snapshot's creation was lost, the snapshot is there",
             {{"snapshotID", found->front()}});
    return found->front();
  }

  const NativeActionTools tools_;
};

}  // namespace

Result<std::optional<NativeTaker>> find_native_taker(const Json& volume,
                                                     const model::Backup& backup,
                                                     volumes::SnapshotLocations* locations,
                                                     const Log& log,
                                                     std::stop_token stop) {
  std::optional<NativeTaker> none;
  if (locations == nullptr) return none;
  for (const std::string& location : backup.spec.volume_snapshot_locations) {
    auto snapshotter = locations->of(location, stop);
    if (stop.stop_requested()) return Error(Code::Canceled, "the backup was stopped");
    if (!snapshotter) {
      log.error("Error getting volume snapshotter for volume snapshot location",
                {{"volumeSnapshotLocation", location}, {"error", snapshotter.error()}});
      continue;
    }
    auto id = (*snapshotter)->volume_id_of(volume);
    if (!id) {
      log.error("Error attempting to get volume ID for persistent volume",
                {{"volumeSnapshotLocation", location}, {"error", id.error()}});
      continue;
    }
    if (id->empty()) continue;
    return std::optional(NativeTaker{
        .location = location, .snapshotter = *snapshotter, .volume_id = std::move(*id)});
  }
  return none;
}

std::optional<TimePoint> begun_at(const model::NativeSnapshot& snapshot) {
  if (snapshot.status.phase != model::OperationPhase::New) return std::nullopt;
  const auto at = snapshot.status.unknown.find(kBegun);
  if (at == snapshot.status.unknown.end()) return std::nullopt;
  const auto time = parse_rfc3339(as_text(&at->value()));
  return time ? std::optional(*time) : std::nullopt;
}

model::StringMap tags_of(const model::NativeSnapshot& snapshot) {
  return {{"velero.io/backup", snapshot.spec.backup_name},
          {"velero.io/pv", snapshot.spec.persistent_volume_name}};
}

Status NativeSnapshots::begin(model::NativeSnapshot snapshot, TimePoint now) {
  snapshot.status.phase = model::OperationPhase::New;
  snapshot.status.unknown[kBegun] = format_rfc3339(now - kClockDifference);
  return put(std::move(snapshot));
}

Status NativeSnapshots::end(model::NativeSnapshot snapshot) {
  return put(std::move(snapshot));
}

Status NativeSnapshots::put(model::NativeSnapshot snapshot) {
  const Lock one_at_a_time(recording_);
  {
    const Lock lock(mu_);
    const auto begun = std::find_if(all_.begin(), all_.end(), [&snapshot](const auto& one) {
      return one.spec.persistent_volume_name == snapshot.spec.persistent_volume_name;
    });
    if (begun != all_.end()) {
      *begun = std::move(snapshot);
    } else {
      all_.push_back(std::move(snapshot));
    }
  }
  return record_ ? record_(all()) : Status();
}

std::vector<model::NativeSnapshot> NativeSnapshots::all() const {
  std::vector<model::NativeSnapshot> sorted;
  {
    const Lock lock(mu_);
    sorted = all_;
  }
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.spec.persistent_volume_name < b.spec.persistent_volume_name;
  });
  return sorted;
}

std::unique_ptr<ItemAction> make_native_snapshot_action(const NativeActionTools& tools) {
  return std::make_unique<NativeSnapshotAction>(tools);
}

model::StringMap snapshot_tags(const model::Backup& backup, std::string_view volume) {
  model::StringMap tags = backup.metadata.labels;
  tags["velero.io/backup"] = backup.metadata.name;
  if (!volume.empty()) tags["velero.io/pv"] = volume;
  return tags;
}

}  // namespace lateen::backup
