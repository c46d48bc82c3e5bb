// The patches of Writer: they turn into an update, or, for server-side apply, perhaps into a
// create.
#include <utility>

#include <fmt/format.h>

#include "kube/object.h"
#include "sandbox/api/conversion.h"
#include "sandbox/api/object_bytes.h"
#include "sandbox/api/object_merge.h"
#include "sandbox/api/scale.h"
#include "sandbox/api/strategy.h"
#include "sandbox/api/writer.h"
#include "sandbox/fields/managed_fields.h"

namespace lateen::sandbox {

ApiResult<Json> Writer::patched(const ServedType& type,
                                const Json& target,
                                PatchType patch_type,
                                const Json& patch) const {
  auto result = apply_patch(type, target, patch_type, patch);
  if (!result) return std::move(result.error());
  if (!result->is_object()) return bad_request("the patch leaves no object");
  // Name and namespace are the URL's, whatever the patch says.
  if (kube::name_of(*result) != kube::name_of(target)) {
    return bad_request("the name of the object (" + std::string(kube::name_of(*result)) +
                       ") does not match the name on the URL (" +
                       std::string(kube::name_of(target)) + ")");
  }
  return std::move(*result);
}

ApiResult<Written> Writer::patch(const ServedType& type,
                                 std::string_view ns,
                                 std::string_view name,
                                 PatchType patch_type,
                                 const Json& patch,
                                 const WriteOptions& options) {
  if (!type.type.has_verb("patch"))
    return method_not_allowed(type.group(), type.resource(), "patch");
  if (patch_type == PatchType::Apply) return apply(type, ns, name, patch, options);
  if (patch_type == PatchType::StrategicMerge && type.custom) return unsupported_media_type();
  for (int tries = 1;; ++tries) {
    const Current current = TRY(read_current(type, ns, name));
    const Json target = to_served(type, current.object);
    if (options.subresource == "scale") {
      const Json scale = TRY(make_scale(type, target));
      const Json changed = TRY(patched(type, scale, patch_type, patch));
      return update_scale(type, changed, options);
    }
    Json next = TRY(patched(type, target, patch_type, patch));
    const std::string version(kube::resource_version_of(next));
    const bool names_version = version != kube::resource_version_of(target);
    if (names_version && !version.empty()) return modified(type.group(), type.resource(), name);
    next = TRY(decode_object(type, std::move(next), options));
    Attempt attempt;
    auto written = replace(type, current, std::move(next), options, attempt);
    if (!attempt.stale || tries == kWriteAttempts) return written;
  }
}

ApiResult<Written> Writer::apply(const ServedType& type,
                                 std::string_view ns,
                                 std::string_view name,
                                 const Json& config,
                                 const WriteOptions& options) {
  if (options.field_manager.empty()) {
    return invalid("meta.k8s.io", "PatchOptions", "",
                   {{.reason = "FieldValueRequired",
                     .message = "Required value: is required for apply patch",
                     .field = "fieldManager"}});
  }
  if (find(config, "metadata.managedFields") != nullptr) {
    return bad_request("metadata.managedFields must be nil");
  }
  Json asked = config;
  if (!asked.is_object()) return bad_request("the applied configuration is not an object");
  TRY(check_applied(type, ns, name, asked, options));
  for (int tries = 1;; ++tries) {
    const StoredPtr stored = context_.store.find_newest(type.storage_key, ns, name);
    if (!stored && !options.subresource.empty())
      return not_found(type.group(), type.resource(), name);
    if (!stored && !kube::uid_of(asked).empty()) {
      return conflict(type.group(), type.resource(), name,
                      fmt::format("uid mismatch: the provided object specified uid {}, and no "
                                  "existing object was found",
                                  kube::uid_of(asked)));
    }
    Current current{.stored = stored, .object = Json()};
    if (stored) current.object = TRY(parse_stored(*stored));
    const Json live = stored ? to_served(type, current.object) : empty_object(type, ns, name);
    Applied applied = apply_config(live, asked, field_writer(type, options), options.force,
                                   field_schema_of(type), now());
    if (!applied.conflicts.empty()) return apply_conflict(applied.conflicts);
    if (!stored) {
      erase(applied.object, "metadata.resourceVersion");
      auto written = create_owned(type, ns, std::move(applied.object), options, Ownership::Applied);
      const bool beaten = !written && written.error().is(Code::AlreadyExists);
      if (!beaten || tries == kWriteAttempts) return written;
      continue;
    }
    Attempt attempt{.ownership = Ownership::Applied};
    Json next = TRY(decode_object(type, std::move(applied.object), options));
    auto written = replace(type, current, std::move(next), options, attempt);
    if (!attempt.stale || tries == kWriteAttempts) return written;
  }
}

}  // namespace lateen::sandbox
