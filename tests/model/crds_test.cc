#include "model/crds.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/byte_source.h"
#include "base/file.h"
#include "base/gzip.h"
#include "base/tar.h"
#include "base/yaml.h"
#include "model/fixture.h"

namespace lateen::model {
namespace {

const Json& schema_of(const Json& manifest) {
  return *find(array_at(manifest, "spec.versions")->at(0), "schema.openAPIV3Schema");
}

// Where `value` has a field that the schema does not know: an API server would prune it.
void expect_known(const Json& schema, const Json& value, const std::string& path) {
  if (value.is_null() || bool_at(schema, "x-kubernetes-preserve-unknown-fields") == true) return;
  const std::string_view type = string_at(schema, "type");
  if (value.is_array()) {
    EXPECT_EQ(type, "array") << path;
    for (const Json& item : value.get_array())
      expect_known(*find(schema, "items"), item, path + "[]");
  } else if (value.is_object()) {
    EXPECT_EQ(type, "object") << path;
    for (const auto& [key, field] : value.get_object()) {
      const Json* known = find(find(schema, "properties"), JsonKey{key});
      if (known == nullptr) known = find(schema, "additionalProperties");
      ASSERT_NE(known, nullptr) << path << "." << key << " would be pruned";
      expect_known(*known, field, path + "." + std::string(key));
    }
  } else if (value.is_string()) {
    EXPECT_EQ(type, "string") << path;
  } else if (value.is_bool()) {
    EXPECT_EQ(type, "boolean") << path;
  } else {
    EXPECT_EQ(type, "integer") << path;
  }
  if (const JsonArray* words = array_at(schema, "enum")) {
    EXPECT_NE(std::ranges::find(*words, value), words->end())
        << path << " is " << write_json(value);
  }
}

TEST(Crds, AreTheThirteenKindsOfVelero) {
  std::set<std::string> names;
  for (const Json& manifest : crd_manifests())
    names.insert(std::string(string_at(manifest, "metadata.name")));
  EXPECT_EQ(names, (std::set<std::string>{
                       "backuprepositories.velero.io", "backups.velero.io",
                       "backupstoragelocations.velero.io", "datadownloads.velero.io",
                       "datauploads.velero.io", "deletebackuprequests.velero.io",
                       "downloadrequests.velero.io", "podvolumebackups.velero.io",
                       "podvolumerestores.velero.io", "restores.velero.io", "schedules.velero.io",
                       "serverstatusrequests.velero.io", "volumesnapshotlocations.velero.io"}));
}

// The manifests as the real `velero install` of 1.18.1 made them and an API server of
// Kubernetes 1.36 kept them.
std::map<std::string, Json> real_manifests() {
  constexpr std::string_view kFolder =
      "resources/customresourcedefinitions.apiextensions.k8s.io/cluster/";
  const Bytes archive =
      read_fixture(velero_bucket() / "bucket/backups/cluster-all/cluster-all.tar.gz");
  ViewSource source(archive);
  GunzipStream unpacked(source);
  TarReader tar(unpacked);
  std::map<std::string, Json> manifests;
  for (;;) {
    const Result<std::optional<TarEntry>> entry = tar.next();
    EXPECT_TRUE(entry);
    if (!entry || !*entry) return manifests;
    if (!(*entry)->name.starts_with(kFolder) || !(*entry)->name.ends_with(".velero.io.json"))
      continue;
    Json manifest = parse(*tar.read_all(1_MiB));
    manifests.emplace(std::string(string_at(manifest, "metadata.name")), std::move(manifest));
  }
}

// Prose is ours; so are not what a server adds by itself and the order of `required`.
Json comparable(const Json& value) {
  if (value.is_array()) {
    JsonArray array;
    for (const Json& item : value.get_array())
      array.push_back(comparable(item));
    return array;
  }
  if (!value.is_object()) return value;
  JsonObject object;
  for (const auto& [key, field] : value.get_object()) {
    if (key == "description" && field.is_string()) continue;
    Json kept = comparable(field);
    if (key == "required" && kept.is_array()) {
      std::ranges::sort(kept.get_array(), {},
                        [](const Json& name) { return std::string(as_text(&name)); });
    }
    object.emplace(key, std::move(kept));
  }
  return object;
}

TEST(Crds, SayWhatTheRealOnesSay) {
  const std::map<std::string, Json> real = real_manifests();
  EXPECT_EQ(real.size(), 13U);
  for (const Json& manifest : crd_manifests()) {
    const std::string name(string_at(manifest, "metadata.name"));
    ASSERT_TRUE(real.contains(name)) << name;
    Json spec = *find(real.at(name), "spec");
    erase(spec, "conversion");
    Json ours = *find(manifest, "spec");
    if (name == "schedules.velero.io") {
      // Lateen's own, which Velero passes over.
      JsonObject& schema = ours.at("versions").as_array()[0].at("schema").as_object();
      JsonObject& status =
          schema["openAPIV3Schema"].at("properties").at("status").at("properties").as_object();
      EXPECT_EQ(status.erase("nextRun") + status.erase("missedRuns"), 2U);
    }
    EXPECT_EQ(comparable(ours), comparable(spec)) << name;
  }
}

TEST(Crds, KnowEveryFieldThatTheRealVeleroWrote) {
  const Json list = parse(read_fixture(velero_bucket() / "velero-crs.json"));
  for (const Json& item : *array_at(list, "items")) {
    for (const Json& manifest : crd_manifests()) {
      if (string_at(manifest, "spec.names.kind") != string_at(item, "kind")) continue;
      const Json& properties = *find(schema_of(manifest), "properties");
      const std::string name(string_at(item, "metadata.name"));
      expect_known(*find(properties, "spec"), *find(item, "spec"), name + ".spec");
      expect_known(*find(properties, "status"), *find(item, "status"), name + ".status");
    }
  }
}

// A structural schema gives every field a type, and no array goes without items.
void expect_structural(const Json& schema, const std::string& path) {
  EXPECT_FALSE(string_at(schema, "type").empty()) << path;
  if (string_at(schema, "type") == "array") {
    ASSERT_NE(find(schema, "items"), nullptr) << path;
    expect_structural(*find(schema, "items"), path + "[]");
  }
  if (const JsonObject* properties = object_at(schema, "properties")) {
    for (const auto& [name, field] : *properties)
      expect_structural(field, path + "." + std::string(name));
    if (const JsonArray* required = array_at(schema, "required")) {
      for (const Json& name : *required)
        EXPECT_TRUE(properties->contains(as_text(&name))) << path;
    }
  }
}

TEST(Crds, HaveStructuralSchemas) {
  for (const Json& manifest : crd_manifests()) {
    expect_structural(schema_of(manifest), std::string(string_at(manifest, "metadata.name")));
  }
}

// `lateen install --crds-only --dry-run -o yaml`, each as a document of its own.
TEST(Crds, OfTheChartAreTheseVeryOnes) {
  const auto text = read_file(FilePath(LATEEN_SOURCE_DIR) / "deploy/helm/lateen/crds/crds.yaml");
  ASSERT_TRUE(text);
  const auto documents = parse_yaml_documents(*text);
  ASSERT_TRUE(documents) << documents.error().describe();
  std::vector<Json> manifests = crd_manifests();
  std::ranges::copy(own_crd_manifests(), std::back_inserter(manifests));
  ASSERT_EQ(documents->size(), manifests.size());
  std::map<std::string, Json> stored;
  for (const Json& document : *documents)
    stored[std::string(string_at(document, "metadata.name"))] = *find(document, "spec");
  for (const Json& manifest : manifests) {
    const std::string name(string_at(manifest, "metadata.name"));
    EXPECT_EQ(stored[name], *find(manifest, "spec")) << name;
  }
}

TEST(Crds, HaveNoStatusSubresource) {
  const Json schedules = crd_manifest("schedules");
  EXPECT_TRUE(object_at(array_at(schedules, "spec.versions")->at(0), "subresources")->empty());
  const Json backups = crd_manifest("backups");
  EXPECT_EQ(find(array_at(backups, "spec.versions")->at(0), "subresources"), nullptr);
}

TEST(Crds, CarryVelerosShortNamesAndColumns) {
  const Json manifest = crd_manifest("backupstoragelocations");
  EXPECT_EQ(array_at(manifest, "spec.names.shortNames")->at(0), Json("bsl"));
  const Json& version = array_at(manifest, "spec.versions")->at(0);
  std::string names;
  for (const Json& column : *array_at(version, "additionalPrinterColumns")) {
    (names += string_at(column, "name")) += ",";
  }
  EXPECT_EQ(names, "Phase,Last Validated,Age,Default,");
  EXPECT_TRUE(crd_manifest("nonsense").is_null());
}

}  // namespace
}  // namespace lateen::model
