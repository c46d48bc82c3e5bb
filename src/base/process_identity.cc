#include "base/process_identity.h"

#include <array>
#include <filesystem>

#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

namespace lateen {
namespace {

constexpr std::size_t kMachineDigits = 12;

// Differs after each boot, and between containers, which count processes of their own.
Result<std::string> machine() {
  const Bytes boot = TRY(read_file("/proc/sys/kernel/random/boot_id", 4_KiB));
  std::error_code problem;
  const FilePath processes = std::filesystem::read_symlink("/proc/self/ns/pid", problem);
  if (problem) return errno_error(problem.value(), "reading /proc/self/ns/pid");
  return sha256_hex(Bytes(trim(boot)) + processes.string()).substr(0, kMachineDigits);
}

std::string host_name() {
  std::array<char, 256> name = {};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

}  // namespace

Result<std::uint64_t> process_start(pid_t pid) {
  const Bytes stat = TRY(read_file(fmt::format("/proc/{}/stat", pid), 64_KiB));
  // The second field, the program's name in parentheses, may hold anything; the 22nd is the start.
  const Cut after_name = cut_last(stat, ") ");
  const auto fields = split(after_name.after, ' ');
  if (!after_name.found || fields.size() < 20)
    return Error(Code::Internal, "/proc/{}/stat is odd", pid);
  if (fields[0] == "Z" || fields[0] == "X")
    return Error(Code::NotFound, "process {} has ended", pid);
  return static_cast<std::uint64_t>(TRY(parse_int(fields[19])));
}

Result<std::string> process_identity() {
  const std::string where = TRY(machine());
  const std::uint64_t start = TRY(process_start(::getpid()));
  return fmt::format("{}_{}_{}_{}", host_name(), where, ::getpid(), start);
}

bool is_known_dead(std::string_view identity) {
  // From the end: a host's name may hold anything.
  const Cut start_part = cut_last(identity, "_");
  const Cut pid_part = cut_last(start_part.before, "_");
  const auto here = machine();
  if (!here || cut_last(pid_part.before, "_").after != *here) return false;
  const auto pid = parse_int(pid_part.after);
  const auto start = parse_int(start_part.after);
  if (!pid || !start || *pid <= 0) return false;
  const auto now = process_start(static_cast<pid_t>(*pid));
  if (!now) return now.error().is(Code::NotFound);
  return *now != static_cast<std::uint64_t>(*start);
}

}  // namespace lateen
