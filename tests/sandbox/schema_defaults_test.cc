#include <gtest/gtest.h>

#include "base/file.h"
#include "base/yaml.h"
#include "sandbox/schema/decode.h"
#include "sandbox/schema/defaults.h"
#include "sandbox/schema/schema.h"

namespace lateen::sandbox::schema {
namespace {

std::string fixture(const std::string& name) {
  return read_file(std::string(LATEEN_TESTDATA) + "/velero-bucket/" + name, 16_MiB).value();
}

// As a create does it, up to what controllers and allocators add.
Json created(const Json& sent, std::string_view uid = "u-1") {
  const ApiVersion at = split_api_version(string_at(sent, "apiVersion"));
  const std::string kind(string_at(sent, "kind"));
  const Type* type = TypeTable::builtin().find(at.group, at.version, kind);
  EXPECT_NE(type, nullptr);
  Decoded decoded = decode_object(*type, sent).value();
  EXPECT_TRUE(decoded.strict_errors.empty());
  ensure(decoded.object, "metadata.uid") = uid;
  apply_defaults(at.group, at.version, kind, decoded.object);
  prepare_for_create(at.group, at.version, kind, decoded.object);
  return decoded.object;
}

Json created_from(std::string_view text) {
  return created(parse_json(text).value());
}

const Json* find_in(const JsonArray& items, const Json& object) {
  for (const Json& item : items) {
    if (string_at(item, "kind") == string_at(object, "kind") &&
        string_at(item, "metadata.name") == string_at(object, "metadata.name")) {
      return &item;
    }
  }
  return nullptr;
}

// What a controller, an allocator, the scheduler or an admission plugin gave to the object of the
// fixture.
void drop_what_others_add(Json& object) {
  for (const std::string_view path :
       {"metadata", "status", "spec.claimRef", "spec.volumeName", "spec.clusterIP",
        "spec.clusterIPs", "spec.nodeName", "spec.serviceAccount", "spec.serviceAccountName"}) {
    erase(object, path);
  }
  if (string_at(object, "type") == "kubernetes.io/service-account-token") erase(object, "data");
  if (string_at(object, "kind") == "Pod") {
    erase(object, "spec.volumes");
    erase(ensure(object, "spec.containers").get_array()[0], "volumeMounts");
  }
  if (string_at(object, "spec.type") == "NodePort")
    erase(ensure(object, "spec.ports").get_array()[0], "nodePort");
}

TEST(SchemaDefaults, GiveTheBookstoreTheSpecsThatARealServerGaveIt) {
  const Json expected = parse_json(fixture("expected.json")).value();
  int compared = 0;
  const std::vector<Json> documents = parse_yaml_documents(fixture("input-bookstore.yaml")).value();
  for (const Json& sent : documents) {
    const ApiVersion at = split_api_version(string_at(sent, "apiVersion"));
    if (find_kind(at.group, at.version, string_at(sent, "kind")) == nullptr) continue;
    const Json* wanted = find_in(*array_at(expected, "items"), sent);
    if (wanted == nullptr) continue;
    Json made = created(sent, string_at(*wanted, "metadata.uid"));
    Json real = *wanted;
    EXPECT_EQ(write_json(*find(made, "metadata.name")), write_json(*find(real, "metadata.name")));
    drop_what_others_add(made);
    drop_what_others_add(real);
    EXPECT_EQ(write_json_pretty(made), write_json_pretty(real));
    ++compared;
  }
  EXPECT_EQ(compared, 36);
}

TEST(SchemaDefaults, LeaveStoredObjectsAsTheyAre) {
  const Json expected = parse_json(fixture("expected.json")).value();
  for (const Json& object : *array_at(expected, "items")) {
    const ApiVersion at = split_api_version(string_at(object, "apiVersion"));
    const std::string kind(string_at(object, "kind"));
    const Type* type = TypeTable::builtin().find(at.group, at.version, kind);
    if (type == nullptr) continue;
    Json again = normalized(*type, object);
    apply_defaults(at.group, at.version, kind, again);
    EXPECT_EQ(write_json(again), write_json(object));
  }
}

struct PullPolicyCase {
  std::string name;
  std::string image;
  std::string policy;
};

class SchemaPullPolicy : public ::testing::TestWithParam<PullPolicyCase> {};

TEST_P(SchemaPullPolicy, FollowsTheTag) {
  const Json pod = created(JsonObject{
      {"apiVersion", "v1"},
      {"kind", "Pod"},
      {"metadata", JsonObject{{"name", "p"}}},
      {"spec", JsonObject{{"containers",
                           JsonArray{JsonObject{{"name", "a"}, {"image", GetParam().image}}}}}}});
  EXPECT_EQ(string_at(array_at(pod, "spec.containers")->at(0), "imagePullPolicy"),
            GetParam().policy);
}

INSTANTIATE_TEST_SUITE_P(,
                         SchemaPullPolicy,
                         ::testing::ValuesIn(std::vector<PullPolicyCase>{
                             {"NoTag", "nginx", "Always"},
                             {"Latest", "example.com:5000/nginx:latest", "Always"},
                             {"Version", "nginx:1.2", "IfNotPresent"},
                             {"PortOnly", "example.com:5000/nginx", "Always"},
                             {"Digest", "nginx@sha256:abc", "IfNotPresent"},
                             {"LatestWithDigest", "nginx:latest@sha256:abc", "Always"}}),
                         [](const auto& each) { return each.param.name; });

TEST(SchemaDefaults, TurnStringDataIntoData) {
  const Json secret = created_from(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},
    "data":{"a":"QQ==","b":"Qg=="},"stringData":{"a":"new"}})");
  EXPECT_EQ(write_json(*find(secret, "data")), R"({"a":"bmV3","b":"Qg=="})");
  EXPECT_EQ(find(secret, "stringData"), nullptr);
  EXPECT_EQ(string_at(secret, "type"), "Opaque");
}

