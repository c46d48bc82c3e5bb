#include "sandbox/http/exec_session_server.h"

#include <chrono>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "sandbox/http/exec_spdy.h"
#include "sandbox/http/exec_websocket.h"

namespace lateen::sandbox {

namespace {

constexpr auto kStreamsWait = std::chrono::seconds(30);  // for a client to open its SPDY streams
constexpr auto kReadWait = std::chrono::seconds(5);
constexpr auto kGoodbyeWait = std::chrono::seconds(5);  // for a client to hang up after the end

Json status_of(int exit_code) {
  if (exit_code == 0) return {{"metadata", JsonObject{}}, {"status", "Success"}};
  const std::string message = fmt::format(
      "command terminated with non-zero exit code: command terminated with exit code {}",
      exit_code);
  const Json cause = {{"reason", "ExitCode"}, {"message", std::to_string(exit_code)}};
  return {{"metadata", JsonObject{}},
          {"status", "Failure"},
          {"message", message},
          {"reason", "NonZeroExitCode"},
          {"details", {{"causes", JsonArray{cause}}}}};
}

Json failure(const Error& error) {
  return {{"metadata", JsonObject{}},
          {"status", "Failure"},
          {"message", error.message()},
          {"reason", "InternalError"},
          {"code", 500}};
}

// The client's side: what it sends goes to the process, until it leaves.
void carry_input(ExecPeer& peer, ExecSession& session, std::stop_source& gone) {
  const std::stop_token stop = gone.get_token();
  while (!stop.stop_requested()) {
    const auto input = peer.receive(Deadline::after(kReadWait), stop);
    if (!input) continue;
    switch (input->kind) {
      case ExecInput::Kind::Stdin:
        // A process that does not read any more ends by itself; its output tells.
        (void)session.write_stdin(input->bytes, stop);
        break;
      case ExecInput::Kind::StdinEnd:
        session.close_stdin();
        break;
      case ExecInput::Kind::Resize:
        session.resize(input->columns, input->rows);
        break;
      case ExecInput::Kind::Gone:
        gone.request_stop();
        return;
    }
  }
}

// The process's side: its output goes to the client, then how it ended.
void carry_output(ExecPeer& peer, ExecSession& session, std::stop_token gone) {
  while (!gone.stop_requested()) {
    auto output = session.read(Deadline::after(kReadWait), gone);
    if (!output && output.error().is(Code::DeadlineExceeded)) continue;
    if (!output) {
      // Whether the client still hears it or not: there is nothing more to do here.
      if (!output.error().is(Code::Canceled)) (void)peer.finish(failure(output.error()), gone);
      return;
    }
    if (!*output) {
      (void)peer.finish(status_of(session.exit_code()), gone);  // as above
      return;
    }
    const bool is_stderr = (*output)->stream == ExecOutput::Stream::Stderr;
    if (!peer.send(is_stderr ? ExecChannel::Stderr : ExecChannel::Stdout, (*output)->bytes, gone))
      return;
  }
}

void run_session(ExecPeer& peer, ExecSession& session, std::stop_token server_stop) {
  std::stop_source gone;
  const std::stop_callback end_with_server(server_stop, [&gone] { gone.request_stop(); });
  std::jthread input([&] { carry_input(peer, session, gone); });
  carry_output(peer, session, gone.get_token());
  // Let the client take what is under way and hang up first: some drop what is left when we do.
  sleep_unless_stopped(kGoodbyeWait, gone.get_token());
  gone.request_stop();
  peer.shutdown();
}

std::set<ExecChannel> channels_of(const ExecOptions& options) {
  std::set<ExecChannel> channels = {ExecChannel::Error};
  if (options.stdin_open) channels.insert(ExecChannel::Stdin);
  if (options.stdout_open) channels.insert(ExecChannel::Stdout);
  if (options.stderr_open && !options.tty) channels.insert(ExecChannel::Stderr);
  if (options.tty) channels.insert(ExecChannel::Resize);
  return channels;
}

ApiError from_start(Error error) {
  if (error.is(Code::InvalidArgument)) return bad_request(error.message());
  return error;
}

ApiStatus serve_websocket(net::ServerExchange& exchange,
                          const ExecOptions& options,
                          ExecSession& session) {
  const std::string protocol = choose_channel_protocol(exchange.offered_protocols());
  net::WebSocket* socket = TRY(exchange.accept_websocket(protocol));
  WebSocketPeer peer(*socket);
  const std::stop_token stop = exchange.stop();
  // Empty messages tell the client that the channels are open.
  for (const ExecChannel channel : {ExecChannel::Stdout, ExecChannel::Stderr}) {
    if (channels_of(options).contains(channel) && !peer.send(channel, {}, stop)) return {};
  }
  run_session(peer, session, stop);
  return {};
}

ApiStatus serve_spdy(net::ServerExchange& exchange,
                     const ExecOptions& options,
                     ExecSession& session) {
  const std::string protocol =
      choose_stream_protocol(exchange.request().headers.all("X-Stream-Protocol-Version"));
  net::Headers headers;
  headers.add("Connection", "Upgrade");
  headers.add("Upgrade", "SPDY/3.1");
  headers.add("X-Stream-Protocol-Version", protocol);
  net::ByteStream* stream = TRY(exchange.take_over(headers));
  SpdyPeer peer(*stream);
  const std::stop_token stop = exchange.stop();
  // The answer is out: a client that does not go on has only itself to tell.
  if (!peer.accept_channels(channels_of(options), Deadline::after(kStreamsWait), stop)) return {};
  run_session(peer, session, stop);
  return {};
}

}  // namespace

ApiStatus serve_exec(net::ServerExchange& exchange,
                     const ExecOptions& options,
                     const std::function<Result<std::unique_ptr<ExecSession>>()>& start) {
  const net::ServerRequest& request = exchange.request();
  const bool websocket = exchange.is_websocket_upgrade();
  const bool spdy = equals_ignoring_case(request.headers.get("Upgrade"), "SPDY/3.1");
  if (!websocket && !spdy) return bad_request("Upgrade request required");
  if (websocket && choose_channel_protocol(exchange.offered_protocols()).empty()) {
    return bad_request(
        "unable to upgrade: the sandbox speaks v5.channel.k8s.io and v4.channel.k8s.io");
  }
  if (spdy && choose_stream_protocol(request.headers.all("X-Stream-Protocol-Version")).empty()) {
    return ApiError(
        Error(Code::Forbidden, "unable to upgrade: the sandbox speaks v4.channel.k8s.io"), 403,
        "Forbidden", {});
  }
  auto session = start();
  if (!session) return from_start(std::move(session.error()));
  return websocket ? serve_websocket(exchange, options, **session)
                   : serve_spdy(exchange, options, **session);
}

}  // namespace lateen::sandbox
