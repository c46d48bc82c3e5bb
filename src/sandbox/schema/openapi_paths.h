// The paths of an OpenAPI document: what can be asked of each resource, and with which parameters.
// Internal to the OpenAPI documents.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sandbox/schema/openapi_schema.h"
#include "sandbox/schema/schema.h"

namespace lateen::sandbox::schema {

struct PathSubresource {
  std::string name;
  std::string group;
  std::string version;
  std::string kind;
  std::string schema_name;  // empty: answers something that has no schema (text, a stream)
  std::vector<std::string_view> verbs;
};

// One resource as paths speak of it, built-in or custom.
struct PathResource {
  std::string group;
  std::string version;
  std::string plural;
  std::string kind;
  std::string schema_name;
  std::string list_schema_name;
  bool namespaced = false;
  std::vector<std::string_view> verbs;
  std::vector<PathSubresource> subresources;
};

PathResource path_resource(const Resource& resource);
PathResource path_resource(const CustomKind& custom);

void add_paths(OpenApiForm form, const PathResource& resource, JsonObject& paths);

}  // namespace lateen::sandbox::schema
