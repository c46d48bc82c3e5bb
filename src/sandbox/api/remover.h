// Deletes: preconditions, finalizers, propagation policies, grace periods, namespaces.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "sandbox/api/admission.h"
#include "sandbox/api/api.h"
#include "sandbox/api/api_context.h"
#include "sandbox/api/served_type.h"
#include "sandbox/api/writer.h"
#include "sandbox/webhooks/webhooks.h"

namespace lateen::sandbox {

// Thread-safe.
class Remover {
 public:
  Remover(const ApiContext& context,
          Admission& admission,
          Writer& writer,
          webhooks::Webhooks& webhooks)
      : context_(context), admission_(admission), writer_(writer), webhooks_(webhooks) {}

  ApiResult<DeleteOutcome> remove(const ServedType& type,
                                  std::string_view ns,
                                  std::string_view name,
                                  const DeleteOptions& options);

 private:
  ApiStatus check_preconditions(const ServedType& type,
                                const Json& object,
                                const Preconditions& wanted) const;
  ApiStatus ask_webhooks(const ServedType& type, const Json& object, const DeleteOptions& options);
  void mark_deleted(const ServedType& type, Json& object, std::int64_t grace) const;

  const ApiContext& context_;
  Admission& admission_;
  Writer& writer_;
  webhooks::Webhooks& webhooks_;
};

}  // namespace lateen::sandbox
