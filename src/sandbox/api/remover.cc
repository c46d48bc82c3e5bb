#include "sandbox/api/remover.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/time.h"
#include "kube/object.h"
#include "sandbox/api/conversion.h"
#include "sandbox/api/deletion.h"
#include "sandbox/api/object_bytes.h"
#include "sandbox/api/reader.h"
#include "sandbox/crd/definition.h"

namespace lateen::sandbox {

namespace {

// Seconds that a pod is given to end: none for one that never started or has ended.
std::int64_t grace_of(const ServedType& type, const Json& object, const DeleteOptions& options) {
  if (!type.is("", "pods")) return 0;
  if (string_at(object, "spec.nodeName").empty()) return 0;
  const std::string_view phase = string_at(object, "status.phase");
  if (phase == "Succeeded" || phase == "Failed") return 0;
  if (options.grace_period_seconds) return *options.grace_period_seconds;
  return int_at(object, "spec.terminationGracePeriodSeconds").value_or(30);
}

void apply_propagation(std::string_view policy, Json& object) {
  if (policy.empty()) return;
  if (policy == "Orphan") {
    kube::remove_finalizer(object, kForegroundFinalizer);
    kube::add_finalizer(object, kOrphanFinalizer);
  } else if (policy == "Foreground") {
    kube::remove_finalizer(object, kOrphanFinalizer);
    kube::add_finalizer(object, kForegroundFinalizer);
  } else {
    kube::remove_finalizer(object, kOrphanFinalizer);
    kube::remove_finalizer(object, kForegroundFinalizer);
  }
}

ApiStatus check_policy(std::string_view policy) {
  if (policy.empty() || policy == "Orphan" || policy == "Foreground" || policy == "Background")
    return {};
  return invalid(
      "meta.k8s.io", "DeleteOptions", "",
      {{.reason = "FieldValueNotSupported",
        .message = fmt::format("Unsupported value: \"{}\": supported values: \"Foreground\", "
                               "\"Background\", \"Orphan\", \"nil\"",
                               policy),
        .field = "propagationPolicy"}});
}

ApiError precondition_failed(const ServedType& type, std::string_view name, std::string_view why) {
  return conflict(type.group(), type.kind(), name, why);
}

// The condition that `kubectl describe crd` shows while its objects are being removed.
void mark_terminating(Json& crd, std::string_view now) {
  Json& conditions = ensure(crd, "status.conditions");
  if (!conditions.is_array()) conditions = JsonArray{};
  conditions.as_array().push_back(
      {{"type", "Terminating"},
       {"status", "True"},
       {"lastTransitionTime", now},
       {"reason", "InstanceDeletionPending"},
       {"message",
        "CustomResourceDefinition marked for deletion; CustomResource deletion "
        "will begin soon"}});
}

}  // namespace

ApiStatus Remover::check_preconditions(const ServedType& type,
                                       const Json& object,
                                       const Preconditions& wanted) const {
  const std::string_view name = kube::name_of(object);
  const std::string_view uid = kube::uid_of(object);
  if (!wanted.uid.empty() && wanted.uid != uid) {
    return precondition_failed(type, name,
                               fmt::format("the UID in the precondition ({}) does not match the "
                                           "UID in record ({}). The object might have "
                                           "been deleted and then recreated",
                                           wanted.uid, uid));
  }
  const std::string_view version = kube::resource_version_of(object);
  if (!wanted.resource_version.empty() && wanted.resource_version != version) {
    return precondition_failed(type, name,
                               fmt::format("the ResourceVersion in the precondition ({}) does not "
                                           "match the ResourceVersion in record ({}). "
                                           "The object might have been modified",
                                           wanted.resource_version, version));
  }
  return {};
}

ApiStatus Remover::ask_webhooks(const ServedType& type,
                                const Json& object,
                                const DeleteOptions& options) {
  if (!webhooks_.any_mutating() && !webhooks_.any_validating()) return {};
  const Json served = to_served(type, object);
  JsonObject about = {{"kind", "DeleteOptions"}, {"apiVersion", "meta.k8s.io/v1"}};
  if (!options.propagation_policy.empty()) about["propagationPolicy"] = options.propagation_policy;
  if (options.grace_period_seconds) about["gracePeriodSeconds"] = *options.grace_period_seconds;
  if (options.dry_run) about["dryRun"] = JsonArray{"All"};
  webhooks::Write write{.type = type,
                        .operation = webhooks::Operation::Delete,
                        .ns = std::string(kube::namespace_of(object)),
                        .name = std::string(kube::name_of(object)),
                        .old_object = &served,
                        .dry_run = options.dry_run,
                        .caller = options.caller,
                        .warnings = options.warnings,
                        .options = std::move(about)};
  if (type.is("", "namespaces")) write.ns = write.name;
  Json nothing;
  TRY(webhooks_.mutate(write, nothing, [](Json object_now) { return object_now; }));
  return webhooks_.validate(write, nothing);
}

void Remover::mark_deleted(const ServedType& type, Json& object, std::int64_t grace) const {
  const bool first = !kube::is_being_deleted(object);
  const TimePoint end = context_.clock.now() + std::chrono::seconds(grace);
  ensure(object, "metadata.deletionTimestamp") = format_rfc3339(end);
  ensure(object, "metadata.deletionGracePeriodSeconds") = grace;
  if (!first) return;
  const auto generation = kube::generation_of(object);
  if (generation && *generation > 0) ensure(object, "metadata.generation") = *generation + 1;
  if (type.is("", "namespaces")) ensure(object, "status.phase") = "Terminating";
  if (type.is("apiextensions.k8s.io", "customresourcedefinitions")) {
    mark_terminating(object, format_rfc3339(context_.clock.now()));
  }
}

ApiResult<DeleteOutcome> Remover::remove(const ServedType& type,
                                         std::string_view ns,
                                         std::string_view name,
                                         const DeleteOptions& options) {
  if (!type.type.has_verb("delete"))
    return method_not_allowed(type.group(), type.resource(), "delete");
  TRY(check_policy(options.propagation_policy));
  TRY(admission_.admit_delete(type, name));
  for (int tries = 1;; ++tries) {
    const StoredPtr stored = context_.store.find_newest(type.storage_key, ns, name);
    if (!stored) return not_found(type.group(), type.resource(), name);
    Json object = TRY(parse_stored(*stored));
    TRY(check_preconditions(type, object, options.preconditions));
    if (tries == 1) TRY(ask_webhooks(type, object, options));
    const Json before = object;
    apply_propagation(options.propagation_policy, object);
    const std::int64_t grace = grace_of(type, object, options);
    const bool already = kube::is_being_deleted(object);
    const std::int64_t left = int_at(object, "metadata.deletionGracePeriodSeconds").value_or(0);
    // A second delete may shorten the wait, never lengthen it.
    if (!already || grace < left) mark_deleted(type, object, grace);
    const bool gone = is_free_to_go(object);
    if (gone && !already) object = before;
    if (options.dry_run || (!gone && object == before))
      return DeleteOutcome{.gone = gone, .object = to_served(type, std::move(object))};
    ApiResult<StoredPtr> done = gone ? writer_.store_removal(type, object, stored->revision)
                                     : writer_.store_change(type, object, stored->revision);
    if (done) {
      ensure(object, "metadata.resourceVersion") = std::to_string((*done)->revision);
      return DeleteOutcome{.gone = gone, .object = to_served(type, std::move(object))};
    }
    const bool raced = done.error().is(Code::Conflict) || done.error().is(Code::NotFound);
    if (!raced || tries == 20) return std::move(done.error());
  }
}

}  // namespace lateen::sandbox
