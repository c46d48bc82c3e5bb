#include "kube/exec.h"

#include <array>

#include <fmt/format.h>

#include "base/duration.h"
#include "base/text.h"
#include "kube/client.h"
#include "kube/upgrade.h"

namespace lateen::kube {
namespace {

// The first byte of each message says which stream it belongs to.
enum class Stream : char { Stdin = 0, Stdout = 1, Stderr = 2, Status = 3, CloseStream = '\xff' };

constexpr std::string_view kV5 = "v5.channel.k8s.io";
constexpr std::string_view kV4 = "v4.channel.k8s.io";
constexpr std::size_t kStdinChunk = 32 * 1024;
constexpr std::size_t kMaxStatus = 64 * 1024;

ObjectPath pod_path(const ExecRequest& request) {
  return {.gvr = {.group = "", .version = "v1", .resource = "pods"},
          .ns = request.ns,
          .name = request.pod,
          .subresource = {}};
}

Query exec_query(const ExecRequest& request) {
  Query query;
  for (const std::string& word : request.command)
    query.emplace_back("command", word);
  if (!request.container.empty()) query.emplace_back("container", request.container);
  if (!request.stdin_bytes.empty()) query.emplace_back("stdin", "true");
  query.emplace_back("stdout", "true");
  query.emplace_back("stderr", "true");
  return query;
}

bool has_container(const Json& pod, const std::string& name) {
  for (const char* list : {"spec.containers", "spec.initContainers", "spec.ephemeralContainers"}) {
    const JsonArray* containers = array_at(pod, list);
    if (containers == nullptr) continue;
    for (const Json& container : *containers) {
      if (string_at(container, "name") == name) return true;
    }
  }
  return false;
}

// A refused handshake says little. What the pod is says more.
Error explain_refusal(Client& client,
                      const ExecRequest& request,
                      Error error,
                      std::stop_token stop) {
  if (error.is(Code::Forbidden) || error.is(Code::Canceled) || error.is(Code::DeadlineExceeded))
    return error;
  const auto pod = client.get(pod_path(request), {.deadline = request.deadline}, stop);
  if (!pod) return pod.error().is(Code::NotFound) ? Error(pod.error()) : std::move(error);
  if (!request.container.empty() && !has_container(*pod, request.container)) {
    return Error(Code::InvalidArgument, "pod {}/{} has no container \"{}\"", request.ns,
                 request.pod, request.container);
  }
  const std::string_view phase = string_at(*pod, "status.phase");
  if (!phase.empty() && phase != "Running") {
    return std::move(error).wrap("pod {}/{} is {}", request.ns, request.pod, phase);
  }
  return error;
}

// Keeps what comes up to a bound.
struct Capture {
  Bytes bytes;
  bool truncated = false;

  void add(BytesView part, ByteCount max) {
    const std::size_t room = max > bytes.size() ? static_cast<std::size_t>(max - bytes.size()) : 0;
    truncated = truncated || part.size() > room;
    bytes.append(part.substr(0, room));
  }
};

// One open session. Not thread-safe.
class Session {
 public:
  Session(const ExecRequest& request, net::WebSocket& socket, std::stop_token stop)
      : request_(request), socket_(socket), stop_(std::move(stop)) {}

  // A command that stops reading early makes this fail: what it says at its end is then the answer.
  Status send_stdin() {
    BytesView rest = request_.stdin_bytes;
    while (!rest.empty()) {
      Bytes message(1, static_cast<char>(Stream::Stdin));
      message += rest.substr(0, kStdinChunk);
      rest.remove_prefix(std::min(rest.size(), kStdinChunk));
      TRY(socket_.send_binary(message, request_.deadline, stop_));
    }
    const std::array<char, 2> close{static_cast<char>(Stream::CloseStream),
                                    static_cast<char>(Stream::Stdin)};
    return socket_.send_binary(BytesView(close.data(), close.size()), request_.deadline, stop_);
  }

