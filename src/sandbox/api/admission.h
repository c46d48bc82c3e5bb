// What the API server adds to objects and refuses of them beyond their own validation: namespace
// lifecycle, service accounts and priorities of pods, default storage classes, cluster IPs, limit
// ranges and quotas.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>

#include "base/json.h"
#include "sandbox/api/api_context.h"
#include "sandbox/api/api_error.h"
#include "sandbox/api/served_type.h"
#include "sandbox/api/service_allocator.h"

namespace lateen::sandbox {

// Thread-safe.
class Admission {
 public:
  Admission(const ApiContext& context, ServiceAllocator& services)
      : context_(context), services_(services) {}

  // The object is in its storage version, with defaults; its name may still be a generateName.
  ApiStatus admit_create(const ServedType& type, Json& object);
  ApiStatus admit_update(const ServedType& type, const Json& old_object, Json& object);
  // Addresses and node ports of Services, after webhooks and before validation; `old_object` is
  // null for a create. Nothing for other kinds.
  ApiStatus allocate(const ServedType& type, const Json* old_object, Json& object);
  // Before a delete: namespaces that Kubernetes needs.
  ApiStatus admit_delete(const ServedType& type, std::string_view name);

  // Objects of a namespaced type need a namespace that is there and stays.
  ApiStatus check_namespace(const ServedType& type, const Json& object);

 private:
  ApiStatus admit_pod(Json& pod);
  ApiStatus mount_service_account_token(Json& pod, const Json& account);
  ApiResult<Json> find_service_account(std::string_view ns,
                                       std::string_view name,
                                       std::string_view pod);
  ApiStatus set_priority(Json& pod);
  std::string default_priority_class() const;
  void set_default_storage_class(Json& claim);
  ApiStatus admit_growth(const Json& old_claim, const Json& claim);

  const ApiContext& context_;
  ServiceAllocator& services_;
};

}  // namespace lateen::sandbox
