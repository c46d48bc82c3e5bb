// The HTTP/1.1 server: blocking handlers, a thread for each connection, a bound on how many.
//
//   class Hello final : public HttpHandler {
//     void serve(ServerExchange& exchange) override {
//       if (auto s = exchange.respond({.status = 200, .body = "hello\n"}); !s) …  // the peer has
//       gone
//     }
//   };
//   auto server = TRY(HttpServer::start({.tls = …}, handler));
//   server->port();      // what port 0 became
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/secret.h"
#include "net/byte_stream.h"
#include "net/http.h"
#include "net/url.h"
#include "net/websocket.h"

namespace lateen::net {

// Whom a verified client certificate names.
struct ClientIdentity {
  std::string common_name = {};
  std::vector<std::string> organizations = {};
};

struct ServerRequest {
  std::string method;
  std::string target;  // as it came: "/api/v1/pods?limit=5"
  std::string path;    // the target up to '?', still escaped (url.h: path_unescape)
  QueryValues query;   // unescaped
  Headers headers;
  Bytes body;
  std::string peer_address;
  bool secure = false;
  std::optional<ClientIdentity> identity;  // with TLS and a certificate that our client CA signed
  std::string
      certificate_error;  // why a certificate that was shown does not count; "" when none was
};

// One request being answered. Lives while HttpHandler::serve runs. It is answered in exactly one
// way: respond; begin_stream, write… and finish; accept_websocket; take_over. Not thread-safe, but
// that what the last two give may be used by two threads. An Error from a call means that the peer
// has gone or does not take our bytes: stop.
class ServerExchange {
 public:
  ServerExchange() = default;
  ServerExchange(const ServerExchange&) = delete;
  ServerExchange& operator=(const ServerExchange&) = delete;
  virtual ~ServerExchange() = default;

  virtual const ServerRequest& request() const = 0;

  // The request's body, moved out: for a handler that keeps it.
  virtual Bytes take_body() = 0;

  // Requested when the peer closes its connection, or the server stops: what a handler that waits
  // must hear.
  virtual std::stop_token stop() = 0;

  // The whole answer. Content-Length is ours to set; a HEAD's body is left out.
  virtual Status respond(HttpResponse response) = 0;

  // An answer of unknown length, in chunks; each write goes out at once.
  virtual Status begin_stream(int status, Headers headers) = 0;
  virtual Status write(BytesView bytes) = 0;
  virtual Status finish() = 0;

  virtual bool is_websocket_upgrade() const = 0;

  // The subprotocols that the client offers, best first.
  virtual std::vector<std::string> offered_protocols() const = 0;

  // `protocol` must be one that was offered, or "". InvalidArgument (nothing sent) if this is no
  // WebSocket handshake.
  virtual Result<WebSocket*> accept_websocket(const std::string& protocol) = 0;

  // Answers 101 with `headers` (Upgrade and Connection among them); the connection is then bytes,
  // until serve returns.
  virtual Result<ByteStream*> take_over(const Headers& headers) = 0;

  // Cuts the connection once serve returns, as a network that fails would: the peer sees a reset,
  // after what was sent before. The one way to leave a request, or the rest of a stream,
  // unanswered.
  virtual void abort() = 0;
};

// Called by many threads at once.
class HttpHandler {
 public:
  HttpHandler() = default;
  HttpHandler(const HttpHandler&) = delete;
  HttpHandler& operator=(const HttpHandler&) = delete;
  virtual ~HttpHandler() = default;
  virtual void serve(ServerExchange& exchange) = 0;
};

struct ServerTls {
  std::string certificate_pem = {};  // with its chain
  Secret key_pem = {};
  std::string client_ca_pem = {};  // ask clients for a certificate; "" does not
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";  // an IP address
  std::uint16_t port = 0;             // 0: any that is free
  std::optional<ServerTls> tls = {};  // none: plain HTTP
  // Beyond this many, the longest idle connection is closed; if none is idle, new ones wait in the
  // kernel.
  std::size_t max_connections = 1024;
  std::size_t max_header = 64 * 1024;
  ByteCount max_body = 16_MiB;
  Duration idle_timeout = std::chrono::minutes(3);      // between two requests
  Duration request_timeout = std::chrono::seconds(60);  // for a request to arrive, once begun
  Duration write_timeout = std::chrono::seconds(60);    // for a peer to take what one write gives
  // How long stop() lets handlers finish before it cuts their connections.
  Duration stop_grace = std::chrono::milliseconds(500);
  Log log = {};
};

// Thread-safe.
class HttpServer {
 public:
  // Listens and serves. `handler` must outlive it.
  static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options, HttpHandler& handler);

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // As stop().
  ~HttpServer();

  std::uint16_t port() const;

  // "https://127.0.0.1:6443": where it is.
  std::string url() const;

  // Takes no more, tells handlers (their stop token), cuts what is left after the grace, and joins
  // all threads.
  void stop();

 private:
  class Core;

  struct Private {
    explicit Private() = default;
  };

  const std::unique_ptr<Core> core_;

 public:
  // For start() alone.
  HttpServer(Private, std::unique_ptr<Core> core);
};

// Packs the body with gzip if the request accepts it and it is of at least `smallest` bytes: 128
// KiB is where the API server begins, too.
void compress_if_accepted(const ServerRequest& request,
                          HttpResponse& response,
                          ByteCount smallest = 128_KiB);

}  // namespace lateen::net
