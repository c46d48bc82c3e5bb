#include "sandbox/schema/merge_schema.h"

namespace lateen::sandbox::schema {
namespace {

class TypeMergeSchema final : public kube::MergeSchema {
 public:
  explicit TypeMergeSchema(const Type& type) : type_(type) {}

  kube::MergeRule rule(std::span<const std::string_view> path) const override {
    const Type* type = &type_;
    const Field* field = nullptr;
    bool at_map_key = false;
    for (const std::string_view segment : path) {
      if (at_map_key) {  // a key of a map of objects: the rules go on in its value
        at_map_key = false;
        field = nullptr;
        continue;
      }
      if (type == nullptr) return {};
      field = type->find(segment);
      if (field == nullptr) return {};
      type = field->kind == ValueKind::Object ? field->object : nullptr;
      at_map_key = field->shape == Shape::Map;
    }
    if (field == nullptr) return {};
    return {.merge = field->merge,
            .replace = field->replace,
            .retain_keys = field->retain_keys,
            .merge_key = std::string(field->merge_key)};
  }

 private:
  const Type& type_;
};

}  // namespace

std::unique_ptr<const kube::MergeSchema> merge_schema(std::string_view group,
                                                      std::string_view version,
                                                      std::string_view kind) {
  const Type* type = TypeTable::builtin().find(group, version, kind);
  if (type == nullptr) return std::make_unique<kube::NoMergeSchema>();
  return std::make_unique<TypeMergeSchema>(*type);
}

}  // namespace lateen::sandbox::schema
