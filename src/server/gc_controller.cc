#include <algorithm>

#include "base/time.h"
#include "model/backup.h"
#include "model/locations.h"
#include "model/names.h"
#include "model/requests.h"
#include "model/schedule.h"
#include "server/collection_controllers.h"
#include "server/collection_decision.h"
#include "server/listing.h"
#include "server/metrics.h"
#include "server/retention.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::DeleteBackupRequest;

// So far may our clock and the API server's be apart. Beyond it one of them is wrong, and what has
// expired cannot be told.
constexpr Duration kClocksApart = std::chrono::minutes(15);

class GcController final : public Controller {
 public:
  explicit GcController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "gc"; }

  Duration period() const override { return context_.config.garbage_collection_frequency; }

  void reconcile(std::stop_token stop) override {
    auto backups = list_all<Backup>(context_, stop);
    if (!backups) return;
    context_.metrics.backups_present(backups->size());
    context_.metrics.backups_known(*backups);
    const auto schedules = list_all<model::Schedule>(context_, stop);
    if (!schedules) return;
    const std::optional<RetentionView> retained = look_at_retention(*schedules, *backups, stop);
    if (!retained) return;
    const Collectable collectable =
        decide_collection(*schedules, *backups, *retained, context_.clock.now(),
                          context_.config.keep_last_good_backup);
    if (collectable.empty() || !clocks_agree(stop)) return;
    for (const Backup& backup : *backups) {
      const auto why = collectable.find(backup.metadata.name);
      if (why == collectable.end()) continue;
      const Status asked = ask_for_deletion(backup, why->second, stop);
      if (!asked && !stop.stop_requested()) {
        context_.log.error("Could not garbage-collect a backup",
                           {{"backup", backup.metadata.name}, {"error", asked.error()}});
      }
    }
  }

 private:
  // Nothing when it can't be told which backups a retention holds: then none goes in this round.
  std::optional<RetentionView> look_at_retention(const std::vector<model::Schedule>& schedules,
                                                 const std::vector<Backup>& backups,
                                                 std::stop_token stop) {
    const bool any = std::any_of(schedules.begin(), schedules.end(), [](const auto& schedule) {
      return schedule.metadata.annotations.count(model::annotations::kRetention) > 0;
    });
    if (!any) return RetentionView();
    const auto cluster = read_cluster_uid(context_.client(), stop);
    if (!cluster) {
      context_.log.error("Could not apply the retention of Schedules",
                         {{"error", cluster.error()}});
      return std::nullopt;
    }
    return apply_retention(schedules, backups, *cluster);
  }

  // A clock that has jumped ahead would delete backups that have years to go. The API server says
  // what time it is there when it is asked to make something, if only for show.
  bool clocks_agree(std::stop_token stop) const {
    DeleteBackupRequest probe;
    probe.metadata.generate_name = "clock-";
    probe.metadata.ns = context_.cluster.ns();
    probe.spec.backup_name = "clock";
    const auto made = context_.client().create(context_.cluster.path<DeleteBackupRequest>(),
                                               model::to_json(probe), {.dry_run = true}, stop);
    if (!made) return true;  // the deletion itself will say what is wrong
    const auto there = parse_rfc3339(string_at(*made, "metadata.creationTimestamp"));
    if (!there) return true;
    const TimePoint here = context_.clock.now();
    if (std::chrono::abs(here - *there) <= kClocksApart) return true;
    context_.log.error(
        "No backup is collected while this server's clock and the API server's differ",
        {{"here", format_rfc3339(here)}, {"there", format_rfc3339(*there)}});
    return false;
  }

  Status ask_for_deletion(const Backup& backup, std::string_view why, std::stop_token stop) {
    auto location =
        context_.cluster.get<model::BackupStorageLocation>(backup.spec.storage_location, stop);
    if (!location) {
      const bool gone = location.error().is(Code::NotFound);
      TRY(label_failure(backup, gone ? "BSLNotFound" : "BSLCannotGet", stop));
      return std::move(location).error();
    }
    if (location->spec.is_read_only()) return label_failure(backup, "BSLReadOnly", stop);
    if (location->status.phase == model::LocationPhase::Unavailable) return {};
    TRY(label_failure(backup, {}, stop));
    const auto requests = TRY(context_.cluster.list<DeleteBackupRequest>(
        fmt::format("{}={}", model::labels::kBackupName, model::valid_name(backup.metadata.name)),
        stop));
    const bool asked = std::any_of(requests.begin(), requests.end(), [](const auto& request) {
      return request.status.phase != model::RequestPhase::Processed;
    });
    if (asked) return {};
    DeleteBackupRequest request;
    request.metadata.generate_name = backup.metadata.name + "-";
    request.metadata.ns = backup.metadata.ns;
    request.metadata.labels[std::string(model::labels::kBackupName)] =
        model::valid_name(backup.metadata.name);
    request.metadata.labels[std::string(model::labels::kBackupUid)] = backup.metadata.uid;
    request.spec.backup_name = backup.metadata.name;
    TRY(context_.cluster.create(request, stop));
    context_.log.info("Asked for the deletion of a backup",
                      {{"backup", backup.metadata.name}, {"reason", why}});
    return {};
  }

  // Why it is not collected, for people to see on the Backup; "" takes the label off.
  Status label_failure(const Backup& backup, std::string_view why, std::stop_token stop) {
    if (backup.metadata.label(model::labels::kGcFailure) == why) return {};
    TRY(context_.cluster.modify<Backup>(
        backup.metadata.name,
        [why](Backup& now) {
          const std::string key(model::labels::kGcFailure);
          if (why.empty()) {
            now.metadata.labels.erase(key);
          } else {
            now.metadata.labels[key] = why;
          }
        },
        stop));
    return {};
  }

  const ServerContext context_;
};

}  // namespace

std::unique_ptr<Controller> make_gc_controller(const ServerContext& context) {
  return std::make_unique<GcController>(context);
}

}  // namespace lateen::server
