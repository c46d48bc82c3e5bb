#include <gtest/gtest.h>

#include "base/file.h"
#include "sandbox/schema/decode.h"
#include "sandbox/schema/defaults.h"
#include "sandbox/schema/schema.h"
#include "sandbox/schema/validation.h"

namespace lateen::sandbox::schema {
namespace {

struct Kind {
  std::string group;
  std::string version;
  std::string kind;
};

Kind kind_of(const Json& object) {
  const ApiVersion at = split_api_version(string_at(object, "apiVersion"));
  return {std::string(at.group), std::string(at.version), std::string(string_at(object, "kind"))};
}

Json made(std::string_view text) {
  const Json sent = parse_json(text).value();
  const Kind kind = kind_of(sent);
  const Type* type = TypeTable::builtin().find(kind.group, kind.version, kind.kind);
  Json object = normalized(*type, sent);
  const Resource* resource = find_kind(kind.group, kind.version, kind.kind);
  if (resource->namespaced) ensure(object, "metadata.namespace") = "shop";
  ensure(object, "metadata.uid") = "u-1";
  apply_defaults(kind.group, kind.version, kind.kind, object);
  prepare_for_create(kind.group, kind.version, kind.kind, object);
  return object;
}

// What a create of the object answers; "" when it is accepted.
std::string refusal(const Json& object) {
  const Kind kind = kind_of(object);
  const FieldErrors errors = validate_create(kind.group, kind.version, kind.kind, object);
  return errors.empty()
             ? ""
             : invalid_message(kind.group, kind.kind, string_at(object, "metadata.name"), errors);
}

std::string refusal_of(std::string_view text) {
  return refusal(made(text));
}

std::string update_refusal(const Json& before, const Json& after) {
  const Kind kind = kind_of(after);
  const FieldErrors errors = validate_update(kind.group, kind.version, kind.kind, before, after);
  return errors.empty()
             ? ""
             : invalid_message(kind.group, kind.kind, string_at(after, "metadata.name"), errors);
}

// The object with one value changed.
Json with(Json object, std::string_view path, Json value) {
  ensure(object, path) = std::move(value);
  return object;
}

constexpr std::string_view kDeployment =
    R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"bad"},
  "spec":{"selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":{"app":"x"}},
  "spec":{"containers":[{"name":"a","image":"b:1"}]}}}})";

TEST(SchemaValidation, AcceptsAGoodDeployment) {
  EXPECT_EQ(refusal_of(kDeployment), "");
}

TEST(SchemaValidation, AcceptsWhatARealServerHasStored) {
  const std::string text =
      read_file(std::string(LATEEN_TESTDATA) + "/velero-bucket/expected.json", 16_MiB).value();
  const Json list = parse_json(text).value();
  for (const Json& object : *array_at(list, "items")) {
    const Kind kind = kind_of(object);
    if (find_kind(kind.group, kind.version, kind.kind) == nullptr) continue;
    EXPECT_EQ(refusal(object), "");
    EXPECT_EQ(update_refusal(object, object), "");
  }
}

TEST(SchemaValidation, WordsARefusedDeploymentAsTheApiServerDoes) {
  const Json object = with(made(kDeployment), "spec.replicas", -1);
  EXPECT_EQ(refusal(object),
            "Deployment.apps \"bad\" is invalid: spec.replicas: Invalid value: -1: must be greater "
            "than or equal to 0");
  const FieldErrors errors = validate_create("apps", "v1", "Deployment", object);
  const Json status = invalid_status("apps", "Deployment", "bad", errors);
  EXPECT_EQ(
      write_json(status),
      R"({"apiVersion":"v1","code":422,"details":{"causes":[{"field":"spec.replicas","message":)"
      R"("Invalid value: -1: must be greater than or equal to 0","reason":"FieldValueInvalid"}],"group":"apps",)"
      R"("kind":"Deployment","name":"bad"},"kind":"Status","message":"Deployment.apps \"bad\" is invalid: )"
      R"(spec.replicas: Invalid value: -1: must be greater than or equal to 0","metadata":{},"reason":"Invalid",)"
      R"("status":"Failure"})");
}

