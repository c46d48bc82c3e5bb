// The client's end of a connection after libcurl has made it (name, proxy, TLS): bytes both ways.
// For net/'s own sources.
#pragma once

#include <memory>

#include "base/thread.h"
#include "net/byte_stream.h"
#include "net/curl_handles.h"

namespace lateen::net {

// libcurl's calls never block here, and are made one at a time, since both directions share one TLS
// state; whoever must wait does so in poll(2), outside the lock.
class CurlStream final : public ByteStream {
 public:
  // `url` is http or https.
  static Result<std::unique_ptr<CurlStream>> connect(const Url& url,
                                                     const TlsOptions& tls,
                                                     const std::string& proxy_url,
                                                     Deadline deadline,
                                                     std::stop_token stop);

  struct Parts {
    std::unique_ptr<TlsOptions> tls;  // lent to the handle
    CurlList connect_to;
    CurlMulti multi;
    CurlEasy easy;  // in `multi`
    int fd = -1;    // the handle's
  };

  explicit CurlStream(Parts parts) : parts_(std::move(parts)) {}

  ~CurlStream() override;

  Result<std::size_t> read_some(std::span<char> into,
                                Deadline deadline,
                                std::stop_token stop) override;
  Status write(BytesView bytes, Deadline deadline, std::stop_token stop) override;
  void shutdown() override;

 private:
  Mutex mu_;
  const Parts parts_;  // the handle is used under mu_
};

}  // namespace lateen::net
