#include "sandbox/api/object_bytes.h"

#include <utility>

#include "kube/object.h"

namespace lateen::sandbox {

namespace {

void append_member(Bytes& out, std::string_view key, const Json& value) {
  out.append(quoted(key)).append(":").append(write_json_unsorted(value)).append(",");
}

// The members of metadata up to and including uid, which the resourceVersion follows in what Go
// writes.
bool comes_before_resource_version(std::string_view key) {
  return key == "name" || key == "generateName" || key == "namespace" || key == "uid";
}

std::string type_head(std::string_view kind, std::string_view api_version) {
  return "{\"kind\":" + quoted(kind) + ",\"apiVersion\":" + quoted(api_version) + ",";
}

}  // namespace

std::string quoted(std::string_view text) {
  return write_json(Json(text));
}

Draft make_draft(const Json& object) {
  Draft draft;
  draft.ns = kube::namespace_of(object);
  draft.name = kube::name_of(object);
  draft.uid = kube::uid_of(object);
  draft.labels = kube::to_labels(kube::labels_of(object));
  draft.head = type_head(kube::kind_of(object), kube::api_version_of(object));
  draft.body = draft.head.size();
  draft.head += "\"metadata\":{";
  draft.tail = "\"";
  if (const JsonObject* metadata = object_at(object, "metadata")) {
    for (const auto& [key, value] : *metadata) {
      if (comes_before_resource_version(key)) append_member(draft.head, key, value);
    }
    for (const auto& [key, value] : *metadata) {
      if (key == "resourceVersion" || comes_before_resource_version(key)) continue;
      draft.tail.append(",").append(quoted(key)).append(":").append(write_json_unsorted(value));
    }
  }
  draft.head += "\"resourceVersion\":\"";
  draft.tail += "}";
  for (const auto& [key, value] : object.as_object()) {
    if (key == "kind" || key == "apiVersion" || key == "metadata") continue;
    draft.tail.append(",").append(quoted(key)).append(":").append(write_json_unsorted(value));
  }
  draft.tail += "}";
  return draft;
}

Result<Json> parse_stored(const StoredObject& object) {
  auto parsed = parse_json(object.bytes);
  if (!parsed)
    return std::move(parsed.error()).with_code(Code::Corrupt).wrap("stored object {}", object.name);
  return parsed;
}

Bytes with_type(const StoredObject& object, std::string_view kind, std::string_view api_version) {
  return type_head(kind, api_version).append(object.bytes, object.body);
}

}  // namespace lateen::sandbox
