// Where the writer meets admission webhooks: they see objects in the version of the request, the
// writer works on the one that is stored.
#include <algorithm>
#include <iterator>
#include <utility>

#include "kube/object.h"
#include "sandbox/api/conversion.h"
#include "sandbox/api/strategy.h"
#include "sandbox/api/unenforced.h"
#include "sandbox/api/writer.h"

namespace lateen::sandbox {

namespace {

std::string_view options_kind(bool creating) {
  return creating ? "CreateOptions" : "UpdateOptions";
}

Json options_json(bool creating, const WriteOptions& options) {
  JsonObject out;
  out["kind"] = options_kind(creating);
  out["apiVersion"] = "meta.k8s.io/v1";
  if (options.dry_run) out["dryRun"] = JsonArray{"All"};
  if (!options.field_manager.empty()) out["fieldManager"] = options.field_manager;
  if (options.field_validation == FieldValidation::Strict) out["fieldValidation"] = "Strict";
  return out;
}

webhooks::Write write_of(const ServedType& type,
                         const Json* old_object,
                         const Json& object,
                         const WriteOptions& options) {
  const bool creating = old_object == nullptr;
  webhooks::Write write{
      .type = type,
      .operation = creating ? webhooks::Operation::Create : webhooks::Operation::Update,
      .subresource = options.subresource,
      .ns = std::string(kube::namespace_of(object)),
      .name = std::string(kube::name_of(object)),
      .old_object = old_object,
      .dry_run = options.dry_run,
      .caller = options.caller,
      .warnings = options.warnings,
      .options = options_json(creating, options)};
  if (type.is("", "namespaces")) write.ns = write.name;
  return write;
}

// What a webhook may not change: whose object it is.
void keep_identity(const Json& from, Json& to) {
  for (const std::string_view path : {"metadata.name", "metadata.namespace", "metadata.uid"}) {
    if (const Json* value = find(from, path)) ensure(to, path) = *value;
  }
}

}  // namespace

ApiStatus Writer::ask_mutating(const ServedType& type,
                               const Json* old_object,
                               Json& object,
                               const WriteOptions& options) {
  if (!webhooks_.any_mutating()) return {};
  ServedTypePtr keep;
  const ServedType& stored_type = storage_type(type, keep);
  const Json old_served = old_object != nullptr ? to_served(type, *old_object) : Json();
  Json served = to_served(type, object);
  const Json before = served;
  const auto refine = [&](Json patched) -> ApiResult<Json> {
    keep_identity(before, patched);
    patched = to_storage(type, TRY(decode_object(type, std::move(patched), {})));
    fill_in_defaults(stored_type, patched);
    return to_served(type, std::move(patched));
  };
  const webhooks::Write write =
      write_of(type, old_object != nullptr ? &old_served : nullptr, served, options);
  TRY(webhooks_.mutate(write, served, refine));
  if (served != before) object = to_storage(type, std::move(served));
  return {};
}

ApiStatus Writer::ask_validating(const ServedType& type,
                                 const Json* old_object,
                                 const Json& object,
                                 const WriteOptions& options) {
  if (!webhooks_.any_validating()) return {};
  const Json old_served = old_object != nullptr ? to_served(type, *old_object) : Json();
  const Json served = to_served(type, object);
  const webhooks::Write write =
      write_of(type, old_object != nullptr ? &old_served : nullptr, served, options);
  return webhooks_.validate(write, served);
}

void Writer::warn_of_unenforced(const ServedType& type,
                                const Json& object,
                                const WriteOptions& options) {
  if (options.warnings == nullptr || !options.subresource.empty()) return;
  std::ranges::move(unenforced(type, object), std::back_inserter(*options.warnings));
}

}  // namespace lateen::sandbox
