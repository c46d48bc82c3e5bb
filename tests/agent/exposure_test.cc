#include "agent/exposure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/data_path.h"
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
  const Json pod = data_pod(exposure(), all, {.command = {"/lateen"}});
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
  EXPECT_THAT(write_json(data_pod(other, all, {})), HasSubstr(R"("key":"role")"));
  other.node = "n1";  // where the volume has to be anyway
  const Json pinned = data_pod(other, all, {});
  EXPECT_EQ(find(pinned, "spec.affinity"), nullptr);
  EXPECT_THAT(write_json(pinned), HasSubstr(R"("kubernetes.io/hostname":"n1")"));
}

TEST(Exposure, ABlockVolumeIsADeviceOfItsPod) {
  Exposure block = exposure();
  block.volume_mode = "Block";
  const std::string pod = write_json(data_pod(block, {}, {}));
  EXPECT_THAT(pod, HasSubstr(R"("volumeDevices":[{"devicePath":"/u1","name":"u1"}])"));
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

TEST(Exposure, WhatAPodKeepsOfTheRepositoryHasAVolumeOfItsOwn) {
  Exposure restored = exposure();
  restored.node = "n1";
  restored.volume_mode = "Block";
  const Json claim = cache_claim(restored, {.storage_class = "scratch"}, ByteCount{2} << 30);
  EXPECT_EQ(string_at(claim, "metadata.name"), "nightly-x-cache");
  EXPECT_EQ(string_at(claim, "spec.storageClassName"), "scratch");
  EXPECT_EQ(string_at(claim, "spec.volumeMode"), "Filesystem");
  EXPECT_EQ(string_at(claim, "spec.resources.requests.storage"), "2147483648");
  EXPECT_EQ(kube::annotation_of(claim, "volume.kubernetes.io/selected-node"), "n1");
  EXPECT_EQ(kube::owner_references_of(claim).front().uid, "u1");
  restored.cache_claim = cache_claim_name(restored.name);
  restored.arguments = data_pod_arguments(restored, kRestoreWork, {});
  const std::string pod = write_json(data_pod(restored, {}, {}));
  EXPECT_THAT(pod, HasSubstr(R"("--cache-volume-path=/cachedir")"));
  EXPECT_THAT(pod, HasSubstr(R"("volumeMounts":[{"mountPath":"/cachedir","name":"cachedir"}])"));
  EXPECT_THAT(
      pod,
      HasSubstr(R"({"name":"cachedir","persistentVolumeClaim":{"claimName":"nightly-x-cache"}})"));
}

TEST(Exposure, APodThatCannotStartSaysWhy) {
  EXPECT_EQ(why_hopeless(parsed("{status: {phase: Pending}}")), "");
  EXPECT_THAT(why_hopeless(parsed("{status: {phase: Failed, reason: Evicted, message: disk}}")),
              HasSubstr("Evicted disk"));
  EXPECT_THAT(why_hopeless(parsed("{status: {phase: Pending, containerStatuses: [{state: {waiting: "
                                  "{reason: ImagePullBackOff, message: no such image}}}]}}")),
              HasSubstr("ImagePullBackOff no such image"));
}

constexpr const char* kDaemonSetPath = "GET /apis/apps/v1/namespaces/velero/daemonsets/node-agent";

// With the folder that is its bucket, and kubelet's folder of pods.
constexpr const char* kAgents = R"({"spec":{"template":{"spec":{"serviceAccountName":"velero",
  "tolerations":[{"operator":"Exists"}],"volumes":[{"name":"host-pods","hostPath":{"path":"/k"}},
    {"name":"backups","hostPath":{"path":"/b"}}],
  "containers":[{"image":"lateen:1","imagePullPolicy":"IfNotPresent","command":["/lateen"],
    "args":["node-agent","server","--log-format","json","--node-agent-configmap=c"],
    "env":[{"name":"VELERO_NAMESPACE","value":"velero"}],
    "volumeMounts":[{"name":"host-pods","mountPath":"/host_pods","mountPropagation":
      "HostToContainer"},{"name":"backups","mountPath":"/b"}]}]}}}})";