TEST(SchemaValidation, NamesAllThatIsWrong) {
  EXPECT_EQ(
      refusal_of(R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"bad"},
      "spec":{"selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":{"app":"y"}},
      "spec":{"containers":[{"name":"A"}]}}}})"),
      "Deployment.apps \"bad\" is invalid: [spec.template.metadata.labels: Invalid value: "
      "{\"app\":\"y\"}: "
      "`selector` does not match template `labels`, spec.template.spec.containers[0].name: Invalid "
      "value: \"A\": "
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
      "must start and "
      "end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for "
      "validation is "
      "'[a-z0-9]([-a-z0-9]*[a-z0-9])?'), spec.template.spec.containers[0].image: Required value]");
}

TEST(SchemaValidation, RefusesNamesThatAreNone) {
  EXPECT_EQ(refusal_of(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"Bad_Name"}})"),
            "ConfigMap \"Bad_Name\" is invalid: metadata.name: Invalid value: \"Bad_Name\": a "
            "lowercase RFC 1123 "
            "subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
            "start and end with an "
            "alphanumeric character (e.g. 'example.com', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')");
  EXPECT_EQ(
      refusal_of(
          R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"system:node"}})"),
      "");
  EXPECT_EQ(
      refusal_of(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{}})"),
      "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required");
}

TEST(SchemaValidation, KeepsSelectorsAsTheyWere) {
  const Json before = made(kDeployment);
  Json after = with(before, "spec.selector.matchLabels.app", "y");
  after = with(after, "spec.template.metadata.labels.app", "y");
  EXPECT_EQ(update_refusal(before, after),
            "Deployment.apps \"bad\" is invalid: spec.selector: Invalid value: "
            "{\"matchLabels\":{\"app\":\"y\"}}: "
            "field is immutable");
}

TEST(SchemaValidation, SealsImmutableConfigMaps) {
  const Json before =
      made(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"immutable":true,
    "data":{"a":"1"}})");
  EXPECT_EQ(
      update_refusal(before, with(before, "data.a", "2")),
      "ConfigMap \"c\" is invalid: data: Forbidden: field is immutable when `immutable` is set");
  EXPECT_EQ(update_refusal(before, with(before, "metadata.labels.a", "2")), "");
}

TEST(SchemaValidation, LetsAStatefulSetChangeOnlySomeFields) {
  const Json before =
      made(R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db"},"spec":{
    "serviceName":"db","selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":{"app":"x"}},
    "spec":{"containers":[{"name":"a","image":"b:1"}]}}}})");
  EXPECT_EQ(update_refusal(before, with(before, "spec.replicas", 3)), "");
  EXPECT_EQ(update_refusal(before, with(before, "spec.serviceName", "other")),
            "StatefulSet.apps \"db\" is invalid: spec: Forbidden: updates to statefulset spec for "
            "fields other than "
            "'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
            "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
}

TEST(SchemaValidation, RefusesAJobWithAnotherJobsSelector) {
  EXPECT_EQ(refusal_of(R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"},"spec":{
    "selector":{"matchLabels":{"batch.kubernetes.io/controller-uid":"old"}},
    "template":{"spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"b:1"}]}}}})"),
            "Job.batch \"j\" is invalid: spec.selector: Invalid value: "
            "{\"matchLabels\":{\"batch.kubernetes.io/controller-uid\":\"old\"}}: `selector` not "
            "auto-generated");
  EXPECT_EQ(
      refusal_of(R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"},"spec":{
    "template":{"spec":{"containers":[{"name":"a","image":"b:1"}]}}}})"),
      "Job.batch \"j\" is invalid: spec.template.spec.restartPolicy: Required value: valid values: "
      "\"OnFailure\", \"Never\"");
}

TEST(SchemaValidation, LetsAClaimBeBoundAndGrow) {
  Json before =
      made(R"({"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"c"},"spec":{
    "accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}},"storageClassName":"fast"}})");
  EXPECT_EQ(update_refusal(before, with(before, "spec.volumeName", "pv-1")), "");
  EXPECT_EQ(update_refusal(before, with(before, "spec.storageClassName", "slow")),
            "PersistentVolumeClaim \"c\" is invalid: spec: Forbidden: spec is immutable after "
            "creation except "
            "resources.requests and volumeAttributesClassName for bound claims");
  before = with(with(before, "status.phase", "Bound"), "status.capacity.storage", "1Gi");
  EXPECT_EQ(update_refusal(before, with(before, "spec.resources.requests.storage", "2Gi")), "");
}

