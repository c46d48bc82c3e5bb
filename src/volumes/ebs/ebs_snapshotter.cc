#include "volumes/ebs/ebs_snapshotter.h"

#include <atomic>

#include <fmt/format.h>

#include "kube/object.h"
#include "volumes/ebs/ebs_volume_id.h"
#include "volumes/ebs/ec2_faults.h"
#include "volumes/ebs/tag_profile.h"
#include "volumes/volume_zone.h"

namespace lateen::volumes::ebs {
namespace {

using net::aws::ServiceFault;

// Types whose IOPS are provisioned: of the others EC2 tells a number that it does not take back.
bool has_iops(std::string_view type) {
  return type == "io1" || type == "io2" || type == "gp3";
}

// Snapshots made by Velero before it had that name.
bool is_of_a_backup(const Tags& tags) {
  return backup_of(tags).has_value() || tags.contains("ark.heptio.com/backup");
}

// What people see in the console, whatever the tags say.
std::string description_of(const Tags& wanted) {
  const auto volume = wanted.find("velero.io/pv");
  return fmt::format("Backup {}, PersistentVolume {}", backup_of(wanted).value_or(""),
                     volume == wanted.end() ? std::string() : volume->second);
}

class EbsSnapshotter final : public VolumeSnapshotter {
 public:
  EbsSnapshotter(EbsConfig config,
                 EbsTools tools,
                 Log log,
                 std::unique_ptr<net::aws::CredentialsProvider> credentials)
      : config_(std::move(config)),
        tools_(std::move(tools)),
        log_(std::move(log)),
        credentials_(std::move(credentials)) {}

  Status connect() {
    api_ = TRY(api_in(config_.region));
    return {};
  }

  Result<std::string> create_volume_from_snapshot(const VolumeRequest& request,
                                                  std::stop_token stop) override {
    bool is_copy = false;
    const Ec2Snapshot snapshot = TRY(snapshot_here(request, is_copy, stop));
    auto volume = volume_from(snapshot, request, stop);
    if (is_copy) drop_copy(snapshot.id);
    if (!volume) {
      return std::move(volume).error().wrap("creating a volume from snapshot {}",
                                            request.snapshot_id);
    }
    return std::move(volume->id);
  }

  Result<StoredVolumeInfo> volume_info(std::string_view volume_id,
                                       std::string_view,
                                       std::stop_token stop) override {
    const Ec2Volume volume =
        TRY(api_->volume(volume_id, stop).wrap("looking at volume {}", volume_id));
    StoredVolumeInfo info{.type = volume.type};
    if (has_iops(volume.type)) info.iops = volume.iops;
    if (volume.type == "gp3") info.throughput = volume.throughput;
    return info;
  }

  Result<std::string> create_snapshot(std::string_view volume_id,
                                      std::string_view,
                                      const model::StringMap& tags,
                                      std::stop_token stop) override {
    CreateSnapshotRequest request{.volume_id = std::string(volume_id),
                                  .description = description_of(tags)};
    Tags of_volume;
    if (config_.tags == TagProfile::Velero) {
      of_volume = TRY(api_->volume(volume_id, stop).wrap("looking at volume {}", volume_id)).tags;
    }
    const Tags all = snapshot_tags(config_.tags, tags, of_volume);
    auto snapshot = with_fewer_tags<Ec2Snapshot>(all, [&](const Tags& some, ServiceFault& fault) {
      request.tags = some;
      return api_->create_snapshot(request, stop, &fault);
    });
    if (!snapshot) {
      return std::move(snapshot).error().wrap("taking a snapshot of volume {}", volume_id);
    }
    return std::move(snapshot->id);
  }

  Result<std::vector<std::string>> find_snapshots(std::string_view volume_id,
                                                  const model::StringMap& tags,
                                                  TimePoint since,
                                                  std::stop_token stop) override {
    std::vector<std::string> ids;
    const std::string description = description_of(tags);
    const auto all = TRY(api_->snapshots_of_volume(volume_id, stop)
                             .wrap("looking for snapshots of volume {}", volume_id));
    for (const Ec2Snapshot& snapshot : all) {
      const bool in_time = snapshot.started && *snapshot.started >= since;
      if (in_time && snapshot.description == description) ids.push_back(snapshot.id);
    }
    return ids;
  }

  // One that is being copied yet is as good as there; one in error holds nothing.
  Result<std::optional<bool>> has_snapshot(std::string_view snapshot_id,
                                           std::stop_token stop) override {
    const auto snapshot = api_->snapshot(snapshot_id, stop);
    if (!snapshot && snapshot.error().is(Code::NotFound)) return std::optional<bool>(false);
    if (!snapshot) return Error(snapshot.error()).wrap("looking for snapshot {}", snapshot_id);
    return std::optional<bool>(snapshot->state != "error");
  }

