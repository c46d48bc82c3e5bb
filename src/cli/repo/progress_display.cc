#include "cli/repo/progress_display.h"

#include <algorithm>

#include "base/environment.h"
#include "base/text.h"

namespace lateen::cli::repo {
namespace {

constexpr std::string_view kClearLine = "\r\x1b[2K";
constexpr Duration kTerminalInterval = std::chrono::milliseconds(200);
constexpr Duration kJsonInterval = std::chrono::seconds(1);

// $RESTIC_PROGRESS_FPS, up to 60.
Duration interval_of(bool json) {
  const auto frames = parse_int(env("RESTIC_PROGRESS_FPS").value_or(""));
  if (frames && *frames > 0) return std::chrono::seconds(1) / std::min<std::int64_t>(*frames, 60);
  return json ? kJsonInterval : kTerminalInterval;
}

double share_done(const ProgressMoment& moment) {
  if (moment.total_bytes == 0) return 0;
  return std::min(1.0,
                  static_cast<double>(moment.done_bytes) / static_cast<double>(moment.total_bytes));
}

// Seconds left at the speed so far; 0 if that can't be said.
std::uint64_t seconds_left(const ProgressMoment& moment) {
  const double share = share_done(moment);
  if (!moment.total_known || share <= 0 || share >= 1) return 0;
  const double elapsed = std::chrono::duration<double>(moment.elapsed).count();
  return static_cast<std::uint64_t>(elapsed * (1 - share) / share);
}

}  // namespace

std::string progress_line(const ProgressMoment& moment) {
  if (!moment.total_known) {
    return fmt::format("[{}] {} files, {}, {} errors", format_seconds(moment.elapsed),
                       moment.done_files, format_bytes(moment.done_bytes), moment.errors);
  }
  std::string percent;
  std::string eta;
  const std::uint64_t left = seconds_left(moment);
  if (moment.total_bytes > 0) percent = fmt::format("{:.2f}%  ", 100 * share_done(moment));
  if (left > 0) eta = " ETA " + format_seconds(left);
  return fmt::format("[{}] {}{} files {}, total {} files {}, {} errors{}",
                     format_seconds(moment.elapsed), percent, moment.done_files,
                     format_bytes(moment.done_bytes), moment.total_files,
                     format_bytes(moment.total_bytes), moment.errors, eta);
}

JsonObject progress_json(const ProgressMoment& moment, Activity activity) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(moment.elapsed).count();
  const bool restore = activity == Activity::Restore;
  JsonObject json = {
      {"message_type", "status"},
      {"seconds_elapsed", static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0))},
      {"percent_done", moment.total_known ? share_done(moment) : 0.0}};
  if (const std::uint64_t left = seconds_left(moment); left > 0) json["seconds_remaining"] = left;
  json["total_files"] = moment.total_files;
  json[restore ? "files_restored" : "files_done"] = moment.done_files;
  json["total_bytes"] = moment.total_bytes;
  json[restore ? "bytes_restored" : "bytes_done"] = moment.done_bytes;
  if (moment.errors > 0) json["error_count"] = moment.errors;
  return json;
}

ProgressDisplay::ProgressDisplay(const Printer& printer,
                                 Activity activity,
                                 const repository::Progress& progress)
    : printer_(printer), activity_(activity), progress_(progress), start_(monotonic_now()) {
  const bool wanted =
      printer.verbosity() >= 1 && (printer.json() || printer.console().is_terminal());
  if (wanted) shower_ = std::jthread([this](const std::stop_token& stop) { show(stop); });
}

ProgressDisplay::~ProgressDisplay() {
  if (!shower_.joinable()) return;
  shower_.request_stop();
  shower_.join();
  if (!printer_.json()) printer_.console().out(kClearLine);
}

void ProgressDisplay::show(const std::stop_token& stop) {
  const Duration interval = interval_of(printer_.json());
  while (sleep_unless_stopped(interval, stop)) {
    const ProgressMoment moment{.elapsed = monotonic_now() - start_,
                                .total_known = progress_.total_known,
                                .total_files = progress_.total_files,
                                .total_bytes = progress_.total_bytes,
                                .done_files = progress_.done_files,
                                .done_bytes = progress_.done_bytes,
                                .errors = progress_.problems.count()};
    if (printer_.json()) {
      printer_.document(progress_json(moment, activity_));
    } else {
      printer_.console().out(std::string(kClearLine) + progress_line(moment));
    }
  }
}

}  // namespace lateen::cli::repo
