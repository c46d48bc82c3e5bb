#include "server/process_metrics.h"

#include <iterator>
#include <optional>

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

namespace lateen::server {
namespace {

constexpr ByteCount kMostOfProc = 64_KiB;

void add_metric(std::string& out,
                std::string_view name,
                std::string_view help,
                std::string_view type,
                double value) {
  fmt::format_to(std::back_inserter(out), "# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help,
                 type, value);
}

// The fields of /proc/self/stat after the program's name, which may hold blanks: [0] is the state.
std::vector<std::string_view> stat_fields(std::string_view stat) {
  return split(trim(cut_last(stat, ")").after), ' ');
}

// When this machine started, Unix seconds.
std::optional<double> boot_time() {
  const auto text = read_file("/proc/stat", 4_MiB);
  if (!text) return std::nullopt;
  const auto seconds = parse_int(cut(cut(*text, "\nbtime ").after, "\n").before);
  if (!seconds) return std::nullopt;
  return static_cast<double>(*seconds);
}

void add_stat(std::string& out) {
  const auto text = read_file("/proc/self/stat", kMostOfProc);
  if (!text) return;
  const std::vector<std::string_view> fields = stat_fields(*text);
  // Numbered from the state, which is field 3 of proc(5): user and system time are 14 and 15,
  // threads 20, start 22, virtual size 23, resident pages 24.
  const auto number = [&fields](std::size_t field) {
    const std::size_t at = field - 3;
    return at < fields.size() ? static_cast<double>(parse_int(fields[at]).value_or(0)) : 0.0;
  };
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  add_metric(out, "process_cpu_seconds_total", "User and system CPU time spent, in seconds.",
             "counter", (number(14) + number(15)) / ticks);
  add_metric(out, "process_threads", "Threads of this process.", "gauge", number(20));
  if (const auto boot = boot_time()) {
    add_metric(out, "process_start_time_seconds", "When this process started, Unix seconds.",
               "gauge", *boot + number(22) / ticks);
  }
  add_metric(out, "process_virtual_memory_bytes", "Virtual memory, in bytes.", "gauge", number(23));
  add_metric(out, "process_resident_memory_bytes", "Resident memory, in bytes.", "gauge",
             number(24) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
}

void add_files(std::string& out) {
  const auto open_files = list_dir("/proc/self/fd");
  if (open_files) {
    add_metric(out, "process_open_fds", "Open files.", "gauge",
               static_cast<double>(open_files->size()));
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    add_metric(out, "process_max_fds", "How many files may be open.", "gauge",
               static_cast<double>(limit.rlim_cur));
  }
}

}  // namespace

std::string process_metrics_text() {
  std::string out;
  add_stat(out);
  add_files(out);
  return out;
}

}  // namespace lateen::server
