#include "sandbox/api/strategy.h"

#include <utility>

#include <fmt/format.h>

#include "kube/object.h"
#include "sandbox/crd/structural.h"
#include "sandbox/crd/validation.h"
#include "sandbox/schema/decode.h"
#include "sandbox/schema/defaults.h"

namespace lateen::sandbox {

namespace {

using schema::FieldErrors;

// kind and apiVersion must be the URL's; both may be absent in-process.
ApiStatus check_type_meta(const ServedType& type, Json& object) {
  const std::string api_version = type.api_version();
  const std::string given_version(kube::api_version_of(object));
  const std::string given_kind(kube::kind_of(object));
  if (given_kind.empty() && !given_version.empty()) {
    return bad_request("Object 'Kind' is missing in '" + write_json(object) + "'");
  }
  if (!given_version.empty() && given_version != api_version) {
    return bad_request(
        fmt::format("the API version in the data ({}) does not match the expected API version ({})",
                    given_version, api_version));
  }
  if (!given_kind.empty() && given_kind != type.kind()) {
    return bad_request(
        fmt::format("{} in version \"{}\" cannot be handled as a {}: the kind in the data does not "
                    "match the expected kind ({})",
                    given_kind, type.type.gvr.version, type.kind(), type.kind()));
  }
  object.as_object()["apiVersion"] = api_version;
  object.as_object()["kind"] = type.kind();
  return {};
}

ApiStatus judge_strict_errors(const ServedType& type,
                              std::vector<std::string> errors,
                              const WriteOptions& options) {
  if (errors.empty() || options.field_validation == FieldValidation::Ignore) return {};
  if (options.field_validation == FieldValidation::Strict) {
    return bad_request(schema::strict_error_message(type.kind(), type.type.gvr.version, errors));
  }
  if (options.warnings != nullptr) {
    for (std::string& error : errors)
      options.warnings->push_back(std::move(error));
  }
  return {};
}

// A custom resource's metadata is typed like everyone's.
ApiStatus normalize_metadata(const ServedType& type,
                             Json& object,
                             std::vector<std::string>& strict_errors) {
  static const schema::Type* const meta =
      schema::TypeTable::builtin().find_named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
  Json& metadata = ensure(object, "metadata");
  if (!metadata.is_object()) metadata = JsonObject{};
  if (meta == nullptr) return {};
  if (auto fits = schema::check_types(*meta, metadata); !fits) {
    return bad_request(
        schema::decode_error_message(type.kind(), type.type.gvr.version, fits.error().message()));
  }
  for (const std::string& unknown : schema::unknown_fields(*meta, metadata)) {
    // `unknown field "x"` becomes `unknown field "metadata.x"`.
    const auto quote = unknown.find('"');
    strict_errors.push_back(
        quote == std::string::npos ? unknown : std::string(unknown).insert(quote + 1, "metadata."));
  }
  Json normal = schema::normalized(*meta, metadata);
  // Only top-level objects have these; they would be put first.
  erase(normal, "apiVersion");
  erase(normal, "kind");
  metadata = std::move(normal);
  return {};
}

ApiResult<Json> decode_custom(const ServedType& type, Json object, const WriteOptions& options) {
  std::vector<std::string> errors;
  TRY(normalize_metadata(type, object, errors));
  for (const std::string& field : prune_unknown_fields(type.custom->schema, object)) {
    errors.push_back(fmt::format("unknown field \"{}\"", field));
  }
  errors.insert(errors.end(), options.duplicate_fields.begin(), options.duplicate_fields.end());
  TRY(judge_strict_errors(type, std::move(errors), options));
  return object;
}

// Everything but metadata, and but the status where that has its own subresource.
bool has_spec_changed(const ServedType& type, const Json& old_object, const Json& object) {
  const auto counts = [&type](std::string_view name) {
    return name != "metadata" && !(type.has_status() && name == "status");
  };
  const JsonObject& before = old_object.as_object();
  const JsonObject& after = object.as_object();
  for (const auto& member : after) {
    if (!counts(member.key())) continue;
    const Json* old_value = before.if_contains(member.key());
    if (old_value == nullptr || *old_value != member.value()) return true;
  }
  for (const auto& member : before) {
    if (counts(member.key()) && after.if_contains(member.key()) == nullptr) return true;
  }
  return false;
}

void copy_member(const Json& from, Json& to, std::string_view name) {
  const Json* value = find(from, JsonKey{name});
  if (value != nullptr) {
    to.as_object()[name] = *value;
  } else {
    erase(to.as_object(), JsonKey{name});
  }
}

void prepare_custom_update(const ServedType& type, const Json& old_object, Json& object) {
  if (type.has_status()) copy_member(old_object, object, "status");
  const std::int64_t generation = kube::generation_of(old_object).value_or(1);
  ensure(object, "metadata.generation") =
      has_spec_changed(type, old_object, object) ? generation + 1 : generation;
}

void prepare_custom_status(const Json& old_object, Json& object) {
  const Json* status = find(object, "status");
  Json next = old_object;
  if (const Json* managed = find(object, "metadata.managedFields")) {
    ensure(next, "metadata.managedFields") = *managed;
  }
  if (status != nullptr) {
    next.as_object()["status"] = *status;
  } else {
    erase(next, "status");
  }
  object = std::move(next);
}

ApiStatus judge(const ServedType& type, const Json& object, const FieldErrors& errors) {
  if (errors.empty()) return {};
  return invalid_object(type, kube::name_of(object), errors);
}

void append(FieldErrors& into, FieldErrors more) {
  for (auto& error : more)
    into.push_back(std::move(error));
}

}  // namespace

ApiResult<Json> decode_object(const ServedType& type, Json object, const WriteOptions& options) {
  if (!object.is_object()) return bad_request("the object provided is not a JSON object");
  TRY(check_type_meta(type, object));
  if (type.custom) return decode_custom(type, std::move(object), options);
  if (type.fields == nullptr) return object;
  auto decoded = schema::decode_object(*type.fields, object);
  if (!decoded) {
    return bad_request(schema::decode_error_message(type.kind(), type.type.gvr.version,
                                                    decoded.error().message()));
  }
  std::vector<std::string> errors = std::move(decoded->strict_errors);
  errors.insert(errors.end(), options.duplicate_fields.begin(), options.duplicate_fields.end());
  TRY(judge_strict_errors(type, std::move(errors), options));
  return std::move(decoded->object);
}

void fill_in_defaults(const ServedType& type, Json& object) {
  if (type.custom) {
    apply_schema_defaults(type.custom->schema, object);
  } else {
    schema::apply_defaults(type.group(), type.type.gvr.version, type.kind(), object);
  }
}

void prepare_for_create(const ServedType& type, Json& object) {
  if (type.custom) {
    if (type.has_status()) erase(object, "status");
    ensure(object, "metadata.generation") = 1;
  } else {
    schema::prepare_for_create(type.group(), type.type.gvr.version, type.kind(), object);
  }
}

void prepare_for_update(const ServedType& type, const Json& old_object, Json& object) {
  if (type.custom) {
    prepare_custom_update(type, old_object, object);
  } else {
    schema::prepare_for_update(type.group(), type.type.gvr.version, type.kind(), old_object,
                               object);
  }
}

void prepare_for_status_update(const ServedType& type, const Json& old_object, Json& object) {
  if (type.custom) {
    prepare_custom_status(old_object, object);
  } else {
    schema::prepare_for_status_update(type.group(), type.type.gvr.version, type.kind(), old_object,
                                      object);
  }
}

ApiStatus validate_create(const ServedType& type, const Json& object) {
  if (!type.custom) {
    return judge(type, object,
                 schema::validate_create(type.group(), type.type.gvr.version, type.kind(), object));
  }
  FieldErrors errors =
      schema::validate_metadata(object, type.type.namespaced, schema::NameRule::DnsSubdomain);
  append(errors, validate_custom_resource(type.custom->schema, object));
  return judge(type, object, errors);
}

ApiStatus validate_update(const ServedType& type, const Json& old_object, const Json& object) {
  if (!type.custom) {
    return judge(type, object,
                 schema::validate_update(type.group(), type.type.gvr.version, type.kind(),
                                         old_object, object));
  }
  FieldErrors errors = schema::validate_metadata_update(old_object, object);
  append(errors, validate_custom_resource(type.custom->schema, object));
  return judge(type, object, errors);
}

ApiError invalid_object(const ServedType& type, std::string_view name, const FieldErrors& errors) {
  std::vector<StatusCause> causes;
  for (const schema::FieldError& error : errors) {
    causes.push_back({.reason = std::string(error.cause_reason()),
                      .message = error.cause_message(),
                      .field = error.field});
  }
  return invalid(type.group(), type.kind(), name, std::move(causes));
}

FieldSchema field_schema_of(const ServedType& type) {
  return type.custom ? FieldSchema::of_custom_resource(&type.custom->schema)
                     : FieldSchema::of_type(type.fields);
}

}  // namespace lateen::sandbox
