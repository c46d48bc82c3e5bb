#include "sandbox/api/object_merge.h"

#include <map>
#include <utility>

#include <fmt/format.h>

#include "kube/object.h"
#include "kube/patch.h"
#include "sandbox/api/strategy.h"
#include "sandbox/schema/merge_schema.h"

namespace lateen::sandbox {

namespace {

ApiError unprocessable(std::string_view message) {
  return {Error(Code::InvalidArgument, "{}", message), 422, "Invalid", {}};
}

}  // namespace

ApiResult<Json> apply_patch(const ServedType& type,
                            const Json& target,
                            PatchType patch_type,
                            const Json& patch) {
  switch (patch_type) {
    case PatchType::Json: {
      if (!patch.is_array())
        return bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch");
      auto done = kube::json_patch(target, patch);
      // The API server says no more than this, whatever did not fit.
      if (!done)
        return unprocessable("the server rejected our request due to an error in our request");
      return std::move(*done);
    }
    case PatchType::Merge:
      if (!patch.is_object()) return bad_request("Invalid JSON Patch");
      return kube::merge_patch(target, patch);
    case PatchType::StrategicMerge: {
      if (!patch.is_object()) return bad_request("Invalid JSON Patch");
      const auto rules = schema::merge_schema(type.group(), type.type.gvr.version, type.kind());
      auto done = kube::strategic_merge_patch(target, patch, *rules);
      if (!done) return bad_request(done.error().message());
      return std::move(*done);
    }
    case PatchType::Apply:
      break;
  }
  return bad_request("apply is not a patch of this form");
}

ApiStatus check_applied(const ServedType& type,
                        std::string_view ns,
                        std::string_view name,
                        Json& config,
                        const WriteOptions& options) {
  const std::string_view own_name = kube::name_of(config);
  if (!own_name.empty() && own_name != name) {
    return bad_request(fmt::format(
        "the name of the object ({}) does not match the name on the URL ({})", own_name, name));
  }
  const std::string_view own_ns = kube::namespace_of(config);
  if (!own_ns.empty() && own_ns != ns) {
    return bad_request(fmt::format(
        "the namespace of the object ({}) does not match the namespace on the request ({})", own_ns,
        ns));
  }
  if (kube::api_version_of(config).empty() || kube::kind_of(config).empty()) {
    return bad_request("Object 'Kind' is missing in '" + write_json(config) + "'");
  }
  // Decoded only to be judged: what is applied is what was said, without what decoding adds.
  TRY(decode_object(type, config, options));
  ensure(config, "metadata.name") = name;
  if (type.type.namespaced) ensure(config, "metadata.namespace") = ns;
  return {};
}

Json empty_object(const ServedType& type, std::string_view ns, std::string_view name) {
  Json object = {
      {"apiVersion", type.api_version()}, {"kind", type.kind()}, {"metadata", {{"name", name}}}};
  if (type.type.namespaced) ensure(object, "metadata.namespace") = ns;
  return object;
}

ApiError apply_conflict(const std::vector<FieldConflict>& conflicts) {
  std::map<std::string, std::vector<std::string>> by_manager;
  StatusDetails details;
  for (const FieldConflict& one : conflicts) {
    by_manager[one.text].push_back(to_string(one.path));
    details.causes.push_back(
        {.reason = "FieldManagerConflict", .message = one.text, .field = to_string(one.path)});
  }
  std::string text;
  for (const auto& [who, paths] : by_manager) {
    if (!text.empty()) text += "\n";
    if (paths.size() == 1) {
      text += fmt::format("{}: {}", who, paths.front());
      continue;
    }
    text += fmt::format("conflicts{}:", who.substr(std::string_view("conflict").size()));
    for (const std::string& path : paths)
      text += "\n- " + path;
  }
  return {Error(Code::Conflict, "Apply failed with {} conflict{}: {}", conflicts.size(),
                conflicts.size() == 1 ? "" : "s", text),
          409, "Conflict", std::move(details)};
}

}  // namespace lateen::sandbox
