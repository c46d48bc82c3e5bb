// OpenAPI schemas of the built-in types and of custom kinds: internal to the OpenAPI documents.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sandbox/schema/types.h"

namespace lateen::sandbox::schema {

// What the names of models of meta/v1 begin with.
inline constexpr std::string_view kMetaModels = "io.k8s.apimachinery.pkg.apis.meta.v1.";

enum class OpenApiForm { V2, V3 };

// A kind that a CustomResourceDefinition serves in one version.
struct CustomKind {
  std::string group;
  std::string version;
  std::string plural;
  std::string kind;
  std::string list_kind;
  std::string schema_name;  // "com.example.library.v1.Book"
  bool namespaced = true;
  bool has_status = false;
  bool has_scale = false;
  Json schema;       // openAPIV3Schema, null for none
  std::string hash;  // of all of the above
};

// Each served version of each CustomResourceDefinition object, in their order.
std::vector<CustomKind> custom_kinds(std::span<const Json> crds);

// The schemas that a document needs, by name, each with all that it refers to. Not thread-safe.
class SchemaCollector {
 public:
  explicit SchemaCollector(OpenApiForm form) : form_(form) {}

  void add(const Type& type);
  void add_custom(const CustomKind& custom);

  JsonObject take() && { return std::move(schemas_); }

 private:
  Json type_schema(const Type& type);
  Json field_schema(const Field& field);
  Json value_schema(const Field& field);
  Json reference(std::string_view name) const;
  void add_leaf(std::string_view name);
  void add_properties(const Type& type, JsonObject& properties, JsonArray& required);

  OpenApiForm form_;
  JsonObject schemas_;
};

// Where a reference to a schema of this name points.
std::string schema_reference(OpenApiForm form, std::string_view name);

// Every key of `schema` that OpenAPI v2 cannot say, taken out: what a CRD's schema looks like in
// /openapi/v2.
void reduce_to_v2(Json& schema);

}  // namespace lateen::sandbox::schema
