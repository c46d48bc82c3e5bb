// One resource at one version, as the API serves it: built-in or of a CustomResourceDefinition.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "kube/resource.h"
#include "sandbox/schema/schema.h"
#include "sandbox/schema/types.h"

namespace lateen::sandbox {

// Where a custom resource's scale subresource finds its numbers: dotted paths (".spec.replicas"
// without the dot).
struct ScalePaths {
  std::string spec_replicas;
  std::string status_replicas;
  std::string label_selector;
};

// What a CustomResourceDefinition says about one of its versions.
struct CustomVersion {
  Json schema;          // openAPIV3Schema, {} when there is none
  bool status = false;  // has the status subresource
  std::optional<ScalePaths> scale;
  Json printer_columns;  // additionalPrinterColumns, null when there are none
  std::string deprecation_warning;
};

// Immutable, shared.
struct ServedType {
  kube::ResourceType type;
  std::string list_kind;
  std::string storage_key;                    // the store's name for it: "pods", "apps/deployments"
  std::string storage_api_version;            // in which its objects are kept
  const schema::Resource* builtin = nullptr;  // null: custom
  const schema::Type* fields = nullptr;       // of a built-in kind
  std::optional<CustomVersion> custom;
  bool virtual_only = false;

  const std::string& group() const { return type.gvr.group; }

  const std::string& resource() const { return type.gvr.resource; }

  const std::string& kind() const { return type.kind; }

  std::string api_version() const { return type.gvr.api_version(); }

  bool is_storage_version() const { return type.gvr.api_version() == storage_api_version; }

  bool is(std::string_view group, std::string_view resource) const {
    return type.gvr.group == group && type.gvr.resource == resource;
  }

  bool has_status() const { return type.find_subresource("status") != nullptr; }
};

using ServedTypePtr = std::shared_ptr<const ServedType>;

}  // namespace lateen::sandbox
