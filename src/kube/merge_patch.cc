#include "kube/patch.h"

namespace lateen::kube {

std::string_view content_type(PatchType type) {
  switch (type) {
    case PatchType::Merge:
      return "application/merge-patch+json";
    case PatchType::Json:
      return "application/json-patch+json";
    case PatchType::StrategicMerge:
      return "application/strategic-merge-patch+json";
    case PatchType::Apply:
      return "application/apply-patch+yaml";
  }
  return "";
}

Json merge_patch(Json target, const Json& patch) {
  if (!patch.is_object()) return patch;
  if (!target.is_object()) target = JsonObject();
  JsonObject& object = target.as_object();
  for (const auto& [key, value] : patch.as_object()) {
    if (value.is_null()) {
      erase(object, JsonKey{key});
      continue;
    }
    Json& place = object[key];
    place = merge_patch(std::move(place), value);
  }
  return target;
}

namespace {

// Without the nulls in objects: what a merge patch can bring about.
Json without_nulls(const Json& value) {
  if (!value.is_object()) return value;
  JsonObject out;
  for (const auto& [key, member] : value.as_object()) {
    if (!member.is_null()) out[key] = without_nulls(member);
  }
  return out;
}

}  // namespace

Json diff_merge_patch(const Json& from, const Json& to) {
  JsonObject patch;
  const JsonObject empty;
  const JsonObject& before = from.is_object() ? from.as_object() : empty;
  const JsonObject& after = to.is_object() ? to.as_object() : empty;
  for (const auto& [key, value] : before) {
    const Json* kept = after.if_contains(key);
    if (!value.is_null() && (kept == nullptr || kept->is_null())) patch[key] = nullptr;
  }
  for (const auto& [key, value] : after) {
    const Json* old = before.if_contains(key);
    if (value.is_null() || (old != nullptr && *old == value)) continue;
    if (old != nullptr && old->is_object() && value.is_object()) {
      Json inner = diff_merge_patch(*old, value);
      if (!inner.as_object().empty()) patch[key] = std::move(inner);
    } else {
      patch[key] = without_nulls(value);
    }
  }
  return patch;
}

}  // namespace lateen::kube
