// The server's end of a connection: a socket, with TLS or without. For net/'s own sources.
#pragma once

#include <optional>
#include <string>

#include "base/file.h"
#include "base/thread.h"
#include "net/byte_stream.h"
#include "net/http_server.h"
#include "net/openssl.h"

namespace lateen::net {

// What all TLS connections of one server share. Must outlive them. Thread-safe.
class ServerTlsContext {
 public:
  static Result<std::unique_ptr<ServerTlsContext>> create(const ServerTls& tls);

  // The TLS state of a new connection over the socket `fd`, which stays the caller's.
  Result<SslPtr> attach(int fd) const;

 private:
  SslContextPtr context_;
  BioMethodPtr socket_method_;
};

// The socket is never blocking: whoever must wait does so in poll(2), outside the lock, so that one
// thread can read while another writes even over TLS, whose state is one for both directions.
class SocketStream final : public ByteStream {
 public:
  // `fd` must be non-blocking. `ssl` is null for plain TCP.
  SocketStream(UniqueFd fd, SslPtr ssl);

  Status handshake(Deadline deadline, std::stop_token stop);

  Result<std::size_t> read_some(std::span<char> into,
                                Deadline deadline,
                                std::stop_token stop) override;
  Status write(BytesView bytes, Deadline deadline, std::stop_token stop) override;
  void shutdown() override;

  // Tells the peer that nothing more will come from us.
  void end_writing();

  // The connection's end will be a reset instead of a farewell. The serving thread's.
  void reset_at_end();

  int fd() const { return fd_.get(); }

  bool secure() const { return secure_; }

  // After the handshake: whom the client's certificate names, or why it does not count ("" when
  // none was shown).
  std::optional<ClientIdentity> identity();
  std::string certificate_error();

 private:
  // What one non-blocking step came to: bytes moved, or what to wait for.
  struct Step {
    std::size_t count = 0;
    short wait_for = 0;  // POLLIN or POLLOUT; 0: done
    bool at_end = false;
  };

  Result<Step> read_step(std::span<char> into);
  Result<Step> write_step(BytesView bytes);
  Result<Step> ssl_step(int returned, std::string_view what) LATEEN_REQUIRES(mu_);

  const UniqueFd fd_;
  const bool secure_;
  bool resets_ = false;
  Mutex mu_;
  const SslPtr ssl_;  // used under mu_
};

}  // namespace lateen::net