TEST(PodTemplate, IsTheAgentsOwnWithoutItsWayIntoTheNode) {
  kube::FakeApi api;
  api.answer(kDaemonSetPath, 200, kAgents);
  const auto client = api.client();
  const auto made = read_pod_template(*client, "velero", {});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->image, "lateen:1");
  EXPECT_THAT(made->command, ElementsAre("/lateen"));
  Exposure backup = exposure();
  backup.arguments = data_pod_arguments(backup, kBackupWork, {.node = "n1"});
  const std::string pod = write_json(data_pod(backup, {}, *made));
  EXPECT_THAT(pod, HasSubstr(R"("args":["data-mover","backup","--volume-path=/u1",)"
                             R"("--volume-mode=Filesystem","--data-upload=nightly-x",)"
                             R"("--resource-timeout=10m0s","--log-format","json"])"));
  EXPECT_THAT(pod, HasSubstr(R"("serviceAccountName":"velero")"));
  EXPECT_THAT(pod, HasSubstr(R"("tolerations":[{"operator":"Exists"}])"));
  EXPECT_THAT(pod, HasSubstr(R"("mountPath":"/b")"));
  EXPECT_THAT(pod, HasSubstr("VELERO_NAMESPACE"));
  EXPECT_EQ(pod.find("host-pods"), std::string::npos) << pod;
}

TEST(PodTemplate, ShowsNothingOfVelerosToAnotherNamespace) {
  kube::FakeApi api;
  api.answer(kDaemonSetPath, 200, kAgents);
  const auto client = api.client();
  Exposure in_place = exposure();
  in_place.ns = "shop";
  in_place.owner = {};
  const std::string pod =
      write_json(data_pod(in_place, {}, bare(read_pod_template(*client, "velero", {}).value())));
  EXPECT_EQ(pod.find("serviceAccountName"), std::string::npos) << pod;
  EXPECT_EQ(pod.find("\"env\""), std::string::npos) << pod;
  EXPECT_THAT(pod, HasSubstr(R"("mountPath":"/volume")"));
}

TEST(PodTemplate, WithoutAgentsThereAreNoPodsOfTheirKind) {
  kube::FakeApi api;
  const auto client = api.client();
  const auto made = read_pod_template(*client, "velero", {});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().describe(), HasSubstr("install --use-node-agent"));
}

TEST(DataPath, APodSaysHowItEndedAsVelerosDo) {
  const auto ended = [](const std::string& phase, const std::string& message) {
    return end_of_pod(
        parsed(fmt::format("{{status: {{phase: {}, containerStatuses: [{{state: {{terminated: "
                           "{{message: '{}'}}}}}}]}}}}",
                           phase, message)));
  };
  EXPECT_FALSE(ended("Running", ""));
  EXPECT_FALSE(ended("Failed", "")) << "killed: it said nothing of its work";
  // As Velero 1.18's pods write it.
  const auto done =
      ended("Succeeded", R"({"snapshotID":"5e","emptySnapshot":false,"source":{"byPath":"/u1",)"
                         R"("volumeMode":"Filesystem"},"totalBytes":7,"incrementalBytes":3})");
  ASSERT_TRUE(done && done->how == PodEnding::Completed);
  const auto result = parse_result(kBackupWork, done->message);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->snapshot_id, "5e");
  EXPECT_EQ(result->total, 7U);
  EXPECT_EQ(parse_result(kBackupWork, write_result(kBackupWork, *result))->incremental, 3U);
  EXPECT_EQ(ended("Failed",
                  "Failed to run data path service for DataUpload x: data path is "
                  "canceled")
                ->how,
            PodEnding::Canceled);
  EXPECT_EQ(ended("Failed", "no space left on device")->how, PodEnding::Failed);
  EXPECT_FALSE(parse_result(kBackupWork, R"({"totalBytes":7})")) << "it names no snapshot";
  EXPECT_TRUE(parse_result(kRestoreWork, R"({"target":{"byPath":"/u1"},"totalBytes":7})"));
}

// As Velero 1.18.1's pods tell it: one Event, whose message is the newest.
TEST(DataPath, HowFarAPodOfVelerosIsStandsInItsEvents) {
  const Json events = parsed(R"({items: [
    {reason: Data-Path-Started, message: "Data path for nightly-x started"},
    {reason: Data-Path-Progress, message: '{"totalBytes":250000006,"doneBytes":65011712}'},
    {reason: Data-Path-Progress, message: '{"totalBytes":250000006,"doneBytes":4096}'},
    {reason: Data-Path-Progress, message: 'no json'}]})");
  const auto progress = progress_in(events);
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->total_bytes, 250000006);
  EXPECT_EQ(progress->bytes_done, 65011712);
  EXPECT_FALSE(progress_in(parsed("{items: [{reason: Data-Path-Started, message: x}]}")));
  EXPECT_FALSE(progress_in(parsed("{}")));
}

}  // namespace
}  // namespace lateen::agent
