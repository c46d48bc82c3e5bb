// One connection to the server, from its handshake to its end. For net/'s own sources.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "net/http_parser.h"
#include "net/http_server.h"
#include "net/peer_watch.h"
#include "net/socket_stream.h"

namespace lateen::net {

// What all connections of a server share.
struct ConnectionContext {
  const HttpServerOptions& options;
  HttpHandler& handler;
  PeerWatch& peers;
  std::stop_token server_stop;
};

// Runs on its own thread; quit(), cut() and idle_since() may be called by any.
class ServerConnection {
 public:
  ServerConnection(const ConnectionContext& context,
                   UniqueFd fd,
                   SslPtr ssl,
                   std::string peer_address);

  // Serves until the connection ends. `became_idle` is called each time that it waits for another
  // request.
  void run(const std::function<void()>& became_idle);

  // Ends it as soon as no request is being served.
  void quit() { quit_.request_stop(); }

  // Ends it now, whatever it does.
  void cut() { stream_.shutdown(); }

  // Since when it has waited for a request; nothing while it serves one.
  std::optional<std::chrono::steady_clock::time_point> idle_since() const;

 private:
  enum class Received { Request, End };

  void serve_requests(const std::function<void()>& became_idle);
  Result<Received> receive(RequestParser& parser);
  Status read_more(Deadline deadline, std::stop_token stop);
  void refuse(int status, std::string_view why);
  bool serve(RequestParser& parser);
  ServerRequest make_request(RequestParser& parser);
  void linger();

  const ConnectionContext& context_;
  SocketStream stream_;
  const std::string peer_address_;
  std::optional<ClientIdentity> identity_;
  std::string certificate_error_;
  Bytes input_;  // read, but not yet taken by a parser
  std::stop_source quit_;

  mutable Mutex mu_;
  std::optional<std::chrono::steady_clock::time_point> idle_since_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::net
