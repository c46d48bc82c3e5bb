// The HTTP client: one pool of connections, one thread that drives them, and a face that blocks.
//
//   auto client = TRY(HttpClient::open({.tls = tls, .http2 = true}));
//   HttpResponse r = TRY(client->send({.url = url, .deadline = Deadline::after(30s)}, stop));
//   if (!r.ok()) …                                   // any status is an answer, not an error
//
//   auto watch = TRY(client->open_stream({.url = url + "?watch=1"}, stop));
//   while (auto part = TRY(watch->read(Deadline::never(), stop))) consume(*part);
//
// An Error is: Unavailable (name not found, refused, broken off, not trusted), DeadlineExceeded,
// Canceled, InvalidArgument (a bad URL, header or certificate), or Io/Corrupt for an answer that is
// too large or broken. error().retryable() says that the same request may safely be sent again:
// always so when it never reached the server, else only for idempotent methods. Messages name
// scheme, host and path, never credentials or queries.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"
#include "net/tls.h"

namespace lateen::net {

// A body that is made as it is sent. Called on the thread that called send(). Not thread-safe.
class UploadSource {
 public:
  UploadSource() = default;
  UploadSource(const UploadSource&) = delete;
  UploadSource& operator=(const UploadSource&) = delete;
  virtual ~UploadSource() = default;

  // How many bytes read() will give in all.
  virtual std::uint64_t length() const = 0;

  // Up to into.size() bytes; 0 only at the end.
  virtual Result<std::size_t> read(std::span<char> into) = 0;

  // Begins again: a kept-alive connection may turn out to be closed as the first bytes are sent.
  virtual Status rewind() = 0;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url = {};
  Headers headers = {};
  Bytes body = {};
  UploadSource* source = nullptr;  // instead of `body`; lives until send() returns
  // For send(): the end of the answer. For open_stream(): its headers.
  Deadline deadline = Deadline::never();
  // Ask for gzip and unpack it: the body and headers that come back are as if it had never been
  // packed.
  bool accept_gzip = false;
  // send() refuses a larger answer (counted unpacked).
  ByteCount max_response = 256_MiB;
};

// An answer that is still coming. The peer is held back while up to 1 MiB waits to be read.
// Destroying it ends the transfer. Not thread-safe.
class HttpStream {
 public:
  HttpStream() = default;
  HttpStream(const HttpStream&) = delete;
  HttpStream& operator=(const HttpStream&) = delete;
  virtual ~HttpStream() = default;

  virtual int status() const = 0;
  virtual const Headers& headers() const = 0;

  // The next bytes, as many as have come; nothing at the end. Unavailable if it was broken off
  // before its end. DeadlineExceeded and Canceled lose nothing: read again.
  virtual Result<std::optional<Bytes>> read(Deadline deadline, std::stop_token stop) = 0;
};

struct HttpClientOptions {
  TlsOptions tls = {};
  // Open at once, of all hosts; further requests wait for one. A watch keeps one (over HTTP/2 they
  // share).
  std::size_t max_connections = 256;
  // HTTP/2 where the server offers it over TLS: right for API servers; object stores are faster
  // over HTTP/1.1.
  bool http2 = false;
  std::string user_agent = "lateen";
  // Instead of the environment's (http_proxy, https_proxy, no_proxy); "" takes the environment's.
  std::string proxy_url = {};
  Duration connect_timeout = std::chrono::seconds(30);
  // send() gives up when no byte has moved for so long.
  Duration stall_timeout = std::chrono::minutes(2);
};

// Thread-safe.
class HttpClient {
 public:
  static Result<std::unique_ptr<HttpClient>> open(HttpClientOptions options);

  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Ends what is under way. Streams must be gone before it.
  ~HttpClient();

  // The whole answer, whatever its status. Does not follow redirects.
  Result<HttpResponse> send(const HttpRequest& request, std::stop_token stop);

  // Returns when the answer's headers are here.
  Result<std::unique_ptr<HttpStream>> open_stream(const HttpRequest& request, std::stop_token stop);

 private:
  class Loop;
  class Stream;

  struct Private {
    explicit Private() = default;
  };

  const std::unique_ptr<Loop> loop_;

 public:
  // For open() alone.
  HttpClient(Private, std::unique_ptr<Loop> loop);
};

}  // namespace lateen::net
