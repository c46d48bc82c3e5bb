#include "sandbox/schema/openapi.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/hash.h"
#include "sandbox/schema/kinds_text.h"
#include "sandbox/schema/openapi_paths.h"
#include "sandbox/schema/openapi_schema.h"
#include "sandbox/schema/openapi_v2_protobuf.h"
#include "sandbox/schema/schema.h"

namespace lateen::sandbox::schema {
namespace {

// The Kubernetes release whose API this is; /version says the same.
constexpr std::string_view kApiRelease = "v1.32.4";

std::string upper_hash(BytesView bytes) {
  std::string hash = hash_hex(HashAlgorithm::Sha512, bytes);
  std::ranges::transform(hash, hash.begin(), [](char c) {
    return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c;
  });
  return hash;
}

// Of all that the built-in documents are made from: so that their hashes are known before they are
// made.
const std::string& table_hash() {
  static const std::string hash = [] {
    Hasher hasher(HashAlgorithm::Sha512);
    for (const std::string_view text : type_texts())
      hasher.update(text);
    hasher.update(resource_text());
    hasher.update(description_text());
    return hasher.finish_hex();
  }();
  return hash;
}

std::string path_of(std::string_view group, std::string_view version) {
  return group.empty() ? fmt::format("api/{}", version) : fmt::format("apis/{}/{}", group, version);
}

const GroupVersion* find_builtin(std::string_view group, std::string_view version) {
  for (const GroupVersion& served : group_versions()) {
    if (served.group == group && served.version == version) return &served;
  }
  return nullptr;
}

using CustomKinds = std::vector<CustomKind>;

// What names the content of a v3 document; empty when nothing serves the group version.
std::string v3_hash(std::string_view group, std::string_view version, const CustomKinds& custom) {
  std::string source;
  if (find_builtin(group, version) != nullptr) source = table_hash();
  for (const CustomKind& kind : custom) {
    if (kind.group == group && kind.version == version) source += kind.hash;
  }
  if (source.empty()) return {};
  return upper_hash(fmt::format("{}\n{}\n{}", path_of(group, version), source, table_hash()));
}

JsonObject document_info() {
  return {{"title", "Kubernetes"}, {"version", kApiRelease}};
}

// Schemas that the operations of every document refer to.
void add_common(SchemaCollector& schemas) {
  for (const std::string_view name :
       {"DeleteOptions", "Status", "Patch", "WatchEvent", "ObjectMeta", "ListMeta"}) {
    schemas.add(*TypeTable::builtin().find_named(fmt::format("{}{}", kMetaModels, name)));
  }
}

void add_builtin(OpenApiForm form,
                 const GroupVersion& served,
                 SchemaCollector& schemas,
                 JsonObject& paths) {
  const TypeTable& table = TypeTable::builtin();
  for (const Resource* resource : served.resources) {
    schemas.add(*table.find(resource->group, resource->version, resource->kind));
    if (resource->has_verb("list")) {
      schemas.add(
          *table.find(resource->group, resource->version, fmt::format("{}List", resource->kind)));
    }
    for (const Subresource& sub : resource->subresources) {
      if (const Type* type = table.find(sub.group, sub.version, sub.kind)) schemas.add(*type);
    }
    add_paths(form, path_resource(*resource), paths);
  }
}

void add_custom(OpenApiForm form,
                const CustomKind& kind,
                SchemaCollector& schemas,
                JsonObject& paths) {
  schemas.add_custom(kind);
  if (kind.has_scale) schemas.add(*TypeTable::builtin().find("autoscaling", "v1", "Scale"));
  add_paths(form, path_resource(kind), paths);
}

std::string v3_body(std::string_view group, std::string_view version, const CustomKinds& custom) {
  SchemaCollector schemas(OpenApiForm::V3);
  JsonObject paths;
  add_common(schemas);
  if (const GroupVersion* served = find_builtin(group, version))
    add_builtin(OpenApiForm::V3, *served, schemas, paths);
  for (const CustomKind& kind : custom) {
    if (kind.group == group && kind.version == version)
      add_custom(OpenApiForm::V3, kind, schemas, paths);
  }
  JsonObject document{{"openapi", "3.0.0"}, {"info", document_info()}, {"paths", std::move(paths)}};
  document.emplace("components", JsonObject{{"schemas", std::move(schemas).take()}});
  return write_json(Json(std::move(document)));
}

Json v2_document(const CustomKinds& custom) {
  SchemaCollector schemas(OpenApiForm::V2);
  JsonObject paths;
  add_common(schemas);
  for (const GroupVersion& served : group_versions())
    add_builtin(OpenApiForm::V2, served, schemas, paths);
  for (const CustomKind& kind : custom)
    add_custom(OpenApiForm::V2, kind, schemas, paths);
  JsonObject document{{"swagger", "2.0"}, {"info", document_info()}, {"paths", std::move(paths)}};
  document.emplace("definitions", std::move(schemas).take());
  return document;
}

std::string v2_hash(const CustomKinds& custom) {
  std::string source = table_hash();
  for (const CustomKind& kind : custom)
    source += kind.hash;
  return upper_hash(source);
}

}  // namespace

OpenApi::OpenApi() : custom_(std::make_shared<const CustomKinds>()) {}

OpenApi::~OpenApi() = default;

void OpenApi::set_crds(std::span<const Json> crds) {
  auto custom = std::make_shared<const CustomKinds>(custom_kinds(crds));
  const Lock lock(mu_);
  custom_ = std::move(custom);
  made_.clear();
}

std::shared_ptr<const std::vector<CustomKind>> OpenApi::custom() const {
  const Lock lock(mu_);
  return custom_;
}

OpenApiDocumentPtr OpenApi::find_made(const std::string& key) const {
  const Lock lock(mu_);
  const auto found = made_.find(key);
  return found == made_.end() ? nullptr : found->second;
}

OpenApiDocumentPtr OpenApi::keep(const std::string& key, OpenApiDocument document) const {
  auto made = std::make_shared<const OpenApiDocument>(std::move(document));
  const Lock lock(mu_);
  return made_.insert_or_assign(key, std::move(made)).first->second;
}

OpenApiDocumentPtr OpenApi::v3_root() const {
  const auto custom = this->custom();
  std::set<std::pair<std::string, std::string>> served;
  for (const GroupVersion& version : group_versions())
    served.emplace(version.group, version.version);
  for (const CustomKind& kind : *custom)
    served.emplace(kind.group, kind.version);
  JsonObject paths;
  for (const auto& [group, version] : served) {
    const std::string path = path_of(group, version);
    const std::string url =
        fmt::format("/openapi/v3/{}?hash={}", path, v3_hash(group, version, *custom));
    paths.emplace(path, JsonObject{{"serverRelativeURL", url}});
  }
  std::string body = write_json(Json(JsonObject{{"paths", std::move(paths)}}));
  std::string hash = upper_hash(body);
  return std::make_shared<const OpenApiDocument>(
      OpenApiDocument{.body = std::move(body), .hash = std::move(hash)});
}

// The key of a kept document is its hash, so that a document made from CRDs that have just changed
// is never taken for the new one.
OpenApiDocumentPtr OpenApi::v3(std::string_view group, std::string_view version) const {
  const auto custom = this->custom();
  const std::string hash = v3_hash(group, version, *custom);
  if (hash.empty()) return nullptr;
  if (OpenApiDocumentPtr made = find_made(hash)) return made;
  return keep(hash, {.body = v3_body(group, version, *custom), .hash = hash});
}

OpenApiDocumentPtr OpenApi::v2() const {
  const auto custom = this->custom();
  const std::string hash = v2_hash(*custom);
  if (OpenApiDocumentPtr made = find_made("v2 " + hash)) return made;
  return keep("v2 " + hash, {.body = write_json(v2_document(*custom)), .hash = hash});
}

OpenApiDocumentPtr OpenApi::v2_protobuf() const {
  const auto custom = this->custom();
  const std::string hash = v2_hash(*custom);
  if (OpenApiDocumentPtr made = find_made("v2pb " + hash)) return made;
  return keep("v2pb " + hash, {.body = encode_openapi_v2(v2_document(*custom)), .hash = hash});
}

}  // namespace lateen::sandbox::schema
