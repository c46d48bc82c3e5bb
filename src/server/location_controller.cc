#include "server/location_controller.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "model/locations.h"
#include "model/spec_validation.h"
#include "server/listing.h"
#include "server/metrics.h"

namespace lateen::server {
namespace {

using model::BackupStorageLocation;
using model::LocationPhase;

class LocationController final : public Controller {
 public:
  explicit LocationController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "backup-storage-location"; }

  Duration period() const override { return std::chrono::seconds(10); }

  void reconcile(std::stop_token stop) override {
    auto locations = list_all<BackupStorageLocation>(context_, stop);
    if (!locations) return;
    keep_one_default(*locations, stop);
    for (const BackupStorageLocation& location : *locations) {
      if (is_due(location)) validate(location, stop);
      if (stop.stop_requested()) return;
    }
  }

 private:
  // Never validated, changed since, or the frequency has passed. Zero: not again.
  bool is_due(const BackupStorageLocation& location) {
    const auto seen = validated_.find(location.metadata.uid);
    const bool changed = seen == validated_.end() || seen->second != location.spec;
    if (changed || !location.status.last_validation_time) return true;
    Duration frequency = context_.config.store_validation_frequency;
    if (location.spec.validation_frequency) {
      if (*location.spec.validation_frequency == Duration::zero()) return false;
      if (*location.spec.validation_frequency > Duration::zero()) {
        frequency = *location.spec.validation_frequency;
      }
    }
    if (frequency <= Duration::zero()) return false;
    return context_.clock.now() >= *location.status.last_validation_time + frequency;
  }

  void validate(const BackupStorageLocation& location, std::stop_token stop) {
    const Status usable = try_to_use(location, stop);
    if (stop.stop_requested()) return;
    const bool available = usable.has_value();
    context_.metrics.location_available(location.metadata.name, available);
    if (!available) {
      context_.log.error(
          "Backup storage location is unavailable",
          {{"backup-storage-location", location.metadata.name}, {"error", usable.error()}});
    }
    auto written = context_.cluster.modify<BackupStorageLocation>(
        location.metadata.name,
        [&](BackupStorageLocation& now) {
          now.status.phase = available ? LocationPhase::Available : LocationPhase::Unavailable;
          now.status.message = available
                                   ? std::string()
                                   : fmt::format("BackupStorageLocation \"{}\" is unavailable: {}",
                                                 now.metadata.name, usable.error().describe());
          now.status.last_validation_time = context_.clock.now();
        },
        stop);
    if (written) {
      validated_[location.metadata.uid] = location.spec;
    } else if (!written.error().is(Code::NotFound) && !stop.stop_requested()) {
      context_.log.error(
          "Could not write the status of a backup storage location",
          {{"backup-storage-location", location.metadata.name}, {"error", written.error()}});
    }
  }

  Status try_to_use(const BackupStorageLocation& location, std::stop_token stop) const {
    const model::StringList errors = model::validate(location.spec);
    if (!errors.empty()) return Error(Code::InvalidArgument, "{}", join(errors, "; "));
    return TRY(open_store(context_, location, stop))->is_valid(stop);
  }

  // Of several defaults the one that was made last stays, as in Velero.
  void keep_one_default(std::vector<BackupStorageLocation>& locations, std::stop_token stop) const {
    const BackupStorageLocation* newest = nullptr;
    for (const BackupStorageLocation& location : locations) {
      if (!location.spec.is_default) continue;
      if (newest == nullptr ||
          location.metadata.creation_timestamp > newest->metadata.creation_timestamp) {
        newest = &location;
      }
    }
    for (BackupStorageLocation& location : locations) {
      if (!location.spec.is_default || &location == newest) continue;
      auto written = context_.cluster.modify<BackupStorageLocation>(
          location.metadata.name, [](BackupStorageLocation& now) { now.spec.is_default = false; },
          stop);
      if (!written) {
        context_.log.error(
            "Could not unset a second default backup storage location",
            {{"backup-storage-location", location.metadata.name}, {"error", written.error()}});
      } else {
        location = std::move(*written);
      }
    }
  }

  const ServerContext context_;
  std::map<std::string, model::BackupStorageLocationSpec>
      validated_;  // by uid; this thread's alone
};

}  // namespace

std::unique_ptr<Controller> make_location_controller(const ServerContext& context) {
  return std::make_unique<LocationController>(context);
}

}  // namespace lateen::server
