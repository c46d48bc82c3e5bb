#include "cli/wait_progress.h"

#include <algorithm>

#include "cli/repo/printer.h"
#include "model/data_movement.h"
#include "model/names.h"
#include "model/pod_volumes.h"

namespace lateen::cli {
namespace {

constexpr Duration kEtaAfter = std::chrono::seconds(3);  // before, the speed says nothing

template <typename T>
void add_volumes(const Session& session,
                 const std::string& selector,
                 WaitMoment& moment,
                 std::stop_token stop) {
  const auto volumes = session.cluster.list<T>(selector, stop);
  if (!volumes) return;  // a line of progress is not worth an error
  for (const T& volume : *volumes) {
    ++moment.volumes_total;
    if (volume.status.completion_timestamp) ++moment.volumes_done;
    moment.bytes_done += volume.status.progress.bytes_done;
    moment.bytes_total += volume.status.progress.total_bytes;
  }
}

double share_done(std::int64_t done, std::int64_t total) {
  return total <= 0 ? 0.0 : static_cast<double>(done) / static_cast<double>(total);
}

// What is slower decides: bytes of volumes where there are any.
std::string eta_text(const WaitMoment& moment) {
  const double items = share_done(moment.items_done, moment.items_total);
  const double share = moment.bytes_total > 0
                           ? std::min(items, share_done(moment.bytes_done, moment.bytes_total))
                           : items;
  if (moment.elapsed < kEtaAfter || share <= 0 || share >= 1) return {};
  const double left = std::chrono::duration<double>(moment.elapsed).count() * (1 - share) / share;
  return "  ETA " + repo::format_seconds(static_cast<std::uint64_t>(left));
}

std::string volumes_text(const WaitMoment& moment) {
  if (moment.volumes_total == 0) return {};
  std::string text = fmt::format("  {} of {} volumes", moment.volumes_done, moment.volumes_total);
  if (moment.bytes_total == 0) return text;
  return text + fmt::format(", {} of {}",
                            repo::format_bytes(static_cast<ByteCount>(moment.bytes_done)),
                            repo::format_bytes(static_cast<ByteCount>(moment.bytes_total)));
}

}  // namespace

std::string wait_line(const WaitMoment& moment) {
  std::string line = fmt::format("{} {}", moment.phase.empty() ? "New" : moment.phase,
                                 repo::format_seconds(moment.elapsed));
  if (moment.items_total > 0)
    line += fmt::format("  {} of {} items", moment.items_done, moment.items_total);
  return line + volumes_text(moment) + eta_text(moment);
}

WaitMoment wait_moment(const Session& session, const model::Backup& backup, std::stop_token stop) {
  WaitMoment moment{.phase = std::string(backup.status.phase.text())};
  if (backup.status.progress) {
    moment.items_done = backup.status.progress->items_backed_up;
    moment.items_total = backup.status.progress->total_items;
  }
  const std::string selector =
      fmt::format("{}={}", model::labels::kBackupName, model::valid_name(backup.metadata.name));
  add_volumes<model::PodVolumeBackup>(session, selector, moment, stop);
  add_volumes<model::DataUpload>(session, selector, moment, stop);
  return moment;
}

WaitMoment wait_moment(const Session& session,
                       const model::Restore& restore,
                       std::stop_token stop) {
  WaitMoment moment{.phase = std::string(restore.status.phase.text())};
  if (restore.status.progress) {
    moment.items_done = restore.status.progress->items_restored;
    moment.items_total = restore.status.progress->total_items;
  }
  const std::string selector =
      fmt::format("{}={}", model::labels::kRestoreName, model::valid_name(restore.metadata.name));
  add_volumes<model::PodVolumeRestore>(session, selector, moment, stop);
  add_volumes<model::DataDownload>(session, selector, moment, stop);
  return moment;
}

}  // namespace lateen::cli
