#include "server/restore_controller.h"

#include "model/backup.h"
#include "model/names.h"
#include "model/restore.h"
#include "server/listing.h"
#include "server/metrics.h"
#include "server/restore_runner.h"

namespace lateen::server {
namespace {

using model::Restore;
using model::RestorePhase;

class RestoreController final : public Controller {
 public:
  explicit RestoreController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "restore"; }

  Duration period() const override { return std::chrono::minutes(1); }

  void reconcile(std::stop_token stop) override {
    auto restores = list_all<Restore>(context_, stop);
    if (!restores) return;
    context_.metrics.restores_present(restores->size());
    sort_by_age(*restores);
    for (const Restore& restore : *restores) {
      if (stop.stop_requested()) return;
      const Status done = look_at(restore, stop);
      if (done || stop.stop_requested() || was_overtaken(done.error())) continue;
      context_.log.error("Could not process a Restore",
                         {{"restore", restore.metadata.name}, {"error", done.error()}});
    }
  }

 private:
  Status look_at(const Restore& restore, std::stop_token stop) {
    if (restore.metadata.deletion_timestamp) return clean_up(restore, stop);
    if (!model::is_new(restore.status.phase.value())) return {};
    const Restore prepared = TRY(prepare_restore(restore, context_, stop));
    const Restore started = TRY(context_.cluster.update(restore, prepared, stop));
    const std::string schedule = started.spec.schedule_name;
    if (started.status.phase != RestorePhase::InProgress) {
      context_.metrics.restore_ended(started, schedule);
      return {};
    }
    context_.metrics.restore_started(started, schedule);
    const Restore done = TRY(run_restore_to_end(
        started, context_, [&](const Restore& now) { write_status(now, stop); }, stop));
    write_status(done, stop);
    context_.metrics.restore_ended(done, schedule);
    return {};
  }

  void write_status(const Restore& done, std::stop_token stop) {
    auto written = context_.cluster.modify<Restore>(
        done.metadata.name, [&done](Restore& now) { now.status = done.status; }, stop);
    if (written || written.error().is(Code::NotFound) || stop.stop_requested()) return;
    context_.log.error("Could not write a Restore's status",
                       {{"restore", done.metadata.name}, {"error", written.error()}});
  }

  Status clean_up(const Restore& restore, std::stop_token stop) {
    if (!restore.metadata.has_finalizer(model::finalizers::kRestoreResources)) return {};
    const Status files = remove_files(restore, stop);
    if (!files) return files;
    TRY(context_.cluster.modify<Restore>(
        restore.metadata.name,
        [](Restore& now) { now.metadata.remove_finalizer(model::finalizers::kRestoreResources); },
        stop));
    return {};
  }

  // With the backup or its location gone there is nowhere to look: the files went with them, or
  // nobody can.
  Status remove_files(const Restore& restore, std::stop_token stop) {
    auto backup = context_.cluster.get<model::Backup>(restore.spec.backup_name, stop);
    if (!backup) return backup.error().is(Code::NotFound) ? Status() : Status(backup.error());
    auto store = open_store(context_, backup->spec.storage_location, stop);
    if (!store) return store.error().is(Code::NotFound) ? Status() : Status(store.error());
    return (*store)->delete_restore(restore.metadata.name, stop);
  }

  const ServerContext context_;
};

}  // namespace

std::unique_ptr<Controller> make_restore_controller(const ServerContext& context) {
  return std::make_unique<RestoreController>(context);
}

}  // namespace lateen::server
