// Bytes both ways over one connection (TCP or TLS), after HTTP has been left: what WebSocket and
// SPDY run on.
#pragma once

#include <cstddef>
#include <span>
#include <stop_token>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace lateen::net {

// One thread may read while another writes; shutdown() may be called by any. Closed by its
// destructor.
class ByteStream {
 public:
  ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  virtual ~ByteStream() = default;

  // Waits for at least one byte; 0 is the peer's end. DeadlineExceeded and Canceled lose nothing:
  // read again.
  virtual Result<std::size_t> read_some(std::span<char> into,
                                        Deadline deadline,
                                        std::stop_token stop) = 0;

  // All of it. After DeadlineExceeded or Canceled a part may be on its way: the stream is of no
  // more use.
  virtual Status write(BytesView bytes, Deadline deadline, std::stop_token stop) = 0;

  // Ends both directions at once; a thread that waits in them returns.
  virtual void shutdown() = 0;
};

}  // namespace lateen::net
