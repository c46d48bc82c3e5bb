#include <algorithm>

#include "model/backup.h"
#include "model/locations.h"
#include "model/names.h"
#include "model/requests.h"
#include "server/collection_controllers.h"
#include "server/listing.h"
#include "server/metrics.h"

namespace lateen::server {
namespace {

using model::Backup;
using model::DeleteBackupRequest;

class GcController final : public Controller {
 public:
  explicit GcController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "gc"; }

  Duration period() const override { return context_.config.garbage_collection_frequency; }

  void reconcile(std::stop_token stop) override {
    auto backups = list_all<Backup>(context_, stop);
    if (!backups) return;
    context_.metrics.backups_present(backups->size());
    for (const Backup& backup : *backups) {
      if (!backup.status.expiration || context_.clock.now() < *backup.status.expiration) continue;
      // One in Deleting too: its deletion may have failed, and is asked for again.
      if (!model::is_terminal(backup.status.phase.value())) continue;
      const Status asked = ask_for_deletion(backup, stop);
      if (!asked && !stop.stop_requested()) {
        context_.log.error("Could not garbage-collect an expired backup",
                           {{"backup", backup.metadata.name}, {"error", asked.error()}});
      }
    }
  }

 private:
  Status ask_for_deletion(const Backup& backup, std::stop_token stop) {
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
    context_.log.info("Backup has expired, asked for its deletion",
                      {{"backup", backup.metadata.name}});
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