  Status delete_snapshot(std::string_view snapshot_id, std::stop_token stop) override {
    const auto snapshot = api_->snapshot(snapshot_id, stop);
    if (!snapshot && snapshot.error().is(Code::NotFound)) return {};
    // The record that names it lies in a bucket: somebody who can write there must not be able to
    // have other people's snapshots deleted.
    if (snapshot && !is_of_a_backup(snapshot->tags)) {
      return Error(Code::Forbidden, "snapshot {} carries no {} tag: no backup made it", snapshot_id,
                   kBackupTag)
          .with_hint("If it should go all the same, delete it with `aws ec2 delete-snapshot`.");
    }
    return api_->delete_snapshot(snapshot_id, stop).wrap("deleting snapshot {}", snapshot_id);
  }

  Status delete_volume(std::string_view volume_id, std::stop_token stop) override {
    return api_->delete_volume(volume_id, stop).wrap("deleting volume {}", volume_id);
  }

  Status mark_csi_snapshot(const Json& content,
                           const model::StringMap& tags,
                           std::stop_token stop) override {
    const std::string_view id = string_at(content, "status.snapshotHandle");
    const bool ours = string_at(content, "spec.driver") == kCsiDriver && id.starts_with("snap-");
    if (!ours || config_.tags != TagProfile::Owned) return {};
    const Tags owned = snapshot_tags(config_.tags, tags, {});
    Status marked = with_fewer_tags<void>(owned, [&](const Tags& some, ServiceFault& fault) {
      return api_->create_tags(id, some, stop, &fault);
    });
    if (!marked && marked.error().is(Code::Forbidden)) {
      // A class with tagSpecification_N has the driver tag its snapshots: the role need not then.
      const auto snapshot = api_->snapshot(id, stop);
      if (snapshot && is_of_a_backup(snapshot->tags)) return {};
    }
    return std::move(marked).wrap("tagging snapshot {}", id);
  }

  Result<std::string> volume_id_of(const Json& persistent_volume) override {
    return ebs::volume_id_of(persistent_volume);
  }

  Result<Json> set_volume_id(const Json& persistent_volume, std::string_view volume_id) override {
    Json volume = persistent_volume;
    const std::string from = zone_of(volume);
    if (const std::string to = target_zone(from, config_); to != from) {
      move_to_zone(volume, from, to);
    }
    return with_volume_id(std::move(volume), volume_id);
  }

 private:
  Result<std::unique_ptr<Ec2Api>> api_in(const std::string& region) {
    return Ec2Api::open(
        {.region = region, .environment = tools_.environment, .clock = tools_.clock}, *credentials_,
        rng_);
  }

  // Creates with all tags, and where the policy refuses velero.io/backup-name, without that one: it
  // may allow the keys velero.io/backup and velero.io/restore and no third.
  template <typename T, typename Create>
  Result<T> with_fewer_tags(const Tags& all, Create create) {
    const Tags fewer = without_backup_name(all);
    const bool is_owned = config_.tags == TagProfile::Owned;
    ServiceFault fault;
    if (is_owned && leaves_name_out_) return create(fewer, fault);
    Result<T> created = create(all, fault);
    if (created || !is_owned || !is_unauthorized(fault)) return created;
    ServiceFault second;
    Result<T> again = create(fewer, second);
    if (!again) return created;
    if (!leaves_name_out_.exchange(true)) {
      log_.warning(
          "The policy does not allow the tag velero.io/backup-name: snapshots go without it, and "
          "have the backup's name in their description only");
    }
    return again;
  }

  Result<Ec2Volume> volume_from(const Ec2Snapshot& snapshot,
                                const VolumeRequest& request,
                                std::stop_token stop) {
    CreateVolumeRequest wanted{.snapshot_id = snapshot.id,
                               .az = target_zone(request.az, config_),
                               .type = request.info.type,
                               .encrypted = snapshot.encrypted || !config_.kms_key_id.empty(),
                               .kms_key_id = config_.kms_key_id,
                               .tags = volume_tags(config_.tags, request.tags, snapshot.tags,
                                                   tools_.environment("AWS_CLUSTER_NAME"))};
    if (wanted.az.empty()) {
      return Error(Code::InvalidArgument, "the backup does not say in which zone the volume was")
          .with_hint("Set the snapshot location's config.availabilityZone.");
    }
    // io1 must have it. A zero is what Velero's protocol has for "none".
    if (has_iops(wanted.type) && request.info.iops.value_or(0) > 0) wanted.iops = request.info.iops;
    if (wanted.type == "gp3") wanted.throughput = request.info.throughput;
    const Tags all = volume_tags(config_.tags, request.tags, snapshot.tags,
                                 tools_.environment("AWS_CLUSTER_NAME"));
    return with_fewer_tags<Ec2Volume>(all, [&](const Tags& some, ServiceFault& fault) {
      wanted.tags = some;
      return api_->create_volume(wanted, stop, &fault);
    });
  }

