#include "sandbox/fields/field_schema.h"

#include <utility>

#include "sandbox/crd/structural.h"

namespace lateen::sandbox {

using schema::Shape;
using schema::ValueKind;

FieldSchema FieldSchema::of_type(const schema::Type* type) {
  FieldSchema at;
  at.source_ = type != nullptr ? Source::Type : Source::Untyped;
  at.type_ = type;
  at.is_root_ = true;
  return at;
}

FieldSchema FieldSchema::of_custom_resource(const Json* structural_schema) {
  FieldSchema at;
  at.source_ = Source::Structural;
  at.structural_ = structural_schema;
  at.is_root_ = true;
  return at;
}

std::vector<std::string> FieldSchema::list_keys() const {
  if (source_ == Source::Structural) return structural_list(structural_).map_keys;
  if (source_ != Source::Field || field_->list != schema::ListKind::Map) return {};
  return {field_->list_keys.begin(), field_->list_keys.end()};
}

bool FieldSchema::is_set() const {
  if (source_ == Source::Structural) return structural_list(structural_).is_set;
  return source_ == Source::Field && field_->list == schema::ListKind::Set;
}

bool FieldSchema::is_atomic() const {
  switch (source_) {
    case Source::Untyped:
      return false;
    case Source::Type:
      return type_->atomic;
    case Source::Structural:
      return structural_ != nullptr && string_at(*structural_, "x-kubernetes-map-type") == "atomic";
    case Source::Field:
      break;
  }
  if (field_->shape == Shape::Map && !in_list_) return field_->atomic_map;
  if (field_->kind != ValueKind::Object) return true;  // RawExtension and the like
  return field_->object->atomic || field_->atomic_map;
}

FieldShape FieldSchema::shape(const Json& value) const {
  if (value.is_object()) return is_atomic() ? FieldShape::Leaf : FieldShape::Members;
  if (value.is_array()) {
    if (!list_keys().empty()) return FieldShape::KeyedList;
    return is_set() ? FieldShape::SetList : FieldShape::Leaf;
  }
  return FieldShape::Leaf;
}

FieldSchema::Member FieldSchema::member(std::string_view name) const {
  FieldSchema next;
  if (source_ == Source::Structural) {
    if (is_root_ && name == "metadata") {
      static const schema::Type* const meta = schema::TypeTable::builtin().find_named(
          "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
      next = of_type(meta);
      next.is_root_ = false;
      next.always_there_ = true;
      return {.schema = next, .declared = true};
    }
    const StructuralField field = structural_member(structural_, name);
    next.source_ = Source::Structural;
    next.structural_ = field.schema;
    return {.schema = next, .declared = field.found};
  }
  const schema::Type* in = nullptr;
  if (source_ == Source::Type) in = type_;
  if (source_ == Source::Field) {
    if (field_->shape == Shape::Map && !in_list_) {
      next = *this;
      next.in_list_ = true;
      next.always_there_ = false;
      return {.schema = next, .declared = false};
    }
    in = field_->object;
  }
  const schema::Field* field = in != nullptr ? in->find(name) : nullptr;
  if (field == nullptr) return {.schema = next, .declared = false};
  next.source_ = Source::Field;
  next.field_ = field;
  // A list without omitempty (containers) is there as null before anyone writes it.
  const bool plain_struct =
      field->kind == ValueKind::Object && field->shape == Shape::Single && !field->pointer;
  next.always_there_ = plain_struct || field->always_written;
  return {.schema = next, .declared = true};
}

FieldSchema FieldSchema::item() const {
  FieldSchema next = *this;
  next.always_there_ = false;
  next.is_root_ = false;
  if (source_ == Source::Field) next.in_list_ = true;
  if (source_ == Source::Structural) next.structural_ = structural_item(structural_);
  return next;
}

std::optional<std::string> FieldSchema::element_of(const Json& item) const {
  const std::vector<std::string> keys = list_keys();
  if (keys.empty()) return "v:" + write_json(item);
  JsonObject chosen;
  for (const std::string& key : keys) {
    const Json* value = find(item, JsonKey{key});
    // A port's protocol is part of its key, and may be left out of what a client applies.
    if (value == nullptr && key == "protocol") {
      chosen[key] = "TCP";
      continue;
    }
    if (value != nullptr) chosen[key] = *value;
  }
  if (chosen.empty()) return std::nullopt;
  return "k:" + write_json(chosen);
}

}  // namespace lateen::sandbox
