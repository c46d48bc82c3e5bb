// The OpenAPI documents that kubectl asks for: v3 per group version (create, apply, explain, diff)
// and v2 whole (old kubectl, and apply of a changed custom resource). Built from the type table,
// with the schemas of CustomResourceDefinitions merged in.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace lateen::sandbox::schema {

// A document, and the hash that names it in /openapi/v3's `?hash=` and in ETags. Shared, immutable.
struct OpenApiDocument {
  std::string json;
  std::string hash;  // upper-case hex SHA-512, as the real one's
};

// The group versions of built-in kinds as keys of /openapi/v3: "api/v1", "apis/apps/v1".
std::vector<std::string> builtin_openapi_paths();

// The v3 document of one group version. `crds` are all CustomResourceDefinition objects; those that
// serve this group version are put in. Null when neither built-in kinds nor CRDs serve it. Built-in
// ones are made once.
std::shared_ptr<const OpenApiDocument> openapi_v3(std::string_view group,
                                                  std::string_view version,
                                                  std::span<const Json> crds);

// /openapi/v3 itself:
// `{"paths":{"apis/apps/v1":{"serverRelativeURL":"/openapi/v3/apis/apps/v1?hash=…"}}}`.
std::string openapi_v3_root(std::span<const Json> crds);

// The v2 document of everything, as JSON and as gnostic's protobuf of the same document.
std::shared_ptr<const OpenApiDocument> openapi_v2(std::span<const Json> crds);
std::shared_ptr<const OpenApiDocument> openapi_v2_protobuf(std::span<const Json> crds);

inline constexpr std::string_view kOpenApiV2ProtobufType =
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

}  // namespace lateen::sandbox::schema
