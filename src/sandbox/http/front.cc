#include "sandbox/http/front.h"

#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "sandbox/api/strategy.h"
#include "sandbox/http/access.h"
#include "sandbox/http/answer.h"
#include "sandbox/http/body.h"
#include "sandbox/http/reviews.h"

namespace lateen::sandbox {

namespace {

constexpr std::string_view kBearer = "bearer ";

bool is_below(std::string_view path, std::string_view root) {
  return path == root || (path.starts_with(root) && path[root.size()] == '/');
}

}  // namespace

Front::Front(ApiServer& api, const TokenAuthority& tokens)
    : api_(api), tokens_(tokens), documents_(api), resources_(api), pods_(api, tokens) {}

bool Front::serve_health(net::ServerExchange& exchange) {
  const std::string_view path = exchange.request().path;
  if (is_below(path, "/readyz")) {
    const bool ready = ready_;
    answer_text(exchange, ready ? 200 : 500,
                ready ? "ok" : "[-]sandbox failed: starting\nreadyz check failed\n");
    return true;
  }
  if (!is_below(path, "/livez") && !is_below(path, "/healthz")) return false;
  answer_text(exchange, 200, "ok");
  return true;
}

ApiResult<Caller> Front::authenticate(const net::ServerRequest& request) const {
  const std::string_view header = request.headers.get("Authorization");
  if (to_lower(header.substr(0, kBearer.size())) == kBearer) {
    auto caller = tokens_.verify(trim(header.substr(kBearer.size())));
    if (!caller) return unauthorized();
    return std::move(*caller);
  }
  if (request.identity) {
    Caller caller{.username = request.identity->common_name,
                  .uid = {},
                  .groups = request.identity->organizations};
    caller.groups.emplace_back("system:authenticated");
    return caller;
  }
  if (!header.empty() || !request.certificate_error.empty()) return unauthorized();
  return Caller{.username = "system:anonymous", .uid = {}, .groups = {"system:unauthenticated"}};
}

ApiResult<Caller> Front::admit(const net::ServerRequest& request,
                               const RequestInfo* info,
                               AuditEvent& event) const {
  event.access = access_of(request, info);
  event.caller = TRY(authenticate(request));
  const rbac::Authorizer& authorizer = api_.authorizer();
  Caller caller = TRY(impersonated(request, event.caller, authorizer));
  const rbac::Decision decision = authorizer.authorize(caller, event.access);
  if (!decision.allowed) return rbac::refusal(caller, event.access, decision);
  event.allowed = true;
  return caller;
}

void Front::serve(net::ServerExchange& exchange) {
  if (serve_health(exchange)) return;
  AuditEvent event;
  if (audit_ == nullptr) return serve_asked(exchange, event);
  event.received = audit_->now();
  AuditedExchange audited(exchange);
  serve_asked(audited, event);
  audit_->write(exchange.request(), event, audited.status());
}

void Front::serve_asked(net::ServerExchange& exchange, AuditEvent& event) {
  const net::ServerRequest& request = exchange.request();
  RequestInfo info;
  const bool resource = parse_request_path(request.path, info);
  auto caller = admit(request, resource ? &info : nullptr, event);
  if (!caller) return answer_error(exchange, caller.error());
  info.caller = std::move(*caller);
  const RequestInfo* const asked = resource ? &info : nullptr;
  if (faults_ == nullptr) return serve_known(exchange, asked);
  faults_->pass(exchange, info.caller,
                [this, asked](net::ServerExchange& within) { serve_known(within, asked); });
}

void Front::serve_known(net::ServerExchange& exchange, const RequestInfo* info) {
  const net::ServerRequest& request = exchange.request();
  const bool reading = request.method == "GET" || request.method == "HEAD";
  if (reading && documents_.serve(exchange)) return;
  if (info == nullptr) return answer_no_page(exchange);
  serve_resource(exchange, *info);
}

void Front::serve_resource(net::ServerExchange& exchange, const RequestInfo& info) {
  const RegistryPtr registry = api_.registry();
  const ServedVersion* version = registry->find_version(info.gvr.group, info.gvr.version);
  if (version == nullptr) return answer_no_page(exchange);
  const ServedTypePtr type = registry->find(info.gvr);
  const bool custom_group = !version->types.empty() && version->types.front()->custom;
  if (!type && custom_group) return answer_no_page(exchange);
  const bool known = type && (info.subresource.empty() ||
                              type->type.find_subresource(info.subresource) != nullptr);
  if (!known) return answer_error(exchange, no_such_resource());
  if (type->virtual_only) {
    if (auto done = serve_review(exchange, *type, info); !done)
      answer_error(exchange, done.error());
    return;
  }
  if (!info.subresource.empty() && pods_.serve(exchange, *type, info)) return;
  resources_.serve(exchange, *type, info);
}

ApiStatus Front::serve_review(net::ServerExchange& exchange,
                              const ServedType& type,
                              const RequestInfo& info) {
  if (exchange.request().method != "POST") {
    return method_not_allowed(type.group(), type.resource(), exchange.request().method);
  }
  RequestBody body = TRY(read_body(exchange.request()));
  Json review = TRY(decode_object(type, std::move(body.object), {}));
  const Json answer = TRY(answer_review(type, info, std::move(review), tokens_, api_.authorizer()));
  answer_json(exchange, 201, write_json_unsorted(answer));
  return {};
}

}  // namespace lateen::sandbox
