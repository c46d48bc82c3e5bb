#include <functional>

#include <gtest/gtest.h>

#include "base/file.h"
#include "sandbox/schema/openapi.h"
#include "sandbox/schema/protobuf_wire.h"
#include "sandbox/schema/schema.h"

namespace lateen::sandbox::schema {
namespace {

std::vector<Json> library_crds() {
  std::vector<Json> crds;
  const Json list =
      parse_json(
          read_file(std::string(LATEEN_TESTDATA) + "/velero-bucket/expected.json", 16_MiB).value())
          .value();
  for (const Json& item : *array_at(list, "items")) {
    if (string_at(item, "kind") == "CustomResourceDefinition") crds.push_back(item);
  }
  return crds;
}

// Calls `each` with the text of every $ref.
void each_reference(const Json& value, const std::function<void(std::string_view)>& each) {
  if (const JsonArray* items = value.if_array()) {
    for (const Json& item : *items)
      each_reference(item, each);
  } else if (const JsonObject* members = value.if_object()) {
    for (const auto& [key, inner] : *members) {
      if (key == "$ref" && inner.is_string()) {
        each(inner.get_string());
      } else {
        each_reference(inner, each);
      }
    }
  }
}

TEST(SchemaOpenApi, HasADocumentForEachGroupVersionAndEveryReferenceLeadsSomewhere) {
  OpenApi api;
  for (const GroupVersion& served : group_versions()) {
    const OpenApiDocumentPtr document = api.v3(served.group, served.version);
    ASSERT_NE(document, nullptr);
    const Json json = parse_json(document->body).value();
    const JsonObject* schemas = object_at(json, "components.schemas");
    each_reference(json, [schemas](std::string_view reference) {
      constexpr std::string_view kPrefix = "#/components/schemas/";
      if (!reference.starts_with(kPrefix)) return;  // a CRD schema's own member called $ref
      EXPECT_TRUE(schemas->contains(reference.substr(kPrefix.size()))) << reference;
    });
  }
  EXPECT_EQ(api.v3("nope.example.com", "v1"), nullptr);
}

TEST(SchemaOpenApi, LetsKubectlFindTheQueryParametersItChecksFor) {
  OpenApi api;
  const Json json = parse_json(api.v3("apps", "v1")->body).value();
  const Json* path =
      find(find(json, "paths"), JsonKey{"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"});
  ASSERT_NE(path, nullptr);
  EXPECT_EQ(string_at(*path, "patch.x-kubernetes-group-version-kind.kind"), "Deployment");
  EXPECT_EQ(string_at(*path, "patch.x-kubernetes-action"), "patch");
  std::vector<std::string> names;
  for (const Json& parameter : *array_at(*path, "patch.parameters"))
    names.emplace_back(string_at(parameter, "name"));
  EXPECT_EQ(names,
            (std::vector<std::string>{"dryRun", "fieldManager", "fieldValidation", "force"}));
}

TEST(SchemaOpenApi, SaysHowListsMerge) {
  OpenApi api;
  const Json json = parse_json(api.v3("apps", "v1")->body).value();
  const Json* pod = find(find(json, "components.schemas"), JsonKey{"io.k8s.api.core.v1.PodSpec"});
  const Json* containers = find(*pod, "properties.containers");
  EXPECT_EQ(
      write_json(*containers),
      write_json(
          parse_json(
              R"({"description":)" + write_json(*find(*containers, "description")) +
              R"(,"items":{"$ref":"#/components/schemas/io.k8s.api.core.v1.Container"},"type":"array",
      "x-kubernetes-list-map-keys":["name"],"x-kubernetes-list-type":"map","x-kubernetes-patch-merge-key":"name",
      "x-kubernetes-patch-strategy":"merge"})")
              .value()));
}

TEST(SchemaOpenApi, HoldsCustomResourcesAndChangesItsHashWithThem) {
  OpenApi api;
  const std::string before = api.v3_root()->body;
  EXPECT_EQ(api.v3("library.example.com", "v1"), nullptr);
  api.set_crds(library_crds());
  EXPECT_NE(api.v3_root()->body, before);
  EXPECT_NE(api.v3_root()->body.find("apis/library.example.com/v1beta1"), std::string::npos);
  const Json json = parse_json(api.v3("library.example.com", "v1")->body).value();
  const Json* book = find(find(json, "components.schemas"), JsonKey{"com.example.library.v1.Book"});
  ASSERT_NE(book, nullptr);
  EXPECT_EQ(string_at(*book, "properties.spec.properties.title.type"), "string");
  EXPECT_NE(find(find(json, "paths"),
                 JsonKey{"/apis/library.example.com/v1/namespaces/{namespace}/books/{name}/scale"}),
            nullptr);
}

TEST(SchemaOpenApi, NamesEachDocumentByTheHashInItsUrl) {
  OpenApi api;
  const Json root = parse_json(api.v3_root()->body).value();
  const std::string_view url =
      string_at(*find(find(root, "paths"), JsonKey{"apis/apps/v1"}), "serverRelativeURL");
  EXPECT_EQ(url, "/openapi/v3/apis/apps/v1?hash=" + api.v3("apps", "v1")->hash);
}

TEST(SchemaOpenApi, WritesVersionTwoOfWhatItCanSay) {
  OpenApi api;
  api.set_crds(library_crds());
  const Json json = parse_json(api.v2()->body).value();
  EXPECT_EQ(string_at(json, "swagger"), "2.0");
  const Json* book = find(find(json, "definitions"), JsonKey{"com.example.library.v1.Book"});
  ASSERT_NE(book, nullptr);
  EXPECT_EQ(string_at(*book, "properties.metadata.$ref"),
            "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
  const JsonObject* definitions = object_at(json, "definitions");
  each_reference(json, [definitions](std::string_view reference) {
    constexpr std::string_view kPrefix = "#/definitions/";
    if (!reference.starts_with(kPrefix)) return;
    EXPECT_TRUE(definitions->contains(reference.substr(kPrefix.size()))) << reference;
  });
}

TEST(SchemaOpenApi, WritesTheSameDefinitionsInProtobuf) {
  OpenApi api;
  const Json json = parse_json(api.v2()->body).value();
  const OpenApiDocumentPtr document = api.v2_protobuf();
  WireReader reader(document->body);
  std::size_t definitions = 0;
  while (!reader.done()) {
    const WireField field = reader.next().value();
    if (field.tag != 9) continue;  // Document.definitions
    WireReader inner(field.bytes);
    while (!inner.done()) {
      ASSERT_TRUE(inner.next());
      ++definitions;
    }
  }
  EXPECT_EQ(definitions, object_at(json, "definitions")->size());
}

}  // namespace
}  // namespace lateen::sandbox::schema
