// The verbs on objects and collections.
#pragma once

#include "net/http_server.h"
#include "sandbox/api/api_server.h"
#include "sandbox/http/accept.h"
#include "sandbox/http/request_info.h"

namespace lateen::sandbox {

// Thread-safe.
class ResourceHandler {
 public:
  explicit ResourceHandler(ApiServer& api) : api_(api) {}

  // Answers a request for `type`: the object, its collection, or its status, scale or finalize
  // subresource.
  void serve(net::ServerExchange& exchange, const ServedType& type, const RequestInfo& info);

 private:
  ApiStatus answer(net::ServerExchange& exchange, const ServedType& type, const RequestInfo& info);
  ApiStatus read(net::ServerExchange& exchange,
                 const ServedType& type,
                 const RequestInfo& info,
                 const AnswerFormat& format);
  ApiStatus watch(net::ServerExchange& exchange,
                  const ServedType& type,
                  const RequestInfo& info,
                  const AnswerFormat& format);
  ApiStatus create(net::ServerExchange& exchange,
                   const ServedType& type,
                   const RequestInfo& info,
                   const AnswerFormat& format);
  ApiStatus update(net::ServerExchange& exchange,
                   const ServedType& type,
                   const RequestInfo& info,
                   const AnswerFormat& format);
  ApiStatus patch(net::ServerExchange& exchange,
                  const ServedType& type,
                  const RequestInfo& info,
                  const AnswerFormat& format);
  ApiStatus remove(net::ServerExchange& exchange,
                   const ServedType& type,
                   const RequestInfo& info,
                   const AnswerFormat& format);
  ApiStatus remove_all(net::ServerExchange& exchange,
                       const ServedType& type,
                       const RequestInfo& info);

  ApiServer& api_;
};

}  // namespace lateen::sandbox