  // The snapshot, completed, in this region. `is_copy`: fetched for this restore only.
  Result<Ec2Snapshot> snapshot_here(const VolumeRequest& request,
                                    bool& is_copy,
                                    std::stop_token stop) {
    auto found = api_->snapshot(request.snapshot_id, stop);
    const std::string from = region_of_zone(request.az);
    const bool elsewhere =
        !found && found.error().is(Code::NotFound) && !from.empty() && from != config_.region;
    if (!elsewhere) {
      const Ec2Snapshot snapshot =
          TRY(std::move(found).wrap("looking at snapshot {}", request.snapshot_id));
      return completed(*api_, snapshot, stop);
    }
    if (!config_.copy_snapshots) {
      return Error(Code::NotFound, "snapshot {} is not in {}: its volume was in {}",
                   request.snapshot_id, config_.region, request.az)
          .with_hint(fmt::format(
              "Set config.copySnapshots=true on the snapshot location to have it copied here, or "
              "restore in {}.",
              from));
    }
    const std::string copy = TRY(copy_from(from, request, stop));
    is_copy = true;
    const auto snapshot = api_->snapshot(copy, stop);
    auto ready = snapshot ? completed(*api_, *snapshot, stop) : snapshot;
    if (!ready) drop_copy(copy);
    return ready;
  }

  Result<std::string> copy_from(const std::string& region,
                                const VolumeRequest& request,
                                std::stop_token stop) {
    const auto source_api = TRY(api_in(region));
    const Ec2Snapshot found =
        TRY(source_api->snapshot(request.snapshot_id, stop)
                .wrap("looking for snapshot {} in {}", request.snapshot_id, region));
    const Ec2Snapshot source = TRY(completed(*source_api, found, stop));
    log_.info("Copying a snapshot from another region", {{"snapshot", source.id},
                                                         {"from", region},
                                                         {"to", config_.region},
                                                         {"sizeGiB", source.size_gib}});
    const Tags tags = config_.tags == TagProfile::Owned
                          ? snapshot_tags(config_.tags, request.tags, {})
                          : volume_tags(config_.tags, {}, source.tags, std::nullopt);
    CopySnapshotRequest copy{.source_region = region,
                             .source_snapshot_id = source.id,
                             .description = source.description,
                             .encrypted = source.encrypted || !config_.kms_key_id.empty(),
                             .kms_key_id = config_.kms_key_id};
    return with_fewer_tags<std::string>(tags,
                                        [&](const Tags& some, ServiceFault& fault) {
                                          copy.tags = some;
                                          return api_->copy_snapshot(copy, stop, &fault);
                                        })
        .wrap("copying snapshot {} from {}", source.id, region);
  }

  // EC2 makes no volume of a snapshot that is still being copied to its storage.
  Result<Ec2Snapshot> completed(Ec2Api& api, Ec2Snapshot snapshot, std::stop_token stop) {
    const Deadline deadline = Deadline::after(tools_.snapshot_timeout);
    while (snapshot.state == "pending") {
      log_.info("Waiting for a snapshot to be completed",
                {{"snapshot", snapshot.id}, {"progress", snapshot.progress}});
      if (deadline.expired()) {
        return Error(Code::DeadlineExceeded, "snapshot {} is not completed yet ({})", snapshot.id,
                     snapshot.progress)
            .with_hint("EBS goes on copying it: restore again when it is completed.");
      }
      if (!sleep_unless_stopped(tools_.poll, stop)) {
        return Error(Code::Canceled, "stopped while snapshot {} was not completed", snapshot.id);
      }
      const std::string id = snapshot.id;
      snapshot = TRY(api.snapshot(id, stop).wrap("looking at snapshot {}", id));
    }
    if (snapshot.state == "error") {
      return Error(Code::Corrupt, "snapshot {} failed in EBS: {}", snapshot.id,
                   snapshot.state_message);
    }
    return snapshot;
  }

  // The new volume does not need it any longer: EBS keeps what a volume still reads from.
  void drop_copy(const std::string& id) {
    const Status dropped = api_->delete_snapshot(id, {});
    if (!dropped) {
      log_.warning("Could not delete the copy of a snapshot, it stays",
                   {{"snapshot", id}, {"error", dropped.error()}});
    }
  }

  const EbsConfig config_;
  const EbsTools tools_;
  const Log log_;
  SystemRng rng_;
  const std::unique_ptr<net::aws::CredentialsProvider> credentials_;
  std::unique_ptr<Ec2Api> api_;
  std::atomic<bool> leaves_name_out_ = false;
};

}  // namespace

Result<std::unique_ptr<VolumeSnapshotter>> open_ebs(const SnapshotterOptions& options,
                                                    EbsTools tools) {
  EbsConfig config = TRY(parse_config(options.config));
  auto credentials = TRY(net::aws::make_credentials({.region = config.region,
                                                     .profile = config.profile,
                                                     .file = options.credential,
                                                     .file_path = config.credentials_file,
                                                     .environment = tools.environment,
                                                     .clock = tools.clock}));
  auto snapshotter = std::make_unique<EbsSnapshotter>(std::move(config), std::move(tools),
                                                      options.log, std::move(credentials));
  TRY(snapshotter->connect());
  return snapshotter;
}

void add_ebs(SnapshotterFactory& factory) {
  factory.add("aws", [](const SnapshotterOptions& options) { return open_ebs(options); });
}

}  // namespace lateen::volumes::ebs
