// Create, update, patch and apply: one pipeline from what a client sent to what is stored.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "sandbox/api/admission.h"
#include "sandbox/api/api.h"
#include "sandbox/api/api_context.h"
#include "sandbox/api/served_type.h"
#include "sandbox/fields/managed_fields.h"
#include "sandbox/rbac/authorizer.h"
#include "sandbox/webhooks/webhooks.h"

namespace lateen::sandbox {

struct Written {
  Json object = {};      // as this version of the resource shows it
  bool created = false;  // of an apply
};

// Thread-safe.
class Writer {
 public:
  Writer(const ApiContext& context,
         Admission& admission,
         ServiceAllocator& services,
         const rbac::Authorizer& authorizer,
         webhooks::Webhooks& webhooks)
      : context_(context),
        admission_(admission),
        services_(services),
        authorizer_(authorizer),
        webhooks_(webhooks) {}

  ApiResult<Written> create(const ServedType& type,
                            std::string_view ns,
                            Json object,
                            const WriteOptions& options);
  ApiResult<Written> update(const ServedType& type, Json object, const WriteOptions& options);
  ApiResult<Written> patch(const ServedType& type,
                           std::string_view ns,
                           std::string_view name,
                           PatchType patch_type,
                           const Json& patch,
                           const WriteOptions& options);

  // The autoscaling/v1 Scale of an object.
  ApiResult<Json> scale_of(const ServedType& type, const Json& object) const;

  // Stores `object` (storage version, ready) over the state at `revision`, or removes it when
  // nothing holds it any longer. Used by the remover too.
  ApiResult<StoredPtr> store_change(const ServedType& type,
                                    const Json& object,
                                    std::uint64_t revision);

  // Removes it; `object` is the last state that watchers see.
  ApiResult<StoredPtr> store_removal(const ServedType& type,
                                     const Json& object,
                                     std::uint64_t revision);

 private:
  // Whether managedFields are to be worked out, or came with the object from an apply.
  enum class Ownership { Record, Applied };

  struct Attempt {
    Ownership ownership = Ownership::Record;
    bool asks_webhooks = true;  // not when a subresource stands for the object
    bool stale = false;         // out: someone else was faster
  };

  // How often a write whose caller named no resourceVersion is tried against other writers.
  static constexpr int kWriteAttempts = 20;

  struct Current {
    StoredPtr stored;
    Json object;  // storage version
  };

  ApiResult<Current> read_current(const ServedType& type,
                                  std::string_view ns,
                                  std::string_view name) const;
  const ServedType& storage_type(const ServedType& type, ServedTypePtr& keep) const;
  static FieldWriter field_writer(const ServedType& type, const WriteOptions& options);
  ApiResult<Written> create_owned(const ServedType& type,
                                  std::string_view ns,
                                  Json object,
                                  const WriteOptions& options,
                                  Ownership ownership);
  ApiResult<Written> create_named(const ServedType& type,
                                  Json object,
                                  const WriteOptions& options,
                                  Ownership ownership);
  ApiStatus prepare_new(const ServedType& type, std::string_view ns, Json& object) const;

  ApiResult<Written> replace(const ServedType& type,
                             const Current& current,
                             Json next,
                             const WriteOptions& options,
                             Attempt& attempt);
  // Allocation, validation and the webhooks that may refuse, of what replaces `current`.
  ApiStatus check_replacement(const ServedType& type,
                              const Current& current,
                              Json& next,
                              const WriteOptions& options,
                              const Attempt& attempt);
  // Objects are in the storage version; `old_object` is null for a create.
  ApiStatus ask_mutating(const ServedType& type,
                         const Json* old_object,
                         Json& object,
                         const WriteOptions& options);
  ApiStatus ask_validating(const ServedType& type,
                           const Json* old_object,
                           const Json& object,
                           const WriteOptions& options);
  // Says what of the object will have no effect.
  static void warn_of_unenforced(const ServedType& type,
                                 const Json& object,
                                 const WriteOptions& options);
  ApiStatus check_identity(const ServedType& type,
                           const Json& old_object,
                           const Json& object) const;
  ApiResult<Json> prepare_replacement(const ServedType& type,
                                      const ServedType& stored_type,
                                      const Current& current,
                                      Json next,
                                      const WriteOptions& options);
  ApiResult<Written> update_scale(const ServedType& type,
                                  const Json& scale,
                                  const WriteOptions& options);
  ApiResult<Json> patched(const ServedType& type,
                          const Json& target,
                          PatchType patch_type,
                          const Json& patch) const;
  ApiResult<Written> apply(const ServedType& type,
                           std::string_view ns,
                           std::string_view name,
                           const Json& config,
                           const WriteOptions& options);
  std::string now() const;

  const ApiContext& context_;
  Admission& admission_;
  ServiceAllocator& services_;
  const rbac::Authorizer& authorizer_;
  webhooks::Webhooks& webhooks_;
};

}  // namespace lateen::sandbox
