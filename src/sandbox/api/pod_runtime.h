// What the API server asks of whoever runs pods: logs and exec. The HTTP front speaks WebSocket and
// SPDY to the client and this to the runtime, which sandbox/runtime implements.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace lateen::sandbox {

struct ContainerRef {
  std::string ns = {};
  std::string pod = {};
  std::string container = {};  // never empty: the API server has chosen the default
};

struct LogOptions {
  bool follow = false;
  bool previous = false;
  bool timestamps = false;  // each line starts with its RFC 3339 nanosecond time and a blank
  std::optional<std::int64_t> tail_lines = {};
  std::optional<std::int64_t> limit_bytes = {};
  std::optional<TimePoint> since = {};
};

// A container's output as text. Not thread-safe.
class LogStream {
 public:
  LogStream() = default;
  LogStream(const LogStream&) = delete;
  LogStream& operator=(const LogStream&) = delete;
  virtual ~LogStream() = default;

  // Some bytes; nothing at the end (never while following a container that runs). DeadlineExceeded
  // when none came in time, Canceled on a stop.
  virtual Result<std::optional<Bytes>> read(Deadline deadline, std::stop_token stop) = 0;
};

struct ExecOptions {
  std::vector<std::string> command = {};
  bool stdin_open = false;
  bool stdout_open = true;
  bool stderr_open = true;
  bool tty = false;  // stderr joins stdout
};

struct ExecOutput {
  enum class Stream { Stdout, Stderr };
  Stream stream;
  Bytes bytes;
};

// A process in a container. read() by one thread, the rest by another: thread-safe to that degree.
// Destroying it kills what still runs.
class ExecSession {
 public:
  ExecSession() = default;
  ExecSession(const ExecSession&) = delete;
  ExecSession& operator=(const ExecSession&) = delete;
  virtual ~ExecSession() = default;

  // Blocks while the process does not read. Bytes after its end are dropped without an error.
  virtual Status write_stdin(BytesView bytes, std::stop_token stop) = 0;
  virtual void close_stdin() = 0;
  virtual void resize(unsigned columns, unsigned rows) = 0;

  // What it printed next; nothing once it has ended and all was read. DeadlineExceeded when none
  // came in time.
  virtual Result<std::optional<ExecOutput>> read(Deadline deadline, std::stop_token stop) = 0;

  // After read() gave nothing: 0–255 (128 + signal for a killed process).
  virtual int exit_code() const = 0;
};

// Thread-safe. Errors: NotFound (no such pod or container here), InvalidArgument (not running),
// Unsupported (pods are records only on this machine), each with a message that can be shown as it
// is.
class PodRuntime {
 public:
  PodRuntime() = default;
  PodRuntime(const PodRuntime&) = delete;
  PodRuntime& operator=(const PodRuntime&) = delete;
  virtual ~PodRuntime() = default;

  virtual Result<std::unique_ptr<LogStream>> logs(const ContainerRef& container,
                                                  const LogOptions& options) = 0;
  virtual Result<std::unique_ptr<ExecSession>> exec(const ContainerRef& container,
                                                    const ExecOptions& options) = 0;
  // The container's main process: its output from now on (and its stdin, where it has one).
  virtual Result<std::unique_ptr<ExecSession>> attach(const ContainerRef& container,
                                                      const ExecOptions& options) = 0;
  // A connection to a port of the pod on loopback (kubectl port-forward): a connected socket's
  // descriptor, owned by the caller.
  virtual Result<int> connect(std::string_view ns, std::string_view pod, std::uint16_t port) = 0;
};

}  // namespace lateen::sandbox
