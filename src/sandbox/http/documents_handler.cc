#include "sandbox/http/documents_handler.h"

#include <utility>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/text.h"
#include "sandbox/http/accept.h"
#include "sandbox/http/answer.h"
#include "sandbox/http/discovery_documents.h"
#include "sandbox/schema/openapi.h"

namespace lateen::sandbox {

namespace {

// The Kubernetes release whose API this is; clients compare it with their own.
constexpr std::string_view kVersion =
    R"({"major":"1","minor":"32","gitVersion":"v1.32.4+lateen","gitCommit":"","gitTreeState":"clean",)"
    R"("buildDate":"2025-04-22T16:02:13Z","goVersion":"","compiler":"","platform":"linux/amd64"})";

constexpr std::string_view kDiscoveryType =
    "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList";

}  // namespace

DocumentsHandler::DocumentPtr DocumentsHandler::aggregated(bool core, const std::string& version) {
  const RegistryPtr registry = api_.registry();
  const std::string key = fmt::format("{} {}", core, version);
  {
    const Lock lock(mu_);
    if (generation_ < registry->generation()) {
      documents_.clear();
      generation_ = registry->generation();
    }
    const auto found = documents_.find(key);
    if (found != documents_.end() && generation_ == registry->generation()) return found->second;
  }
  // Made without the lock: two may make the same one, which harms nobody.
  auto made = std::make_shared<Document>();
  made->body = aggregated_discovery(*registry, core, version);
  made->hash = to_upper(hash_hex(HashAlgorithm::Sha512, made->body));
  const Lock lock(mu_);
  if (generation_ == registry->generation()) documents_[key] = made;
  return made;
}

void DocumentsHandler::send(net::ServerExchange& exchange,
                            const Bytes& body,
                            const std::string& hash,
                            std::string_view content_type) {
  const net::ServerRequest& request = exchange.request();
  const std::string etag = fmt::format("\"{}\"", hash);
  net::HttpResponse response;
  response.headers.add("Cache-Control", "public");
  response.headers.add("Content-Type", content_type);
  response.headers.add("ETag", etag);
  response.headers.add("Vary", "Accept");
  if (request.headers.get("If-None-Match") == etag) {
    response.status = 304;
  } else {
    response.body = body;
    net::compress_if_accepted(request, response);
  }
  (void)exchange.respond(std::move(response));  // a peer that has gone needs no answer
}

bool DocumentsHandler::serve(net::ServerExchange& exchange) {
  std::string_view path = exchange.request().path;
  while (path.size() > 1 && path.ends_with('/'))
    path.remove_suffix(1);
  if (path == "/version") {
    answer_json(exchange, 200, Bytes(kVersion));
    return true;
  }
  if (path == "/openapi/v2") {
    serve_openapi_v2(exchange);
    return true;
  }
  if (path.starts_with("/openapi/v3")) return serve_openapi_v3(exchange, path.substr(11));
  return serve_discovery(exchange, path);
}

bool DocumentsHandler::serve_discovery(net::ServerExchange& exchange, std::string_view path) {
  if (path == "/api" || path == "/apis") {
    serve_groups(exchange, path == "/api");
    return true;
  }
  if (path == "/api/v1") {
    const RegistryPtr registry = api_.registry();
    const ServedGroup* core = registry->find_group("");
    answer_json(exchange, 200, api_resource_list(*core, core->versions.front()));
    return true;
  }
  return path.starts_with("/apis/") && serve_group(exchange, path.substr(6));
}

void DocumentsHandler::serve_groups(net::ServerExchange& exchange, bool core) {
  const NegotiatedDiscovery wanted = negotiate_discovery(exchange.request().headers.get("Accept"));
  if (!wanted.found) {
    answer_error(exchange, not_acceptable());
    return;
  }
  const RegistryPtr registry = api_.registry();
  const std::string address(exchange.request().headers.get("Host"));
  if (wanted.version.empty()) {
    answer_json(exchange, 200, core ? api_versions(address) : api_group_list(*registry));
    return;
  }
  const DocumentPtr made = aggregated(core, wanted.version);
  send(exchange, made->body, made->hash, fmt::format(fmt::runtime(kDiscoveryType), wanted.version));
}

// "<group>" or "<group>/<version>".
bool DocumentsHandler::serve_group(net::ServerExchange& exchange, std::string_view below) {
  const Cut parts = cut(below, "/");
  if (parts.after.find('/') != std::string_view::npos) return false;
  const RegistryPtr registry = api_.registry();
  const ServedGroup* group = parts.before.empty() ? nullptr : registry->find_group(parts.before);
  if (group == nullptr) {
    answer_no_page(exchange);
    return true;
  }
  if (!parts.found) {
    answer_json(exchange, 200, api_group(*group));
    return true;
  }
  const ServedVersion* version = registry->find_version(parts.before, parts.after);
  if (version == nullptr) {
    answer_no_page(exchange);
  } else {
    answer_json(exchange, 200, api_resource_list(*group, *version));
  }
  return true;
}

// The documents of the definitions that there are now.
const schema::OpenApi& DocumentsHandler::openapi() {
  const RegistryPtr registry = api_.registry();
  const Lock lock(openapi_mu_);
  if (openapi_generation_ < registry->generation()) {
    openapi_.set_crds(registry->crds());
    openapi_generation_ = registry->generation();
  }
  return openapi_;
}

void DocumentsHandler::serve_openapi_v2(net::ServerExchange& exchange) {
  const std::string_view accept = exchange.request().headers.get("Accept");
  const bool protobuf = accept.find("proto-openapi.spec.v2") != std::string_view::npos;
  const schema::OpenApiDocumentPtr made = protobuf ? openapi().v2_protobuf() : openapi().v2();
  // Asked for with an '@', answered without: Go's mime package refuses it in a Content-Type.
  send(
      exchange, made->body, made->hash,
      protobuf ? "application/com.github.proto-openapi.spec.v2.v1.0+protobuf" : "application/json");
}

bool DocumentsHandler::serve_openapi_v3(net::ServerExchange& exchange, std::string_view path) {
  if (path.empty()) {
    const schema::OpenApiDocumentPtr made = openapi().v3_root();
    // What the real one says it is; clients do not look.
    send(exchange, made->body, made->hash, "text/plain; charset=utf-8");
    return true;
  }
  // "/api/v1" or "/apis/<group>/<version>".
  std::string_view group;
  std::string_view version;
  if (path.starts_with("/apis/")) {
    const Cut parts = cut(path.substr(6), "/");
    group = parts.before;
    version = parts.after;
  } else if (path.starts_with("/api/")) {
    version = path.substr(5);
  }
  const schema::OpenApiDocumentPtr made = version.empty() ? nullptr : openapi().v3(group, version);
  if (!made) {
    answer_no_page(exchange);
  } else {
    send(exchange, made->body, made->hash, "application/json");
  }
  return true;
}

}  // namespace lateen::sandbox
