#include "sandbox/runtime/probe.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/text.h"
#include "base/wake.h"
#include "sandbox/runtime/exec_session.h"

namespace lateen::sandbox {
namespace {

Duration seconds_at(const Json& probe, std::string_view field, std::int64_t otherwise) {
  return std::chrono::seconds(int_at(probe, field).value_or(otherwise));
}

// A number, or the name of one of the container's ports.
std::optional<std::uint16_t> port_of(const Json& target, const Json& container) {
  if (const auto number = int_at(target, "port")) return static_cast<std::uint16_t>(*number);
  const std::string_view name = string_at(target, "port");
  if (const JsonArray* ports = array_at(container, "ports")) {
    for (const Json& port : *ports) {
      if (string_at(port, "name") == name)
        return static_cast<std::uint16_t>(int_at(port, "containerPort").value_or(0));
    }
  }
  auto number = parse_int(name);
  if (!number) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

ProbeOutcome failed(std::string message) {
  return {.success = false, .message = std::move(message)};
}

ProbeOutcome run_exec_probe(const std::string& program,
                            ProbeJob& job,
                            const Json& exec,
                            std::stop_token stop) {
  job.exec.argv.clear();
  if (const JsonArray* command = array_at(exec, "command")) {
    for (const Json& word : *command)
      job.exec.argv.emplace_back(as_text(&word));
  }
  if (job.exec.argv.empty()) return failed("the probe has no command");
  auto result =
      run_exec(program, std::move(job.exec), Deadline::after(job.timeout), std::move(stop));
  if (!result && result.error().is(Code::DeadlineExceeded)) {
    return failed(
        fmt::format("command timed out after {}s",
                    std::chrono::duration_cast<std::chrono::seconds>(job.timeout).count()));
  }
  if (!result) return failed(result.error().message());
  if (result->exit_code != 0) return failed(std::string(trim(result->output)));
  return {.success = true, .message = {}};
}

ProbeOutcome run_http_probe(net::HttpClient& http,
                            const ProbeJob& job,
                            const Json& get,
                            std::stop_token stop) {
  const auto port = port_of(get, job.container);
  if (!port) return failed(fmt::format("no port {} in the container", string_at(get, "port")));
  const std::string_view host =
      string_at(get, "host").empty() ? std::string_view(job.pod_ip) : string_at(get, "host");
  std::string_view path = string_at(get, "path");
  if (path.starts_with('/')) path.remove_prefix(1);
  net::HttpRequest request;
  request.url = fmt::format("{}://{}:{}/{}", string_at(get, "scheme") == "HTTPS" ? "https" : "http",
                            host, *port, path);
  request.deadline = Deadline::after(job.timeout);
  if (const JsonArray* headers = array_at(get, "httpHeaders")) {
    for (const Json& header : *headers) {
      request.headers.add(std::string(string_at(header, "name")),
                          std::string(string_at(header, "value")));
    }
  }
  auto response = http.send(request, std::move(stop));
  if (!response)
    return failed(fmt::format("Get \"{}\": {}", request.url, response.error().message()));
  if (response->status >= 200 && response->status < 400) return {.success = true, .message = {}};
  return failed(fmt::format("HTTP probe failed with statuscode: {}", response->status));
}

Status connect_to(const std::string& host, std::uint16_t port, Deadline deadline) {
  const UniqueFd socket_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_fd) return errno_error(errno, "making a socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    return Error(Code::InvalidArgument, "{} is not an IPv4 address", host);
  }
  if (connect(socket_fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return Status();
  if (errno != EINPROGRESS) return errno_error(errno, "connecting");
  std::array<pollfd, 1> fds{{{socket_fd.get(), POLLOUT, 0}}};
  if (TRY(poll_until(fds, deadline)) == 0) return Error(Code::DeadlineExceeded, "i/o timeout");
  int problem = 0;
  socklen_t length = sizeof problem;
  if (getsockopt(socket_fd.get(), SOL_SOCKET, SO_ERROR, &problem, &length) != 0) problem = errno;
  if (problem != 0) return errno_error(problem, "connecting");
  return Status();
}

ProbeOutcome run_tcp_probe(const ProbeJob& job, const Json& target) {
  const auto port = port_of(target, job.container);
  if (!port) return failed(fmt::format("no port {} in the container", string_at(target, "port")));
  const std::string host(string_at(target, "host").empty() ? std::string_view(job.pod_ip)
                                                           : string_at(target, "host"));
  auto connected = connect_to(host, *port, Deadline::after(job.timeout));
  if (connected) return {.success = true, .message = {}};
  return failed(fmt::format("dial tcp {}:{}: {}", host, *port, connected.error().message()));
}

}  // namespace

std::string_view to_string(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::Startup:
      return "Startup";
    case ProbeKind::Readiness:
      return "Readiness";
    case ProbeKind::Liveness:
      return "Liveness";
    case ProbeKind::PostStart:
      return "PostStart";
    case ProbeKind::PreStop:
      return "PreStop";
  }
  return "";
}

ProbeTiming timing_of(const Json& probe) {
  const auto threshold = [&](std::string_view field, std::int64_t otherwise) {
    return static_cast<int>(std::max<std::int64_t>(1, int_at(probe, field).value_or(otherwise)));
  };
  return {
      .initial_delay = seconds_at(probe, "initialDelaySeconds", 0),
      .period = std::max<Duration>(std::chrono::seconds(1), seconds_at(probe, "periodSeconds", 10)),
      .timeout =
          std::max<Duration>(std::chrono::seconds(1), seconds_at(probe, "timeoutSeconds", 1)),
      .success_threshold = threshold("successThreshold", 1),
      .failure_threshold = threshold("failureThreshold", 3)};
}

ProbeOutcome run_probe(const std::string& program,
                       net::HttpClient& http,
                       ProbeJob job,
                       std::stop_token stop) {
  // The action outlives the job's move into the exec.
  const Json action = job.action;
  if (const Json* exec = find(action, "exec"))
    return run_exec_probe(program, job, *exec, std::move(stop));
  if (const Json* get = find(action, "httpGet"))
    return run_http_probe(http, job, *get, std::move(stop));
  if (const Json* target = find(action, "tcpSocket")) return run_tcp_probe(job, *target);
  if (const Json* sleep = find(action, "sleep")) {
    (void)sleep_unless_stopped(seconds_at(*sleep, "seconds", 0), std::move(stop));
    return {.success = true, .message = {}};
  }
  return failed("the sandbox does not know this kind of probe");
}

}  // namespace lateen::sandbox
