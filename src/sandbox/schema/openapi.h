// The OpenAPI documents that kubectl asks for: v3 per group version (create, apply, explain, diff)
// and v2 whole (old kubectl, and apply of a changed custom resource). Built from the type table,
// with the schemas of CustomResourceDefinitions merged in.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/thread.h"

namespace lateen::sandbox::schema {

struct CustomKind;

// A document, and the hash that names its content: in `?hash=` of /openapi/v3 and in ETags.
// Immutable.
struct OpenApiDocument {
  std::string body;
  std::string hash;  // upper-case hex SHA-512, as the real one's
};

using OpenApiDocumentPtr = std::shared_ptr<const OpenApiDocument>;

inline constexpr std::string_view kOpenApiV2ProtobufType =
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

// All documents for the built-in kinds and the CustomResourceDefinitions told last. Each is made
// when it is first asked for and then kept: all of them together are about 4 MB. Thread-safe.
class OpenApi {
 public:
  OpenApi();
  OpenApi(const OpenApi&) = delete;
  OpenApi& operator=(const OpenApi&) = delete;
  ~OpenApi();

  // Which CustomResourceDefinition objects there are now, all of them. Documents that this changes
  // are made anew.
  void set_crds(std::span<const Json> crds);

  // `{"paths":{"apis/apps/v1":{"serverRelativeURL":"/openapi/v3/apis/apps/v1?hash=…"}}}`:
  // /openapi/v3 itself.
  OpenApiDocumentPtr v3_root() const;

  // The document of one group version (group "" for core). Null when nothing serves it.
  OpenApiDocumentPtr v3(std::string_view group, std::string_view version) const;

  // The v2 document of everything, as JSON and as gnostic's protobuf of it
  // (kOpenApiV2ProtobufType).
  OpenApiDocumentPtr v2() const;
  OpenApiDocumentPtr v2_protobuf() const;

 private:
  OpenApiDocumentPtr find_made(const std::string& key) const LATEEN_EXCLUDES(mu_);
  OpenApiDocumentPtr keep(const std::string& key, OpenApiDocument document) const
      LATEEN_EXCLUDES(mu_);
  std::shared_ptr<const std::vector<CustomKind>> custom() const LATEEN_EXCLUDES(mu_);

  mutable Mutex mu_;
  std::shared_ptr<const std::vector<CustomKind>> custom_ LATEEN_GUARDED_BY(mu_);
  mutable std::map<std::string, OpenApiDocumentPtr> made_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::sandbox::schema
