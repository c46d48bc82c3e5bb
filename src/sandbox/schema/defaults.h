// What the API server fills in by itself: the values that a stored object has though nobody wrote
// them.
#pragma once

#include <string_view>

#include "base/json.h"

namespace lateen::sandbox::schema {

// The defaults of a built-in kind (spec.replicas 1, dnsPolicy ClusterFirst …). Idempotent; runs on
// each create, update and patch after the object was normalized. Kinds without defaults are left as
// they are.
void apply_defaults(std::string_view group,
                    std::string_view version,
                    std::string_view kind,
                    Json& object);

// What is done once, on create, after the defaults and once metadata.uid is set: status reset to
// its first value (Pod Pending, Namespace Active, PVC Pending …), Secret stringData merged, a Job's
// selector and controller-uid labels made, Namespace finalizers, pods' qosClass and tolerations,
// generation 1 where the kind has one.
void prepare_for_create(std::string_view group,
                        std::string_view version,
                        std::string_view kind,
                        Json& object);

// What is done on an update (not of a subresource): status kept from `old_object`, generation
// raised when the spec changed, Secret stringData merged.
void prepare_for_update(std::string_view group,
                        std::string_view version,
                        std::string_view kind,
                        const Json& old_object,
                        Json& object);

// An update of the status subresource: everything but status, and metadata that status writers may
// not touch, is taken from `old_object`.
void prepare_for_status_update(std::string_view group,
                               std::string_view version,
                               std::string_view kind,
                               const Json& old_object,
                               Json& object);

// Whether the kind has metadata.generation (custom resources always have).
bool has_generation(std::string_view group, std::string_view kind);

// Whether a plain update leaves status alone, since there is a status subresource.
bool has_status_subresource(std::string_view group,
                            std::string_view version,
                            std::string_view kind);

}  // namespace lateen::sandbox::schema
