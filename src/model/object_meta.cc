#include "model/object_meta.h"

#include <algorithm>

#include "base/text.h"
#include "model/codec.h"
#include "model/label_selector.h"

namespace lateen::model {
namespace {

std::string_view value_of(const StringMap& map, std::string_view key) {
  const auto found = map.find(key);
  return found == map.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace

std::string KindInfo::api_version() const {
  return fmt::format("{}/{}", group, version);
}

std::string_view ObjectMeta::label(std::string_view key) const {
  return value_of(labels, key);
}

std::string_view ObjectMeta::annotation(std::string_view key) const {
  return value_of(annotations, key);
}

bool ObjectMeta::has_finalizer(std::string_view finalizer) const {
  return std::ranges::find(finalizers, finalizer) != finalizers.end();
}

void ObjectMeta::add_finalizer(std::string_view finalizer) {
  if (!has_finalizer(finalizer)) finalizers.emplace_back(finalizer);
}

bool ObjectMeta::remove_finalizer(std::string_view finalizer) {
  return std::erase(finalizers, finalizer) > 0;
}

bool TypedLocalObjectReference::is_config_map() const {
  return equals_ignoring_case(kind, "configmap");
}

template Result<ObjectMeta> from_json(const Json&);
template Json to_json(const ObjectMeta&);
template Result<OwnerReference> from_json(const Json&);
template Json to_json(const OwnerReference&);
template Result<ObjectReference> from_json(const Json&);
template Json to_json(const ObjectReference&);
template Result<LabelSelector> from_json(const Json&);
template Json to_json(const LabelSelector&);

}  // namespace lateen::model
