// Serves the documents about the API: discovery, OpenAPI, the version.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/thread.h"
#include "net/http_server.h"
#include "sandbox/api/api_server.h"
#include "sandbox/schema/openapi.h"

namespace lateen::sandbox {

// Thread-safe.
class DocumentsHandler {
 public:
  explicit DocumentsHandler(ApiServer& api) : api_(api) {}

  // False when the path is none of these.
  bool serve(net::ServerExchange& exchange);

 private:
  struct Document {
    Bytes body;
    std::string hash;  // in its ETag
  };

  using DocumentPtr = std::shared_ptr<const Document>;

  bool serve_discovery(net::ServerExchange& exchange, std::string_view path);
  void serve_groups(net::ServerExchange& exchange, bool core);
  bool serve_group(net::ServerExchange& exchange, std::string_view below);
  void serve_openapi_v2(net::ServerExchange& exchange);
  bool serve_openapi_v3(net::ServerExchange& exchange, std::string_view path);
  static void send(net::ServerExchange& exchange,
                   const Bytes& body,
                   const std::string& hash,
                   std::string_view content_type);
  // Made once for each registry.
  DocumentPtr aggregated(bool core, const std::string& version);
  const schema::OpenApi& openapi();

  ApiServer& api_;
  Mutex mu_;
  std::uint64_t generation_ LATEEN_GUARDED_BY(mu_) = 0;
  std::map<std::string, DocumentPtr> documents_ LATEEN_GUARDED_BY(mu_);
  Mutex openapi_mu_;
  std::uint64_t openapi_generation_ LATEEN_GUARDED_BY(openapi_mu_) = 0;
  schema::OpenApi openapi_;
};

}  // namespace lateen::sandbox
