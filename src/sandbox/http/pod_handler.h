// The subresources that do something: logs, exec, attach and port-forward of pods, eviction,
// binding, tokens of service accounts.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "net/http_server.h"
#include "sandbox/api/api_server.h"
#include "sandbox/api/pod_runtime.h"
#include "sandbox/api/token_authority.h"
#include "sandbox/http/request_info.h"

namespace lateen::sandbox {

// Thread-safe.
class PodHandler {
 public:
  PodHandler(ApiServer& api, const TokenAuthority& tokens) : api_(api), tokens_(tokens) {}

  // Who runs the pods; null while nobody does. Must outlive the server that calls us.
  void set_runtime(PodRuntime* runtime) { runtime_ = runtime; }

  // False when the subresource is none of ours.
  bool serve(net::ServerExchange& exchange, const ServedType& type, const RequestInfo& info);

 private:
  ApiStatus logs(net::ServerExchange& exchange, const RequestInfo& info);
  ApiStatus run(net::ServerExchange& exchange, const RequestInfo& info);
  ApiStatus forward(net::ServerExchange& exchange, const RequestInfo& info);
  ApiStatus evict(net::ServerExchange& exchange, const RequestInfo& info);
  ApiStatus bind(net::ServerExchange& exchange, const RequestInfo& info);
  ApiStatus issue_token(net::ServerExchange& exchange,
                        const ServedType& type,
                        const RequestInfo& info);
  ApiStatus bind_token(const Json& request, ServiceAccountToken& wanted);
  ApiStatus answer(net::ServerExchange& exchange, const ServedType& type, const RequestInfo& info);
  ApiResult<ContainerRef> find_container(const RequestInfo& info, std::string_view wanted);
  ApiStatus check_disruption(const RequestInfo& info);

  ApiServer& api_;
  const TokenAuthority& tokens_;
  std::atomic<PodRuntime*> runtime_ = nullptr;
};

}  // namespace lateen::sandbox
