#include "sandbox/sandbox.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <signal.h>

#include "base/environment.h"
#include "base/process.h"
#include "net/http_client.h"
#include "sandbox/sandbox_files.h"

namespace lateen::sandbox {

namespace {

constexpr auto kPoll = std::chrono::milliseconds(10);
constexpr auto kKillWait = std::chrono::seconds(5);
constexpr ByteCount kLogTail = 2000;

// The lock is free exactly when nobody runs the sandbox, however its process ended.
bool is_locked(const SandboxFiles& files) {
  if (!exists(files.lock())) return false;
  const auto lock = FileLock::try_acquire(files.lock());
  return !lock && lock.error().is(Code::AlreadyExists);
}

// The process of the record, and no other that was given its number since.
bool is_process_of(const SandboxRecord& record) {
  if (record.pid <= 0) return false;
  const auto started = process_start(record.pid);
  return started && *started == record.started;
}

Result<bool> answers_readyz(const SandboxState& state, std::stop_token stop) {
  net::HttpClientOptions options;
  options.tls.ca_pem = TRY(read_file(SandboxFiles(state.dir).ca_certificate(), 64_KiB));
  const auto client = TRY(net::HttpClient::open(std::move(options)));
  net::HttpRequest request;
  request.url = state.endpoint + "/readyz";
  request.deadline = Deadline::after(std::chrono::seconds(5));
  const auto answer = client->send(request, stop);
  return answer && answer->ok();
}

std::string log_tail(const FilePath& path) {
  const auto text = read_file(path);
  if (!text) return {};
  return text->size() > kLogTail ? text->substr(text->size() - kLogTail) : *text;
}

Result<Child> spawn_foreground(const SandboxOptions& options, const SandboxFiles& files) {
  std::error_code problem;
  const FilePath program = std::filesystem::read_symlink("/proc/self/exe", problem);
  if (problem) return Error(Code::Io, "finding our own binary: {}", problem.message());
  const UniqueFd log = TRY(open_for_appending(files.log(), 0600));
  std::vector<std::string> argv = {program.string(), "sandbox", "start",
                                   "--foreground",   "--dir",   files.dir().string()};
  if (options.records_only) argv.emplace_back("--records-only");
  if (!options.faults.empty()) {
    argv.emplace_back("--faults");
    argv.push_back(options.faults.string());
  }
  if (!options.audit_log.empty()) {
    argv.emplace_back("--audit-log");
    argv.push_back(options.audit_log.string());
  }
  if (options.port != 0) {
    argv.emplace_back("--port");
    argv.push_back(std::to_string(options.port));
  }
  return Child::spawn({.argv = std::move(argv),
                       .cwd = files.dir(),
                       .in = Stdio::null(),
                       .out = Stdio::to(log.get()),
                       .err = Stdio::to(log.get()),
                       .new_session = true});
}

}  // namespace

FilePath default_sandbox_dir() {
  const auto state = env("XDG_STATE_HOME");
  const FilePath base =
      state && !state->empty() ? FilePath(*state) : home_dir() / ".local" / "state";
  return base / "lateen" / "sandbox";
}

Result<SandboxState> find_sandbox(const FilePath& dir) {
  const SandboxFiles files(dir);
  SandboxState state{.dir = dir, .kubeconfig = files.kubeconfig(), .log = files.log()};
  state.running = is_locked(files);
  if (!state.running) return state;
  const auto record = files.read_record();
  // Between taking the lock and writing the record there is a moment.
  if (!record || !is_process_of(*record)) return state;
  state.pid = record->pid;
  state.ready = record->ready;
  state.runtime = record->runtime;
  state.endpoint = fmt::format("https://127.0.0.1:{}", record->port);
  return state;
}

Result<SandboxState> start_sandbox(const SandboxOptions& options,
                                   Deadline deadline,
                                   std::stop_token stop) {
  std::error_code problem;
  const FilePath absolute = std::filesystem::absolute(options.dir, problem);
  const SandboxFiles files(problem ? options.dir : absolute);
  TRY(files.create());
  std::optional<Child> child;
  if (!is_locked(files)) {
    child = TRY(spawn_foreground(options, files));
  } else if (!options.faults.empty()) {
    return Error(Code::AlreadyExists, "the sandbox in {} is running already, without these faults",
                 files.dir().string())
        .with_hint("Add them to it with `lateen sandbox fault add --file`.");
  }
  while (true) {
    SandboxState state = TRY(find_sandbox(files.dir()));
    const bool ours = !child || state.pid == child->pid();
    if (state.ready && ours && TRY(answers_readyz(state, stop))) {
      if (child) child->release();
      return state;
    }
    // One that was killed a moment ago holds its lock until the kernel is done with it.
    if (!child && !is_locked(files)) child = TRY(spawn_foreground(options, files));
    if (child && child->poll()) {
      return Error(Code::Unavailable, "the sandbox did not start: {}", log_tail(files.log()));
    }
    if (deadline.expired() || !sleep_unless_stopped(kPoll, stop)) {
      // The child is ended by its destructor.
      return Error(deadline.expired() ? Code::DeadlineExceeded : Code::Canceled,
                   "the sandbox did not become ready: {}", log_tail(files.log()));
    }
  }
}

Result<bool> stop_sandbox(const FilePath& dir, Deadline deadline, std::stop_token stop) {
  const SandboxFiles files(dir);
  if (!is_locked(files)) return false;
  const SandboxRecord record = TRY(files.read_record().wrap("finding the running sandbox"));
  if (!is_process_of(record)) {
    return Error(Code::Conflict, "the sandbox in {} runs, but not as process {} that it named",
                 dir.string(), record.pid)
        .with_hint("It may just be starting: try again.");
  }
  if (kill(record.pid, SIGTERM) != 0)
    return errno_error(errno, fmt::format("stopping process {}", record.pid));
  // Its pods end with the process, a moment after it has let go of the folder.
  const auto is_there = [&] { return is_locked(files) || is_process_of(record); };
  while (is_there()) {
    if (deadline.expired()) break;
    if (!sleep_unless_stopped(kPoll, stop))
      return Error(Code::Canceled, "told not to wait for the sandbox's end");
  }
  if (!is_there()) return true;
  if (is_process_of(record)) kill(record.pid, SIGKILL);
  const Deadline last = Deadline::after(kKillWait);
  while (is_there() && !last.expired())
    sleep_unless_stopped(kPoll, {});
  if (is_there()) return Error(Code::DeadlineExceeded, "process {} does not end", record.pid);
  return true;
}

Status reset_sandbox(const FilePath& dir, Deadline deadline, std::stop_token stop) {
  const SandboxFiles files(dir);
  if (!exists(dir)) return {};
  if (!files.is_sandbox()) {
    return Error(Code::InvalidArgument, "{} is not a sandbox's folder: nothing was removed",
                 dir.string());
  }
  TRY(stop_sandbox(dir, deadline, stop));
  return remove_tree(dir);
}

}  // namespace lateen::sandbox
