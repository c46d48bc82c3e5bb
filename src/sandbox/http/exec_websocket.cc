#include "sandbox/http/exec_websocket.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace lateen::sandbox {

namespace {

constexpr auto kSocketSendWait = std::chrono::seconds(60);

// v5 only: the next byte names the channel that the client has closed.
constexpr unsigned char kCloseChannel = 255;

}  // namespace

ExecInput parse_resize(BytesView text) {
  ExecInput input{.kind = ExecInput::Kind::Resize};
  const auto size = parse_json(text);
  if (!size) return input;
  const auto number = [&size](std::string_view name) {
    return static_cast<unsigned>(
        std::clamp<std::int64_t>(int_at(*size, name).value_or(0), 0, 65535));
  };
  // Go writes the struct's own names: {"Width":80,"Height":24}.
  input.columns = number("Width");
  input.rows = number("Height");
  return input;
}

std::string choose_channel_protocol(const std::vector<std::string>& offered) {
  for (const std::string_view ours : {"v5.channel.k8s.io", "v4.channel.k8s.io"}) {
    if (std::ranges::find(offered, ours) != offered.end()) return std::string(ours);
  }
  return {};
}

Status WebSocketPeer::send(ExecChannel channel, BytesView bytes, std::stop_token stop) {
  Bytes message(1, static_cast<char>(channel));
  message.append(bytes);
  return socket_.send_binary(message, Deadline::after(kSocketSendWait), stop);
}

Status WebSocketPeer::finish(const Json& status, std::stop_token stop) {
  TRY(send(ExecChannel::Error, write_json_unsorted(status), stop));
  return socket_.close(net::kCloseNormal, "", Deadline::after(kSocketSendWait), stop);
}

std::optional<ExecInput> WebSocketPeer::receive(Deadline deadline, std::stop_token stop) {
  auto message = socket_.receive(deadline, stop);
  if (!message) {
    if (message.error().is(Code::DeadlineExceeded)) return std::nullopt;
    return ExecInput{.kind = ExecInput::Kind::Gone};
  }
  if (message->kind == net::WebSocketMessage::Kind::Close)
    return ExecInput{.kind = ExecInput::Kind::Gone};
  if (message->data.empty()) return std::nullopt;
  const auto channel = static_cast<unsigned char>(message->data[0]);
  const BytesView rest = BytesView(message->data).substr(1);
  if (channel == static_cast<unsigned char>(ExecChannel::Stdin)) {
    return ExecInput{.kind = ExecInput::Kind::Stdin, .bytes = Bytes(rest)};
  }
  if (channel == static_cast<unsigned char>(ExecChannel::Resize)) return parse_resize(rest);
  if (channel == kCloseChannel && !rest.empty() &&
      rest[0] == static_cast<char>(ExecChannel::Stdin)) {
    return ExecInput{.kind = ExecInput::Kind::StdinEnd};
  }
  return std::nullopt;
}

}  // namespace lateen::sandbox
