// What a request asks of the API: taken from its method, path and query.
#pragma once

#include <string>
#include <string_view>

#include "kube/resource.h"
#include "net/http_server.h"
#include "sandbox/api/api.h"
#include "sandbox/api/caller.h"

namespace lateen::sandbox {

// One of /api/v1/..., /apis/<group>/<version>/....
struct RequestInfo {
  kube::GroupVersionResource gvr;
  std::string ns;           // "" for cluster-scoped, or all namespaces
  std::string name;         // "" for a collection
  std::string subresource;  // "" for the object
  std::string rest;         // what follows the subresource (proxy paths)
  Caller caller;            // who asks
};

// False when the path is not one of resources.
bool parse_request_path(std::string_view path, RequestInfo& info);

bool query_flag(const net::QueryValues& query, std::string_view key);

ApiResult<ListOptions> list_options(const RequestInfo& info, const net::QueryValues& query);
ApiResult<WatchOptions> watch_options(const RequestInfo& info, const net::QueryValues& query);
// fieldManager, dryRun, fieldValidation, force; the manager of a client that names none is its
// User-Agent's program.
ApiResult<WriteOptions> write_options(const RequestInfo& info, const net::ServerRequest& request);
// The query's options, then those of a DeleteOptions body (null for none).
ApiResult<DeleteOptions> delete_options(const net::QueryValues& query, const Json& body);

}  // namespace lateen::sandbox