TEST(SchemaValidation, KeepsAServicesClusterAddress) {
  Json before = made(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},
    "spec":{"clusterIP":"10.0.0.7","ports":[{"port":80}]}})");
  Json after = with(before, "spec.clusterIP", "10.0.0.8");
  ensure(after, "spec.clusterIPs") = JsonArray{Json("10.0.0.8")};
  EXPECT_EQ(update_refusal(before, after),
            "Service \"s\" is invalid: spec.clusterIPs[0]: Invalid value: [\"10.0.0.8\"]: may not "
            "change once set");
}

TEST(SchemaValidation, LetsPodsChangeOnlyImages) {
  const Json before = made(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},
    "spec":{"containers":[{"name":"a","image":"b:1"}]}})");
  Json image = before;
  ensure(image, "spec.containers").get_array()[0].get_object()["image"] = "b:2";
  EXPECT_EQ(update_refusal(before, image), "");
  EXPECT_TRUE(update_refusal(before, with(before, "spec.nodeName", "n"))
                  .starts_with("Pod \"p\" is invalid: spec: Forbidden: pod updates may not change "
                               "fields other than"));
}

struct RefusalCase {
  std::string name;
  std::string object;
  std::string error;
};

class SchemaRefusal : public ::testing::TestWithParam<RefusalCase> {};

TEST_P(SchemaRefusal, SaysWhatIsWrong) {
  EXPECT_EQ(refusal_of(GetParam().object), GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    ,
    SchemaRefusal,
    ::testing::ValuesIn(std::vector<RefusalCase>{
        {"PodWithoutContainers",
         R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[]}})",
         "Pod \"p\" is invalid: spec.containers: Required value"},
        {"MountOfNoVolume",
         R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"b:1",
         "volumeMounts":[{"name":"v","mountPath":"/v"}]}]}})",
         "Pod \"p\" is invalid: spec.containers[0].volumeMounts[0].name: Not found: \"v\""},
        {"ServiceWithoutPorts",
         R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{}})",
         "Service \"s\" is invalid: spec.ports: Required value"},
        {"ServiceOfAnOddType",
         R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"type":"X","ports":[{"port":1}]}})",
         "Service \"s\" is invalid: spec.type: Unsupported value: \"X\": supported values: "
         "\"ClusterIP\", "
         "\"ExternalName\", \"LoadBalancer\", \"NodePort\""},
        {"ClaimWithoutModes",
         R"({"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"c"},
         "spec":{"resources":{"requests":{"storage":"1Gi"}}}})",
         "PersistentVolumeClaim \"c\" is invalid: spec.accessModes: Required value: at least 1 "
         "access mode is required"},
        {"LabelWithABlank",
         R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","labels":{"a":"b c"}}})",
         "ConfigMap \"c\" is invalid: metadata.labels: Invalid value: \"b c\": a valid label must "
         "be an empty string or "
         "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
         "alphanumeric character "
         "(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
         "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"},
        {"TlsSecretWithoutKey",
         R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"type":"kubernetes.io/tls","data":{"tls.crt":"QQ=="}})",
         "Secret \"s\" is invalid: data[tls.key]: Required value"},
        {"BindingToNothing",
         R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"b"},
         "roleRef":{"kind":"Role","name":"x"}})",
         "ClusterRoleBinding.rbac.authorization.k8s.io \"b\" is invalid: roleRef.kind: Unsupported "
         "value: \"Role\": "
         "supported values: \"ClusterRole\""},
        {"AutoscalerUpsideDown",
         R"({"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"h"},
         "spec":{"minReplicas":5,"maxReplicas":2,"scaleTargetRef":{"kind":"Deployment","name":"x"}}})",
         "HorizontalPodAutoscaler.autoscaling \"h\" is invalid: spec.maxReplicas: Invalid value: "
         "2: must be greater than "
         "or equal to `minReplicas`"}}),
    [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace lateen::sandbox::schema
