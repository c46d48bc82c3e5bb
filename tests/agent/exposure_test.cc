#include "agent/exposure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/yaml.h"
#include "kube/testing/fake_api.h"

namespace lateen::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Exposure exposure() {
  return {.ns = "velero",
          .name = "nightly-x",
          .owner = {.api_version = "velero.io/v2alpha1",
                    .kind = "DataUpload",
                    .name = "nightly-x",
                    .uid = "u1"},
          .label = "velero.io/data-upload",
          .storage_class = "fast"};
}

Json parsed(std::string_view text) {
  auto json = parse_yaml(text);
  EXPECT_TRUE(json) << text;
  return json ? std::move(*json) : Json();
}

AgentSettings settings(std::string_view json) {
  const Json map = JsonObject{{"data", JsonObject{{"config", json}}}};
  auto read = AgentSettings::parse(map);
  EXPECT_TRUE(read) << read.error().message();
  return read ? std::move(*read) : AgentSettings();
}

TEST(Exposure, APodRunsWhereTheConfigMapSendsPodsOfItsClass) {
  const AgentSettings all = settings(R"({
    "loadAffinity": [{"nodeSelector": {"matchLabels": {"role": "backup"}}},
      {"storageClass": "fast", "nodeSelector": {"matchExpressions":
        [{"key": "zone", "operator": "In", "values": ["a"]}]}}],
    "priorityClassName": "low", "podLabels": {"team": "storage"},
    "podAnnotations": {"iam.amazonaws.com/role": "backup"}})");
  const Json pod = holding_pod(exposure(), all, {.command = {"/lateen"}});
  const Json* terms = find(pod,
                           "spec.affinity.nodeAffinity."
                           "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
  ASSERT_NE(terms, nullptr);
  EXPECT_EQ(write_json(*terms),
            R"([{"matchExpressions":[{"key":"zone","operator":"In","values":["a"]}]}])");
  EXPECT_EQ(string_at(pod, "spec.priorityClassName"), "low");
  EXPECT_EQ(kube::label_of(pod, "team"), "storage");
  EXPECT_EQ(kube::label_of(pod, "velero.io/data-upload"), "nightly-x");
  EXPECT_EQ(kube::annotation_of(pod, "iam.amazonaws.com/role"), "backup");

  Exposure other = exposure();
  other.storage_class = "slow";
  EXPECT_THAT(write_json(holding_pod(other, all, {})), HasSubstr(R"("key":"role")"));
  other.node = "n1";  // where the volume has to be anyway
  const Json pinned = holding_pod(other, all, {});
  EXPECT_EQ(find(pinned, "spec.affinity"), nullptr);
  EXPECT_THAT(write_json(pinned), HasSubstr(R"("kubernetes.io/hostname":"n1")"));
}

TEST(Exposure, ABlockVolumeIsADeviceOfItsPod) {
  Exposure block = exposure();
  block.volume_mode = "Block";
  const std::string pod = write_json(holding_pod(block, {}, {}));
  EXPECT_THAT(pod, HasSubstr(R"("volumeDevices":[{"devicePath":"/volume","name":"volume"}])"));
  EXPECT_EQ(pod.find("volumeMounts"), std::string::npos);
  EXPECT_EQ(string_at(backup_claim(block, "1Gi", nullptr), "spec.volumeMode"), "Block");
}

TEST(Exposure, AClaimOfASnapshotIsMadeAsTheConfigMapSays) {
  const AgentSettings all = settings(R"({"backupPVC": {"fast": {"storageClass": "fast-copy",
    "readOnly": true, "spcNoRelabeling": true, "annotations": {"quick": "yes"}}}})");
  const BackupClaimSettings& given = all.backup_claims.at("fast");
  EXPECT_EQ(given.storage_class, "fast-copy");
  EXPECT_TRUE(given.no_relabeling);
  Exposure read_only = exposure();
  read_only.read_only = given.read_only;
  const Json claim = backup_claim(read_only, "1073741824", &given);
  EXPECT_THAT(texts_at(claim, "spec.accessModes"), ElementsAre("ReadOnlyMany"));
  EXPECT_EQ(string_at(claim, "spec.dataSource.name"), "nightly-x");
  EXPECT_EQ(string_at(claim, "spec.resources.requests.storage"), "1073741824");
  EXPECT_EQ(kube::annotation_of(claim, "quick"), "yes");
  EXPECT_EQ(kube::owner_references_of(claim).front().uid, "u1");
}

TEST(Exposure, ARestoredVolumeIsAsItsClaimAsksForIt) {
  const Json target = parsed(
      "{metadata: {name: data, namespace: shop}, spec: {accessModes: [ReadWriteMany], "
      "storageClassName: fast, resources: {requests: {storage: 2Gi}}, selector: {matchLabels: {a: "
      "b}}}}");
  Exposure at_node = exposure();
  at_node.node = "n1";
  const Json claim = restore_claim(at_node, target);
  EXPECT_THAT(texts_at(claim, "spec.accessModes"), ElementsAre("ReadWriteMany"));
  EXPECT_EQ(string_at(claim, "spec.resources.requests.storage"), "2Gi");
  EXPECT_EQ(find(claim, "spec.selector"), nullptr);
  EXPECT_EQ(kube::annotation_of(claim, "volume.kubernetes.io/selected-node"), "n1");
}

TEST(Exposure, APodThatCannotStartSaysWhy) {
  EXPECT_EQ(why_hopeless(parsed("{status: {phase: Pending}}")), "");
  EXPECT_THAT(why_hopeless(parsed("{status: {phase: Failed, reason: Evicted, message: disk}}")),
              HasSubstr("Evicted disk"));
  EXPECT_THAT(why_hopeless(parsed("{status: {phase: Pending, containerStatuses: [{state: {waiting: "
                                  "{reason: ImagePullBackOff, message: no such image}}}]}}")),
              HasSubstr("ImagePullBackOff no such image"));
}

TEST(MoverImage, IsTheAgentsOwn) {
  kube::FakeApi api;
  api.answer("GET /apis/apps/v1/namespaces/velero/daemonsets/node-agent", 200, R"({"spec":
    {"template":{"spec":{"serviceAccountName":"velero","tolerations":[{"operator":"Exists"}],
    "containers":[{"image":"lateen:1","imagePullPolicy":"IfNotPresent",
    "command":["/lateen"],"args":["node-agent","server"]}]}}}})");
  const auto client = api.client();
  const auto image = read_mover_image(*client, "velero", {});
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->image, "lateen:1");
  EXPECT_THAT(image->command, ElementsAre("/lateen"));
  const std::string pod = write_json(holding_pod(exposure(), {}, *image));
  EXPECT_THAT(pod, HasSubstr(R"("command":["/lateen","data-mover","hold"])"));
  EXPECT_THAT(pod, HasSubstr(R"("serviceAccountName":"velero")"));
  EXPECT_THAT(pod, HasSubstr(R"("tolerations":[{"operator":"Exists"}])"));
}

}  // namespace
}  // namespace lateen::agent
