// The client's end of an exec: what WebSocket and SPDY have in common.
#pragma once

#include <stop_token>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace lateen::sandbox {

// The numbers that channel.k8s.io gives them.
enum class ExecChannel : unsigned char { Stdin = 0, Stdout = 1, Stderr = 2, Error = 3, Resize = 4 };

struct ExecInput {
  enum class Kind { Stdin, StdinEnd, Resize, Gone };
  Kind kind = Kind::Gone;
  Bytes bytes = {};  // of Stdin
  unsigned columns = 0;
  unsigned rows = 0;
};

// One thread may receive while another sends.
class ExecPeer {
 public:
  ExecPeer() = default;
  ExecPeer(const ExecPeer&) = delete;
  ExecPeer& operator=(const ExecPeer&) = delete;
  virtual ~ExecPeer() = default;

  virtual Status send(ExecChannel channel, BytesView bytes, std::stop_token stop) = 0;
  // The status goes out, then the end. receive() goes on until Gone.
  virtual Status finish(const Json& status, std::stop_token stop) = 0;
  // Gone when the client has left or breaks the protocol. Nothing at the deadline.
  virtual std::optional<ExecInput> receive(Deadline deadline, std::stop_token stop) = 0;
  // Ends the connection: a thread in receive() returns.
  virtual void shutdown() = 0;
};

// {"width":80,"Height":24}: what comes on the resize channel. Gone is never answered; zeros when it
// is malformed.
ExecInput parse_resize(BytesView text);

}  // namespace lateen::sandbox