TEST(SchemaDefaults, RequestWhatIsLimitedInPodsButNotInTemplates) {
  constexpr std::string_view kSpec =
      R"({"containers":[{"name":"a","image":"b:1","resources":{"limits":{"cpu":"1"}}}]})";
  const Json pod = created_from(fmt::format(
      R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"p"}},"spec":{}}})", kSpec));
  EXPECT_EQ(string_at(array_at(pod, "spec.containers")->at(0), "resources.requests.cpu"), "1");
  EXPECT_EQ(string_at(pod, "status.qosClass"), "Burstable");
  const Json set = created_from(fmt::format(
      R"({{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{{"name":"p"}},"spec":{{"template":{{"spec":{}}}}}}})",
      kSpec));
  EXPECT_EQ(find(array_at(set, "spec.template.spec.containers")->at(0), "resources.requests"),
            nullptr);
}

TEST(SchemaPrepare, IgnoresAStatusThatComesWithACreate) {
  const Json claim =
      created_from(R"({"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"c"},
    "spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}},
    "dataSource":{"apiGroup":"snapshot.storage.k8s.io","kind":"VolumeSnapshot","name":"s"}},"status":{"phase":"Bound"}})");
  EXPECT_EQ(string_at(claim, "status.phase"), "Pending");
  EXPECT_EQ(string_at(claim, "spec.dataSourceRef.name"), "s");
  EXPECT_EQ(string_at(claim, "spec.volumeMode"), "Filesystem");
}

TEST(SchemaPrepare, RaisesTheGenerationWhenTheSpecChanges) {
  const Json before =
      created_from(R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},
    "spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[]}}}})");
  EXPECT_EQ(int_at(before, "metadata.generation"), 1);
  Json same = before;
  ensure(same, "status.replicas") = 9;
  ensure(same, "metadata.labels.x") = "y";
  prepare_for_update("apps", "v1", "Deployment", before, same);
  EXPECT_EQ(int_at(same, "metadata.generation"), 1);
  EXPECT_EQ(find(same, "status.replicas"), nullptr);
  Json changed = before;
  ensure(changed, "spec.replicas") = 3;
  prepare_for_update("apps", "v1", "Deployment", before, changed);
  EXPECT_EQ(int_at(changed, "metadata.generation"), 2);
}

TEST(SchemaPrepare, LetsAStatusUpdateChangeOnlyTheStatus) {
  const Json before =
      created_from(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":{"a":"b"}},
    "spec":{"containers":[{"name":"c","image":"i:1"}]}})");
  Json update = before;
  ensure(update, "spec.nodeName") = "elsewhere";
  ensure(update, "metadata.labels.a") = "changed";
  ensure(update, "status.phase") = "Running";
  prepare_for_status_update("", "v1", "Pod", before, update);
  EXPECT_EQ(string_at(update, "status.phase"), "Running");
  EXPECT_EQ(string_at(update, "metadata.labels.a"), "b");
  EXPECT_EQ(find(update, "spec.nodeName"), nullptr);
}

TEST(SchemaPrepare, KeepsAServicesAddressesWhenAnUpdateLeavesThemOut) {
  Json before = created_from(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},
    "spec":{"type":"NodePort","ports":[{"port":80}],"clusterIP":"10.0.0.7"}})");
  ensure(before, "spec.ports").get_array()[0].get_object()["nodePort"] = 30080;
  Json update = created_from(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},
    "spec":{"type":"NodePort","ports":[{"port":80}]}})");
  prepare_for_update("", "v1", "Service", before, update);
  EXPECT_EQ(string_at(update, "spec.clusterIP"), "10.0.0.7");
  EXPECT_EQ(int_at(array_at(update, "spec.ports")->at(0), "nodePort"), 30080);
}

}  // namespace
}  // namespace lateen::sandbox::schema
