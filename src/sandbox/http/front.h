// The API server on the network: authenticates, routes, answers.
#pragma once

#include <atomic>

#include "base/log.h"
#include "net/http_server.h"
#include "sandbox/api/api_server.h"
#include "sandbox/api/pod_runtime.h"
#include "sandbox/api/token_authority.h"
#include "sandbox/faults/fault_gate.h"
#include "sandbox/http/audit.h"
#include "sandbox/http/documents_handler.h"
#include "sandbox/http/pod_handler.h"
#include "sandbox/http/resource_handler.h"

namespace lateen::sandbox {

// Thread-safe.
class Front final : public net::HttpHandler {
 public:
  // Both must outlive it.
  Front(ApiServer& api, const TokenAuthority& tokens);

  void serve(net::ServerExchange& exchange) override;

  // Null while nobody runs pods.
  void set_pod_runtime(PodRuntime* runtime) { pods_.set_runtime(runtime); }

  // What happens to requests on request; before the first request. Null: nothing does.
  void set_faults(FaultGate* faults) { faults_ = faults; }

  // Where every request is noted; before the first request. Null: nowhere.
  void set_audit(AuditLog* audit) { audit_ = audit; }

  // What /readyz says; false from the start.
  void set_ready(bool ready) { ready_ = ready; }

 private:
  bool serve_health(net::ServerExchange& exchange);
  // `info` is null for paths that are no resource's.
  void serve_known(net::ServerExchange& exchange, const RequestInfo* info);
  ApiResult<Caller> authenticate(const net::ServerRequest& request) const;
  // Authenticates, impersonates, authorizes.
  ApiResult<Caller> admit(const net::ServerRequest& request,
                          const RequestInfo* info,
                          AuditEvent& event) const;
  void serve_asked(net::ServerExchange& exchange, AuditEvent& event);
  void serve_resource(net::ServerExchange& exchange, const RequestInfo& info);
  ApiStatus serve_review(net::ServerExchange& exchange,
                         const ServedType& type,
                         const RequestInfo& info);

  ApiServer& api_;
  const TokenAuthority& tokens_;
  DocumentsHandler documents_;
  ResourceHandler resources_;
  PodHandler pods_;
  FaultGate* faults_ = nullptr;
  AuditLog* audit_ = nullptr;
  std::atomic<bool> ready_ = false;
};

}  // namespace lateen::sandbox
