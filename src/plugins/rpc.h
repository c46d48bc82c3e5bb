// Typed calls: protobuf messages over a Channel. Only this room's .cc files include it; it names no
// message itself.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <string_view>

#include "plugins/channel.h"
#include "plugins/host.h"

namespace lateen::plugins {

// gRPC servers of plugins refuse requests above 4 MiB; that cannot be told to be more.
inline constexpr ByteCount kMaxRequest = 4_MiB;

template <typename Message>
Result<Message> parse_message(BytesView bytes, std::string_view method) {
  Message message;
  if (bytes.size() > static_cast<std::size_t>(INT32_MAX) ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Error(Code::Corrupt, "the plugin's answer to {} is not the message it should be",
                 method);
  }
  return message;
}

template <typename Response, typename Request>
Result<Response> call(const Channel& channel,
                      std::string_view method,
                      const Request& request,
                      Deadline deadline,
                      const std::stop_token& stop) {
  Bytes bytes;
  if (!request.SerializeToString(&bytes)) {
    // A text that is no UTF-8, which protobuf does not take.
    return Error(Code::InvalidArgument, "the request {} cannot be written", method);
  }
  if (bytes.size() > kMaxRequest) {
    return Error(Code::InvalidArgument,
                 "the object is too large for a plugin: {} would be {} bytes, and plugins take {}",
                 method, bytes.size(), kMaxRequest);
  }
  const Bytes answer = TRY(channel.call(method, bytes, deadline, stop));
  return parse_message<Response>(answer, method);
}

// The same to a program that may have to be started first.
template <typename Response, typename Request>
Result<Response> call(PluginBinary& binary,
                      std::string_view method,
                      const Request& request,
                      Duration patience,
                      const std::stop_token& stop) {
  const Connection connection = TRY(binary.connect(stop));
  auto answer =
      call<Response>(connection.channel(), method, request, Deadline::after(patience), stop);
  if (!answer) return binary.explain(std::move(answer).error(), connection);
  return answer;
}

// Tells a plugin the configuration of its location, by the method Init of its service.
template <typename InitRequest, typename Empty>
Status initialise(const Channel& channel,
                  std::string_view method,
                  const std::string& plugin,
                  const std::map<std::string, std::string, std::less<>>& config,
                  Deadline deadline,
                  const std::stop_token& stop) {
  InitRequest request;
  request.set_plugin(plugin);
  for (const auto& [key, value] : config)
    (*request.mutable_config())[key] = value;
  TRY(call<Empty>(channel, method, request, deadline, stop));
  return {};
}

}  // namespace lateen::plugins
