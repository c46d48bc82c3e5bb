// The built-in types, as one table of facts: fields, protobuf tags, list and patch rules.
// Everything this folder knows (decoding, OpenAPI, defaults, strict checks, merge rules) is read
// from it; *.kinds are its source, kinds/README.md their notation.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lateen::sandbox::schema {

// What one value is. Everything with a wire form or a JSON form of its own has a name here.
enum class ValueKind {
  String,
  Bool,
  Int32,
  Int64,
  Float64,
  Bytes,      // base64 in JSON
  Time,       // RFC 3339, whole seconds
  MicroTime,  // RFC 3339, microseconds
  Duration,   // Go's "1h5m"
  Quantity,   // "500m", "10Gi"; a bare number is accepted
  IntOrString,
  RawExtension,  // any object, kept as it is
  AnyJson,       // any value, kept as it is (CRD defaults, enum values, FieldsV1)
  StringList,    // a message that is a list of strings in JSON: Verbs, ExtraValue
  SchemaOrBool,  // the three two-faced members of a CRD's JSON schema
  SchemaOrArray,
  SchemaOrStrings,
  Object,  // another Type
};

enum class Shape { Single, List, Map };  // a Map's keys are strings

enum class ListKind { Unset, Atomic, Set, Map };

struct Type;

struct Field {
  std::string_view name;  // as JSON spells it; empty for an inlined message
  std::uint32_t tag = 0;  // protobuf field number; 0: none (CRD-born types)
  ValueKind kind = ValueKind::String;
  Shape shape = Shape::Single;
  const Type* object = nullptr;   // for ValueKind::Object and the SchemaOr kinds
  std::string_view go_type = {};  // the named Go type of a scalar, when it has one: "v1.PullPolicy"

  bool required = false;        // for OpenAPI
  bool pointer = false;         // Go keeps a present zero value
  bool always_written = false;  // no omitempty: a zero value is written too
  bool omit_zero = false;       // omitzero: a struct is left out when it is zero
  bool inlined = false;         // its members are members of the outer JSON object
  ListKind list = ListKind::Unset;
  std::vector<std::string_view> list_keys = {};
  bool atomic_map = false;
  bool merge = false;        // patchStrategy merge
  bool retain_keys = false;  // patchStrategy retainKeys
  bool replace = false;      // patchStrategy replace
  std::string_view merge_key = {};
  std::span<const std::string_view> enum_values = {};
  std::string_view description = {};  // may be empty
};

struct Type {
  std::string_view package;  // "io.k8s.api.apps.v1"
  std::string_view name;     // "DeploymentSpec"
  std::string_view go_name;  // "v1.DeploymentSpec"
  std::string schema_name;   // "io.k8s.api.apps.v1.DeploymentSpec"
  std::string_view description;
  bool atomic = false;     // x-kubernetes-map-type: atomic
  bool is_kind = false;    // has apiVersion and kind
  bool crd_born = false;   // served from a CRD in a real cluster: kept as sent, not as Go writes it
  std::string_view group;  // of its package: "apps"; "meta.k8s.io" for what all groups share
  std::string_view version;
  std::vector<Field> fields;

  // The field that JSON calls `json_name`, also through inlined members; null when there is none.
  const Field* find(std::string_view json_name) const;
};

// Immutable, made on first use, shared by all threads.
class TypeTable {
 public:
  static const TypeTable& builtin();

  // The type of a kind: find("apps", "v1", "Deployment"), lists and meta/v1's options included.
  // Null when unknown.
  const Type* find(std::string_view group, std::string_view version, std::string_view kind) const;

  // By full name: "io.k8s.api.core.v1.PodSpec".
  const Type* find_named(std::string_view schema_name) const;

  std::span<const Type* const> types() const;

 private:
  TypeTable();
  struct Index;
  std::shared_ptr<const Index> index_;
};

}  // namespace lateen::sandbox::schema
