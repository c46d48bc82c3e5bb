// A line that tells how far things are, while they go on: on a terminal, or as JSON. Never to a
// file or a pipe.
#pragma once

#include <chrono>
#include <string>
#include <thread>

#include "cli/repo/printer.h"
#include "repository/engine/progress.h"

namespace lateen::cli::repo {

// What is being done: the words of the line.
enum class Activity { Backup, Restore, Check };

// What is known at one moment. Pure from here on.
struct ProgressMoment {
  Duration elapsed = {};
  bool total_known = false;
  std::uint64_t total_files = 0;
  ByteCount total_bytes = 0;
  std::uint64_t done_files = 0;
  ByteCount done_bytes = 0;
  std::uint64_t errors = 0;
};

// "[0:05] 31.25%  12 files 3.1 MiB, total 40 files 9.9 MiB, 0 errors ETA 0:11". No percentage and
// no time left before the total is known.
std::string progress_line(const ProgressMoment& moment);
JsonObject progress_json(const ProgressMoment& moment, Activity activity);

// Shows while it lives. The console belongs to it as long. Not thread-safe.
class ProgressDisplay {
 public:
  ProgressDisplay(const Printer& printer, Activity activity, const repository::Progress& progress);
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;
  ~ProgressDisplay();

 private:
  void show(const std::stop_token& stop);

  const Printer& printer_;
  const Activity activity_;
  const repository::Progress& progress_;
  const std::chrono::steady_clock::time_point start_;
  std::jthread shower_;  // last: it uses all of the above
};

}  // namespace lateen::cli::repo
