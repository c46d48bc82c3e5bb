#include "sandbox/api/writer.h"

#include <utility>

#include <fmt/format.h>

#include "base/time.h"
#include "kube/object.h"
#include "sandbox/api/conversion.h"
#include "sandbox/api/deletion.h"
#include "sandbox/api/object_bytes.h"
#include "sandbox/api/reader.h"
#include "sandbox/api/scale.h"
#include "sandbox/api/strategy.h"
#include "sandbox/crd/definition.h"
#include "sandbox/fields/managed_fields.h"
#include "sandbox/rbac/escalation.h"

namespace lateen::sandbox {

namespace {

constexpr std::size_t kMaxGeneratedBase = 58;

Written shown(const ServedType& type, Json stored, std::uint64_t revision) {
  if (revision != 0) ensure(stored, "metadata.resourceVersion") = std::to_string(revision);
  return {.object = to_served(type, std::move(stored)), .created = false};
}

void copy_metadata(const Json& from, Json& to, std::string_view name) {
  const std::string path = fmt::format("metadata.{}", name);
  if (const Json* value = find(from, path)) {
    ensure(to, path) = *value;
  } else {
    erase(to, path);
  }
}

ApiError store_error(const ServedType& type, const Json& object, const Error& error) {
  const std::string_view name = kube::name_of(object);
  if (error.is(Code::Conflict)) return modified(type.group(), type.resource(), name);
  if (error.is(Code::NotFound)) return not_found(type.group(), type.resource(), name);
  return Error(error);
}

}  // namespace

FieldWriter Writer::field_writer(const ServedType& type, const WriteOptions& options) {
  return {.manager = options.field_manager.empty() ? "lateen" : options.field_manager,
          .api_version = type.api_version(),
          .subresource = options.subresource,
          .ignores_status = options.subresource.empty() && type.has_status()};
}

std::string Writer::now() const {
  return format_rfc3339(context_.clock.now());
}

const ServedType& Writer::storage_type(const ServedType& type, ServedTypePtr& keep) const {
  if (type.custom || type.is_storage_version()) return type;
  const auto at = kube::parse_api_version(type.storage_api_version);
  if (at) {
    keep = context_.registry.get()->find(
        {.group = at->group, .version = at->version, .resource = type.resource()});
  }
  return keep ? *keep : type;
}

ApiResult<Writer::Current> Writer::read_current(const ServedType& type,
                                                std::string_view ns,
                                                std::string_view name) const {
  Current current{.stored = context_.store.find_newest(type.storage_key, ns, name),
                  .object = nullptr};
  if (!current.stored) return not_found(type.group(), type.resource(), name);
  current.object = TRY(parse_stored(*current.stored));
  return current;
}

// ---- Create

ApiStatus Writer::prepare_new(const ServedType& type, std::string_view ns, Json& object) const {
  Json& metadata = ensure(object, "metadata");
  if (!metadata.is_object()) metadata = JsonObject{};
  const std::string own_ns(kube::namespace_of(object));
  if (type.type.namespaced) {
    if (!own_ns.empty() && own_ns != ns) {
      return bad_request(
          "the namespace of the provided object does not match the namespace sent on the request");
    }
    ensure(object, "metadata.namespace") = ns;
  } else {
    erase(object, "metadata.namespace");
  }
  const std::string_view version = kube::resource_version_of(object);
  if (!version.empty() && version != "0") {
    // What etcd's storage says: an error without a reason.
    return ApiError(
        Error(Code::InvalidArgument, "resourceVersion should not be set on objects to be created"),
        500, "", {}, false);
  }
  erase(object, "metadata.resourceVersion");
  erase(object, "metadata.deletionTimestamp");
  erase(object, "metadata.deletionGracePeriodSeconds");
  erase(object, "metadata.selfLink");
  ensure(object, "metadata.uid") = uuid4(context_.rng);
  ensure(object, "metadata.creationTimestamp") = now();
  return {};
}

ApiResult<Written> Writer::create(const ServedType& type,
                                  std::string_view ns,
                                  Json object,
                                  const WriteOptions& options) {
  return create_owned(type, ns, std::move(object), options, Ownership::Record);
}

ApiResult<Written> Writer::create_owned(const ServedType& type,
                                        std::string_view ns,
                                        Json object,
                                        const WriteOptions& options,
                                        Ownership ownership) {
  if (!type.type.has_verb("create"))
    return method_not_allowed(type.group(), type.resource(), "create");
  object = TRY(decode_object(type, std::move(object), options));
  TRY(prepare_new(type, ns, object));
  const std::string base(string_at(object, "metadata.generateName"));
  if (!kube::name_of(object).empty() || base.empty())
    return create_named(type, std::move(object), options, ownership);
  for (int attempt = 1;; ++attempt) {
    Json named = object;
    ensure(named, "metadata.name") =
        base.substr(0, kMaxGeneratedBase) + random_suffix(context_.rng);
    auto written = create_named(type, std::move(named), options, ownership);
    if (written || !written.error().is(Code::AlreadyExists) || attempt == kWriteAttempts)
      return written;
  }
}

ApiResult<Written> Writer::create_named(const ServedType& type,
                                        Json object,
                                        const WriteOptions& options,
                                        Ownership ownership) {
  ServedTypePtr keep;
  const ServedType& stored_type = storage_type(type, keep);
  object = to_storage(type, std::move(object));
  const std::string name(kube::name_of(object));
  // Told before anything is validated or allocated: clients rely on it to find out what is there.
  if (context_.store.find_newest(type.storage_key, kube::namespace_of(object), name)) {
    TRY(admission_.check_namespace(type, object));
    return already_exists(type.group(), type.resource(), name);
  }
  fill_in_defaults(stored_type, object);
  prepare_for_create(stored_type, object);
  if (options.caller != nullptr)
    TRY(rbac::check_escalation(authorizer_, *options.caller, type, nullptr, object));
  // Before admission: what the cluster allocates (addresses, node ports) is not the writer's, and
  // backup tools tell by managedFields which node ports a person chose.
  if (ownership == Ownership::Record) {
    record_update(nullptr, object, field_writer(type, options), field_schema_of(stored_type),
                  now());
  }
  TRY(admission_.admit_create(stored_type, object));
  TRY(ask_mutating(type, nullptr, object, options));
  TRY(admission_.allocate(stored_type, nullptr, object));
  const bool is_service = type.is("", "services");
  const auto give_back = [&] {
    if (is_service) services_.forget(kube::object_key(object));
  };
  auto valid = validate_create(stored_type, object);
  if (valid) valid = ask_validating(type, nullptr, object, options);
  if (!valid) {
    give_back();
    return std::move(valid.error());
  }
  if (type.is("apiextensions.k8s.io", "customresourcedefinitions")) {
    kube::add_finalizer(object, "customresourcecleanup.apiextensions.k8s.io");
    establish(object, find_name_clash(*context_.registry.get(), object), now());
  }
  warn_of_unenforced(type, object, options);
  if (options.dry_run) {
    give_back();
    return shown(type, std::move(object), 0);
  }
  auto stored = context_.store.create(type.storage_key, make_draft(object));
  if (!stored) {
    give_back();
    if (stored.error().is(Code::AlreadyExists))
      return already_exists(type.group(), type.resource(), name);
    return std::move(stored.error());
  }
  if (is_service) services_.settle(object);
  Written written = shown(type, std::move(object), (*stored)->revision);
  written.created = true;
  return written;
}

// ---- Update

ApiStatus Writer::check_identity(const ServedType& type,
                                 const Json& old_object,
                                 const Json& object) const {
  const std::string_view uid = kube::uid_of(object);
  const std::string_view old_uid = kube::uid_of(old_object);
  if (uid.empty() || uid == old_uid) return {};
  return conflict(
      type.group(), type.resource(), kube::name_of(object),
      fmt::format(
          "StorageError: invalid object, Code: 4, Key: /registry/{}/{}, ResourceVersion: 0, "
          "AdditionalErrorMsg: Precondition failed: UID in precondition: {}, UID in object meta: "
          "{}",
          type.storage_key, kube::object_key(object), uid, old_uid));
}

ApiResult<Written> Writer::update(const ServedType& type,
                                  Json object,
                                  const WriteOptions& options) {
  if (options.subresource == "scale") return update_scale(type, object, options);
  if (!type.type.has_verb("update"))
    return method_not_allowed(type.group(), type.resource(), "update");
  object = TRY(decode_object(type, std::move(object), options));
  const std::string ns(kube::namespace_of(object));
  const std::string name(kube::name_of(object));
  const std::string version(kube::resource_version_of(object));
  const std::uint64_t expected = TRY(parse_resource_version(version));
  if (expected == 0 && type.custom) {
    return invalid(type.group(), type.resource(), name,
                   {{.reason = "FieldValueInvalid",
                     .message = "Invalid value: 0: must be specified for an update",
                     .field = "metadata.resourceVersion"}});
  }
  for (int tries = 1;; ++tries) {
    const Current current = TRY(read_current(type, ns, name));
    if (expected != 0 && current.stored->revision != expected) {
      return modified(type.group(), type.resource(), name);
    }
    Attempt attempt;
    auto written = replace(type, current, object, options, attempt);
    if (!attempt.stale || expected != 0 || tries == kWriteAttempts) return written;
  }
}

ApiResult<Json> Writer::prepare_replacement(const ServedType& type,
                                            const ServedType& stored_type,
                                            const Current& current,
                                            Json next,
                                            const WriteOptions& options) {
  const Json& old_object = current.object;
  TRY(check_identity(type, old_object, next));
  for (const std::string_view fixed : {"uid", "creationTimestamp", "deletionTimestamp",
                                       "deletionGracePeriodSeconds", "selfLink", "namespace"}) {
    copy_metadata(old_object, next, fixed);
  }
  erase(next, "metadata.resourceVersion");
  if (find(next, "metadata.managedFields") == nullptr)
    copy_metadata(old_object, next, "managedFields");
  next = to_storage(type, std::move(next));
  const std::string& sub = options.subresource;
  if (!sub.empty() && sub != "status") {
    TRY(keep_only_subresource(sub, old_object, next));
  }
  if (sub != "status") fill_in_defaults(stored_type, next);
  if (sub == "status") {
    prepare_for_status_update(stored_type, old_object, next);
    fill_in_defaults(stored_type, next);
  } else if (sub.empty()) {
    prepare_for_update(stored_type, old_object, next);
    if (options.caller != nullptr)
      TRY(rbac::check_escalation(authorizer_, *options.caller, type, &old_object, next));
    TRY(admission_.admit_update(stored_type, old_object, next));
  } else if (sub == "ephemeralcontainers" || sub == "resize") {
    const auto generation = kube::generation_of(old_object);
    if (generation) ensure(next, "metadata.generation") = *generation + 1;
  }
  return next;
}

ApiStatus Writer::check_replacement(const ServedType& type,
                                    const Current& current,
                                    Json& next,
                                    const WriteOptions& options,
                                    const Attempt& attempt) {
  ServedTypePtr keep;
  const ServedType& stored_type = storage_type(type, keep);
  const std::string& sub = options.subresource;
  if (attempt.asks_webhooks && webhooks_.any_mutating()) {
    TRY(ask_mutating(type, &current.object, next, options));
    if (sub.empty()) prepare_for_update(stored_type, current.object, next);
  }
  if (sub.empty()) TRY(admission_.allocate(stored_type, &current.object, next));
  // Subresources with a shape of their own were checked by keep_only_subresource; a status is its
  // writer's word.
  if (sub.empty() || (sub == "status" && type.custom))
    TRY(validate_update(stored_type, current.object, next));
  if (attempt.asks_webhooks) TRY(ask_validating(type, &current.object, next, options));
  return {};
}

ApiResult<Written> Writer::replace(const ServedType& type,
                                   const Current& current,
                                   Json next,
                                   const WriteOptions& options,
                                   Attempt& attempt) {
  ServedTypePtr keep;
  const ServedType& stored_type = storage_type(type, keep);
  next = TRY(prepare_replacement(type, stored_type, current, std::move(next), options));
  if (type.is("apiextensions.k8s.io", "customresourcedefinitions")) {
    establish(next, find_name_clash(*context_.registry.get(), next), now());
  }
  if (attempt.ownership == Ownership::Record) {
    record_update(&current.object, next, field_writer(type, options), field_schema_of(stored_type),
                  now());
  }
  TRY(check_replacement(type, current, next, options, attempt));
  copy_metadata(current.object, next, "resourceVersion");
  if (next != current.object) warn_of_unenforced(type, next, options);
  if (next == current.object || options.dry_run) return shown(type, std::move(next), 0);
  auto stored = store_change(type, next, current.stored->revision);
  if (!stored) {
    attempt.stale = stored.error().is(Code::Conflict);
    return std::move(stored.error());
  }
  return shown(type, std::move(next), (*stored)->revision);
}

ApiResult<StoredPtr> Writer::store_change(const ServedType& type,
                                          const Json& object,
                                          std::uint64_t revision) {
  if (kube::is_being_deleted(object) && is_free_to_go(object))
    return store_removal(type, object, revision);
  auto stored = context_.store.replace(type.storage_key, make_draft(object), revision);
  if (!stored) return store_error(type, object, stored.error());
  if (type.is("", "services")) services_.settle(object);
  return std::move(*stored);
}

ApiResult<StoredPtr> Writer::store_removal(const ServedType& type,
                                           const Json& object,
                                           std::uint64_t revision) {
  auto stored = context_.store.remove(type.storage_key, make_draft(object), revision);
  if (!stored) return store_error(type, object, stored.error());
  if (type.is("", "services")) services_.forget(kube::object_key(object));
  return std::move(*stored);
}

// ---- Scale

ApiResult<Json> Writer::scale_of(const ServedType& type, const Json& object) const {
  return make_scale(type, object);
}

ApiResult<Written> Writer::update_scale(const ServedType& type,
                                        const Json& scale,
                                        const WriteOptions& options) {
  const auto replicas = int_at(scale, "spec.replicas");
  const std::string ns(kube::namespace_of(scale));
  const std::string name(kube::name_of(scale));
  const std::uint64_t expected = TRY(parse_resource_version(kube::resource_version_of(scale)));
  if (replicas.value_or(0) < 0) {
    return invalid("autoscaling", "Scale", name,
                   {{.reason = "FieldValueInvalid",
                     .message = fmt::format("Invalid value: {}: must be greater than or equal to 0",
                                            *replicas),
                     .field = "spec.replicas"}});
  }
  for (int tries = 1;; ++tries) {
    const Current current = TRY(read_current(type, ns, name));
    if (expected != 0 && current.stored->revision != expected) {
      return modified(type.group(), type.resource(), name);
    }
    Json next = to_served(type, current.object);
    ensure(next, scale_paths_of(type).spec_replicas) = replicas.value_or(0);
    WriteOptions plain = options;
    plain.subresource.clear();
    Attempt attempt{.asks_webhooks = false};
    auto written = replace(type, current, std::move(next), plain, attempt);
    if (attempt.stale && expected == 0 && tries < kWriteAttempts) continue;
    if (!written) return written;
    written->object = TRY(make_scale(type, written->object));
    return written;
  }
}

}  // namespace lateen::sandbox
