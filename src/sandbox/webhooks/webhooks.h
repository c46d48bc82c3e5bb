// What the API server asks webhooks before it writes: first those that may change the object, then
// those that may only refuse.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sandbox/api/api_context.h"
#include "sandbox/api/api_error.h"
#include "sandbox/api/caller.h"
#include "sandbox/api/served_type.h"
#include "sandbox/webhooks/match.h"
#include "sandbox/webhooks/webhook_client.h"

namespace lateen::sandbox::webhooks {

// One write, as webhooks hear of it. Objects are in the version of `type`.
struct Write {
  const ServedType& type;
  Operation operation = Operation::Create;
  std::string subresource = {};
  std::string ns = {};
  std::string name = {};
  const Json* old_object = nullptr;  // null for a create
  bool dry_run = false;
  const Caller* caller = nullptr;  // null: the sandbox itself
  std::vector<std::string>* warnings = nullptr;
  Json options = nullptr;  // CreateOptions and the like
};

// Thread-safe.
class Webhooks {
 public:
  explicit Webhooks(const ApiContext& context);

  // Whether there are any at all: nothing needs to be prepared for them otherwise.
  bool any_mutating() const;
  bool any_validating() const;

  // Decodes and defaults what a patch left; the object in the version of the write's type.
  using Refine = std::function<ApiResult<Json>(Json)>;

  // `object` is null for a delete, and stays so.
  ApiStatus mutate(const Write& write, Json& object, const Refine& refine);
  ApiStatus validate(const Write& write, const Json& object);

 private:
  struct Call {
    const Webhook* webhook;
    kube::GroupVersionResource gvr;  // as which the webhook sees the write
  };

  std::vector<Webhook> configured(bool mutating) const;
  bool concerns_nobody(const Write& write) const;
  ApiResult<std::optional<Call>> match(const Webhook& webhook,
                                       const Write& write,
                                       const Json& object,
                                       const std::vector<kube::GroupVersionResource>& served) const;
  ApiResult<bool> namespace_selected(const Webhook& webhook,
                                     const Write& write,
                                     const Json& object) const;
  std::vector<kube::GroupVersionResource> served_versions(const ServedType& type) const;
  ApiResult<Json> request_of(const Write& write, const Call& call, const Json& object) const;
  // The patch, if it gave one. Denials and failures that count are errors.
  ApiResult<std::optional<Json>> ask(const Write& write, const Call& call, const Json& object);
  ApiStatus patch_object(const Write& write,
                         const Call& call,
                         const Json& patch,
                         Json& object,
                         const Refine& refine) const;

  const ApiContext& context_;
  WebhookClient client_;
};

}  // namespace lateen::sandbox::webhooks