  Result<ExecOutcome> receive() {
    while (true) {
      auto message = socket_.receive(request_.deadline, stop_);
      if (!message || message->kind == net::WebSocketMessage::Kind::Close) {
        if (!status_.empty()) return finish();
        if (!message) return std::move(message).error();
        return Error(Code::Unavailable, "the connection was closed before the command ended: {}",
                     message->data);
      }
      if (!message->data.empty()) take(message->data);
    }
  }

 private:
  void take(BytesView data) {
    const BytesView payload = data.substr(1);
    switch (static_cast<Stream>(data.front())) {
      case Stream::Stdout:
        out_.add(payload, request_.max_output);
        break;
      case Stream::Stderr:
        err_.add(payload, request_.max_output);
        break;
      case Stream::Status:
        if (status_.size() < kMaxStatus) status_ += payload;
        break;
      case Stream::Stdin:
      case Stream::CloseStream:
        break;
    }
  }

  Result<ExecOutcome> finish() {
    const Json status = TRY(parse_json(status_).wrap("reading how the command ended"));
    ExecOutcome outcome;
    outcome.exit_code = TRY(exit_code_of_status(status));
    outcome.out = std::move(out_.bytes);
    outcome.err = std::move(err_.bytes);
    outcome.out_truncated = out_.truncated;
    outcome.err_truncated = err_.truncated;
    return outcome;
  }

  const ExecRequest& request_;
  net::WebSocket& socket_;
  const std::stop_token stop_;
  Capture out_;
  Capture err_;
  Bytes status_;
};

Result<std::unique_ptr<net::WebSocket>> connect(Client& client,
                                                const ExecRequest& request,
                                                const std::stop_token& stop) {
  const std::string path = pod_path(request).sub("exec").url_path();
  return open_websocket(client, path, exec_query(request), {std::string(kV5), std::string(kV4)},
                        request.deadline, stop);
}

Result<ExecOutcome> run(Client& client, const ExecRequest& request, std::stop_token stop) {
  auto socket = connect(client, request, stop);
  if (!socket) return explain_refusal(client, request, std::move(socket).error(), stop);
  if (!request.stdin_bytes.empty() && (*socket)->protocol() != kV5) {
    return Error(Code::Unsupported,
                 "the API server is too old to end a command's input over WebSocket")
        .with_hint("Kubernetes 1.30 and newer can. Pass the input another way.");
  }
  Session session(request, **socket, stop);
  const Status sent = request.stdin_bytes.empty() ? Status() : session.send_stdin();
  if (!sent && (sent.error().is(Code::Canceled) || sent.error().is(Code::DeadlineExceeded)))
    return sent.error();
  return session.receive();
}

}  // namespace

Result<int> exit_code_of_status(const Json& status) {
  if (string_at(status, "status") == "Success") return 0;
  if (const JsonArray* causes = array_at(status, "details.causes")) {
    for (const Json& cause : *causes) {
      if (string_at(cause, "reason") != "ExitCode") continue;
      if (const auto code = parse_int(string_at(cause, "message"))) return static_cast<int>(*code);
    }
  }
  ApiStatus failure = parse_status(status);
  if (failure.code == 0) failure.code = 500;
  return to_error(failure);
}

Result<ExecOutcome> exec_in_pod(Client& client, const ExecRequest& request, std::stop_token stop) {
  if (request.command.empty()) return Error(Code::InvalidArgument, "no command to run is given");
  const auto allowed = std::chrono::round<std::chrono::milliseconds>(request.deadline.remaining());
  auto ran = run(client, request, stop);
  // Whichever read or write the deadline fell on, to a person it is the command that took too long.
  if (!ran && ran.error().is(Code::DeadlineExceeded)) {
    ran = Error(Code::DeadlineExceeded, "timed out after {}", format_go_duration(allowed));
  }
  return std::move(ran).wrap("running {} in pod {}/{}", quote_go(request.command.front()),
                             request.ns, request.pod);
}

}  // namespace lateen::kube
