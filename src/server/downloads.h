// Serves the files of backups whose location has no URLs of its own (a directory), by links that
// the server signs.
//
//   GET /<location>/<document kind>/<name>?expires=…&signature=…
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "model/requests.h"
#include "net/http_server.h"
#include "server/context.h"

namespace lateen::server {

// Thread-safe.
class DownloadServer final : public net::HttpHandler {
  struct Private {  // makes the constructor start()'s alone
    explicit Private() = default;
  };

 public:
  DownloadServer(Private, const ServerContext& context, Secret key);
  // The signing key is this process's own: links end with it. `context` must outlive the server.
  static Result<std::unique_ptr<DownloadServer>> start(const ServerContext& context);
  ~DownloadServer() override;

  // A link to one document, good for `ttl`.
  std::string link(std::string_view location,
                   model::DownloadTargetKind kind,
                   std::string_view name,
                   Duration ttl) const;

  // The same by the address that it listens at, whatever it is reached by from outside: for whoever
  // forwards the port.
  std::string local_link(std::string_view location,
                         model::DownloadTargetKind kind,
                         std::string_view name,
                         Duration ttl) const;

  // Whether a link is of that kind: nobody else's machine reaches it.
  bool is_local(std::string_view url) const { return url.starts_with(server_->url()); }

  void serve(net::ServerExchange& exchange) override;

 private:
  std::string signed_path(std::string_view location,
                          model::DownloadTargetKind kind,
                          std::string_view name,
                          Duration ttl) const;
  Status answer(net::ServerExchange& exchange);

  const ServerContext context_;
  const Secret key_;
  std::string base_url_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace lateen::server
