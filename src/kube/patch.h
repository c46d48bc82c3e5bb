// The patches that an API server takes, as pure functions over trees.
//
//   application/merge-patch+json            merge_patch, diff_merge_patch        RFC 7386
//   application/json-patch+json             json_patch                           RFC 6902,
//   evanphx/json-patch v4's limits application/strategic-merge-patch+json  strategic_merge_patch
//   Kubernetes' own
//
// The code of an Error says what an API server makes of it; the message is the Go library's, to be
// passed on:
//   InvalidArgument  the patch itself is malformed              400 BadRequest
//   Conflict         well formed, but it can't be applied here  422 Invalid
//   Unsupported      more operations or copying than allowed    413 RequestEntityTooLarge
//   Internal         Kubernetes answers 500 to it, too          500 InternalError
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace lateen::kube {

enum class PatchType { Merge, Json, StrategicMerge, Apply };

// "application/merge-patch+json", …; Apply is "application/apply-patch+yaml".
std::string_view content_type(PatchType type);

// RFC 7386: null removes, objects merge, everything else replaces. Key order of the target is kept.
Json merge_patch(Json target, const Json& patch);

// The smallest merge patch that turns `from` into `to`; {} when they are equal. Both are objects.
// A null inside `to` cannot be said in a merge patch: it reads as absent.
Json diff_merge_patch(const Json& from, const Json& to);

// RFC 6902 with the leniences of Kubernetes' library: `replace` makes an absent member of an
// object, negative indexes count from the end. At most 10,000 operations, which may copy 3 MiB in
// all.
Result<Json> json_patch(Json target, const Json& operations);

// How one field is merged: the patchStrategy and patchMergeKey of Kubernetes' API types
// (x-kubernetes-patch-strategy "merge,retainKeys" and x-kubernetes-patch-merge-key in OpenAPI).
struct MergeRule {
  bool merge =
      false;  // a list whose items are merged (by key, or as a set of scalars); else it is replaced
  bool replace = false;      // a map that is replaced whole
  bool retain_keys = false;  // a union: $retainKeys says which fields remain
  std::string merge_key;     // of a list of objects: "name", "uid", "mountPath"
};

// What strategic merge must know of a kind. Implementations are thread-safe.
class MergeSchema {
 public:
  MergeSchema() = default;
  MergeSchema(const MergeSchema&) = delete;
  MergeSchema& operator=(const MergeSchema&) = delete;
  virtual ~MergeSchema() = default;

  // `path` are field names from the object's root; list items add nothing to it:
  // spec.template.spec.containers[*].ports is {"spec","template","spec","containers","ports"}.
  // A field that is unknown or has no strategy answers MergeRule{}.
  virtual MergeRule rule(std::span<const std::string_view> path) const = 0;
};

// Knows nothing: maps merge, lists are replaced.
class NoMergeSchema final : public MergeSchema {
 public:
  MergeRule rule(std::span<const std::string_view>) const override { return {}; }
};

// Applies a strategic merge patch with its directives ($patch, $deleteFromPrimitiveList/x,
// $setElementOrder/x, $retainKeys).
Result<Json> strategic_merge_patch(Json target, const Json& patch, const MergeSchema& schema);

}  // namespace lateen::kube
