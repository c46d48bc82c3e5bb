// What the controllers of workloads have in common: which pods are theirs, what a pod made from a
// template looks like, and when a pod counts.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kube/selector.h"
#include "sandbox/controllers/controller.h"

namespace lateen::sandbox {

bool is_pod_ready(const Json& pod);
// Ready for at least `min_ready` at `now`.
bool is_pod_available(const Json& pod, Duration min_ready, TimePoint now);
// Neither ended nor about to.
bool is_pod_active(const Json& pod);

// FNV-1a of the template in Kubernetes' safe alphabet: "6d4cf56db6". `collisions` tells apart what
// hashes alike.
std::string template_hash(const Json& pod_template, std::int64_t collisions = 0);

// A pod from owner.spec.template, owned by `owner`; exactly one of name and generate_name.
struct PodName {
  std::string name = {};
  std::string generate_name = {};
};

Json pod_from_template(const Json& owner, const Json& pod_template, const PodName& name);

// Those of `cache` in the owner's namespace that have it as their controller, after taking in those
// that fit its selector and have none (restored objects come without owners) and letting go of
// those that do not fit any more.
Result<std::vector<ObjectPtr>> claim_owned(Api& api,
                                           const ObjectCache& cache,
                                           const Json& owner,
                                           std::string_view field_manager,
                                           std::stop_token stop);

// Creates and waits until the cache has it.
Result<Json> create_seen(Api& api,
                         const ObjectCache& cache,
                         Json object,
                         std::string_view field_manager,
                         std::stop_token stop);
// Deletes that very object and waits until the cache knows.
Status remove_seen(Api& api, const ObjectCache& cache, const Json& object, std::stop_token stop);

// Writes `status` if it differs from the object's own.
Status write_status(Api& api,
                    const kube::GroupVersionResource& gvr,
                    const Json& object,
                    const Json& status,
                    std::string_view field_manager);

// Changes the object in place through a merge patch, and waits until the cache has that version.
Status patch_seen(Api& api,
                  const ObjectCache& cache,
                  const Json& object,
                  const Json& patch,
                  std::string_view field_manager,
                  std::stop_token stop);

// Sets one entry of a list of conditions; a transition time changes only with the status. Says
// whether anything changed.
bool set_condition(JsonArray& conditions,
                   std::string_view type,
                   bool value,
                   std::string_view reason,
                   std::string_view message,
                   TimePoint now);

// "25%" or 3 of `total`.
std::int64_t int_or_percent(const Json* value,
                            std::int64_t total,
                            bool round_up,
                            std::int64_t otherwise);

}  // namespace lateen::sandbox
