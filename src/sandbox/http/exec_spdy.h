// exec over SPDY/3.1 with v4.channel.k8s.io: the client opens a stream for each of error, stdin,
// stdout, stderr, resize.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/thread.h"
#include "net/byte_stream.h"
#include "sandbox/http/exec_peer.h"
#include "sandbox/http/spdy_frames.h"

namespace lateen::sandbox {

class SpdyPeer final : public ExecPeer {
 public:
  explicit SpdyPeer(net::ByteStream& stream);

  // Answers the client's streams until it has opened all of these channels.
  Status accept_channels(const std::set<ExecChannel>& wanted,
                         Deadline deadline,
                         std::stop_token stop);

  Status send(ExecChannel channel, BytesView bytes, std::stop_token stop) override;
  Status finish(const Json& status, std::stop_token stop) override;
  std::optional<ExecInput> receive(Deadline deadline, std::stop_token stop) override;

  void shutdown() override { stream_.shutdown(); }

 private:
  // Ok with nothing at the deadline.
  Result<std::optional<SpdyFrame>> read_frame(Deadline deadline, std::stop_token stop);
  Status write(BytesView bytes, std::stop_token stop);
  Result<std::optional<ExecInput>> take(const SpdyFrame& frame, std::stop_token stop);
  Status open_channel(const SpdyFrame& frame, std::stop_token stop);
  std::optional<ExecInput> take_data(const SpdyFrame& frame);

  net::ByteStream& stream_;
  DictionaryInflater inflater_;  // the receiving thread's
  Bytes input_;                  // the receiving thread's: what was read but is no whole frame yet
  Bytes resize_;                 // the receiving thread's: sizes come as a stream of JSON documents

  Mutex mu_;
  Condition turn_;
  bool writing_ LATEEN_GUARDED_BY(mu_) = false;  // frames never mix, and compress in order
  DictionaryDeflater deflater_;                  // of whoever is writing
  std::map<ExecChannel, std::uint32_t> channels_ LATEEN_GUARDED_BY(mu_);
};

// The best of the X-Stream-Protocol-Version headers that we speak; "" for none.
std::string choose_stream_protocol(const std::vector<std::string_view>& offered);

}  // namespace lateen::sandbox
