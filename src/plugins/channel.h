// Calls to a plugin's gRPC server, by name and with messages as bytes: gRPC itself is seen in
// channel.cc alone. rpc.h puts types on it.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "plugins/handshake.h"

namespace lateen::plugins {

// One streaming call. Destroyed before its end it is cancelled, and the plugin sees that. Not
// thread-safe.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  // Waits while the plugin does not take it. After an error the call is over.
  virtual Status write(BytesView message) = 0;
  // Says that no more will be written.
  virtual Status end_writes() = 0;
  // The next message; nothing at the end of a call that went well.
  virtual Result<std::optional<Bytes>> read() = 0;
};

// A connection, made at the first call. Errors read as Velero's do ("rpc error: code = Unknown desc
// = …"); where the plugin says where an error was born, that is the hint. Unavailable: the plugin
// has gone, or went during the call. Thread-safe.
class Channel {
 public:
  explicit Channel(const Handshake& handshake);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel();

  // `method` is "/package.Service/Method". With a deadline that has passed the plugin is not asked.
  Result<Bytes> call(std::string_view method,
                     BytesView request,
                     Deadline deadline,
                     std::stop_token stop) const;

  // `patience` is how long one message may take, either way.
  Result<std::unique_ptr<Stream>> open(std::string_view method,
                                       Duration patience,
                                       std::stop_token stop) const;

 private:
  struct Rep;
  const std::unique_ptr<Rep> rep_;
};

}  // namespace lateen::plugins
