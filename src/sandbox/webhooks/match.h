// Which webhooks a write concerns. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "kube/resource.h"
#include "sandbox/webhooks/webhook.h"

namespace lateen::sandbox::webhooks {

enum class Operation { Create, Update, Delete };

// "CREATE", ...
std::string_view to_string(Operation operation);

// Where a write goes.
struct Target {
  kube::GroupVersionResource gvr = {};
  std::string subresource = {};
  bool namespaced = false;
};

bool rule_matches(const Rule& rule, Operation operation, const Target& target);

// The version of the resource under which the webhook wants to see the write: the request's own, or
// with matchPolicy Equivalent another of `served`. Null: it does not concern this webhook.
const kube::GroupVersionResource* matching_version(
    const Webhook& webhook,
    Operation operation,
    const Target& target,
    std::span<const kube::GroupVersionResource> served);

// Either of them, where there is one, has labels that the selector selects.
bool object_selected(const Webhook& webhook, const Json* object, const Json* old_object);

}  // namespace lateen::sandbox::webhooks
