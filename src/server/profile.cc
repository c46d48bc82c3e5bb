#include "server/profile.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

namespace lateen::server {
namespace {

constexpr ByteCount kMostOfStat = 64_KiB;

struct ThreadSeen {
  std::string id;
  std::string name;
  std::string state;
  double seconds = 0;
};

std::vector<ThreadSeen> threads_now() {
  std::vector<ThreadSeen> threads;
  const auto tasks = list_dir("/proc/self/task");
  if (!tasks) return threads;
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  for (const DirEntry& task : *tasks) {
    const auto stat = read_file(FilePath("/proc/self/task") / task.name / "stat", kMostOfStat);
    if (!stat) continue;  // it has ended
    const std::vector<std::string_view> fields = split(trim(cut_last(*stat, ")").after), ' ');
    if (fields.size() < 13) continue;
    // Fields 14 and 15 of proc(5): user and system time.
    const auto worked = parse_int(fields[11]).value_or(0) + parse_int(fields[12]).value_or(0);
    threads.push_back({.id = task.name,
                       .name = std::string(cut_last(cut(*stat, "(").after, ")").before),
                       .state = std::string(fields[0]),
                       .seconds = static_cast<double>(worked) / ticks});
  }
  return threads;
}

std::string table_of(std::vector<ThreadSeen> threads) {
  std::sort(threads.begin(), threads.end(),
            [](const ThreadSeen& a, const ThreadSeen& b) { return a.seconds > b.seconds; });
  std::string out = fmt::format("{:>8}  {:<16} {:<5} {:>10}\n", "THREAD", "NAME", "STATE", "CPU s");
  for (const ThreadSeen& thread : threads) {
    fmt::format_to(std::back_inserter(out), "{:>8}  {:<16} {:<5} {:>10.2f}\n", thread.id,
                   thread.name, thread.state, thread.seconds);
  }
  return out;
}

}  // namespace

std::string threads_text() {
  return table_of(threads_now());
}

std::string profile_text(Duration time, std::stop_token stop) {
  std::map<std::string, double> before;
  for (const ThreadSeen& thread : threads_now())
    before[thread.id] = thread.seconds;
  (void)sleep_unless_stopped(time, stop);  // what has been seen by then is told
  std::vector<ThreadSeen> threads = threads_now();
  for (ThreadSeen& thread : threads)
    thread.seconds -= before[thread.id];
  return table_of(std::move(threads));
}

std::string memory_text() {
  std::string out;
  if (const auto status = read_file("/proc/self/status", kMostOfStat)) {
    for (const std::string_view line : split(*status, '\n')) {
      if (line.starts_with("Vm") || line.starts_with("Rss") || line.starts_with("Threads")) {
        out += line;
        out += '\n';
      }
    }
  }
#ifdef __GLIBC__
  const struct mallinfo2 heap = ::mallinfo2();
  fmt::format_to(std::back_inserter(out),
                 "\nheap in use: {} KiB\nheap free, kept: {} KiB\nmapped in pieces: {} KiB\n",
                 heap.uordblks / 1024, heap.fordblks / 1024, heap.hblkhd / 1024);
#endif
  return out;
}

}  // namespace lateen::server
