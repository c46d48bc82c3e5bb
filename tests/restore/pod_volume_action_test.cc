#include "restore/pod_volume_action.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/yaml.h"
#include "restore/pod_volume_restores.h"

namespace lateen::restore {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Json pod() {
  return parse_yaml(R"(
metadata: {namespace: shop, name: db-0, uid: 9c858901-8a57-4791-81fe-4c455b099bc9}
spec:
  initContainers:
    - {name: restic-wait, image: old}
    - {name: restore-wait, image: older}
    - {name: migrate, image: mine}
  containers:
    - {name: db, image: postgres}
  volumes:
    - {name: data, persistentVolumeClaim: {claimName: data-db-0}}
    - {name: scratch, emptyDir: {}}
    - {name: config, configMap: {name: c}}
)")
      .value();
}

model::PodVolumeBackup copy_of(std::string volume, std::string snapshot) {
  model::PodVolumeBackup copy;
  copy.spec.pod.ns = "shop";
  copy.spec.pod.name = "db-0";
  copy.spec.volume = std::move(volume);
  copy.spec.uploader_type = "kopia";
  copy.status.snapshot_id = std::move(snapshot);
  return copy;
}

std::vector<std::string> init_containers(const Json& pod) {
  std::vector<std::string> names;
  if (const JsonArray* list = array_at(pod, "spec.initContainers")) {
    for (const Json& one : *list)
      names.emplace_back(string_at(one, "name"));
  }
  return names;
}

TEST(CopiesOfPod, AreThoseOfItsOwnVolumesWithASnapshot) {
  std::vector<model::PodVolumeBackup> copies = {copy_of("data", "s1"), copy_of("scratch", ""),
                                                copy_of("gone", "s2"), copy_of("config", "s3")};
  EXPECT_THAT(copies_of_pod(copies, pod(), "shop"),
              ElementsAre(::testing::Pair("data", &copies.front())));
  EXPECT_THAT(copies_of_pod(copies, pod(), "elsewhere"), ElementsAre());
}

TEST(WaitContainer, RunsBeforeTheOthersAndReplacesThatOfAFormerRestore) {
  Json restored = pod();
  add_wait_container(restored, {"data"}, "uid-1",
                     {.image = "lateen:1", .command = {"/lateen", "restore-helper"}});
  EXPECT_THAT(init_containers(restored), ElementsAre("restore-wait", "migrate"));
  const Json& wait = array_at(restored, "spec.initContainers")->front();
  EXPECT_EQ(write_json(*find(wait, "command")), R"(["/lateen","restore-helper"])");
  EXPECT_EQ(write_json(*find(wait, "args")), R"(["uid-1"])");
  EXPECT_EQ(write_json(*find(wait, "volumeMounts")),
            R"([{"mountPath":"/restores/data","name":"data"}])");
  EXPECT_EQ(int_at(wait, "securityContext.runAsUser"), 1000);
}

TEST(WaitContainer, IsNotThereWhereNothingIsWaitedFor) {
  Json restored = pod();
  add_wait_container(restored, {}, "uid-1", {});
  EXPECT_THAT(init_containers(restored), ElementsAre("migrate"));
}

TEST(WaitContainer, TakesThePodsOwnSecurityContextUnlessItIsToldAnother) {
  Json restored = pod();
  ensure(restored, "spec").as_object()["containers"] =
      JsonArray{JsonObject{{"name", "db"}, {"securityContext", JsonObject{{"runAsUser", 999}}}}};
  WaitContainer container;
  add_wait_container(restored, {"data"}, "u", container);
  EXPECT_EQ(int_at(array_at(restored, "spec.initContainers")->front(), "securityContext.runAsUser"),
            999);
  ASSERT_TRUE(container.configure(JsonObject{{"secCtxRunAsUser", "7"}, {"cpuLimit", "200m"}}));
  add_wait_container(restored, {"data"}, "u", container);
  const Json& wait = array_at(restored, "spec.initContainers")->front();
  EXPECT_EQ(int_at(wait, "securityContext.runAsUser"), 7);
  EXPECT_EQ(string_at(wait, "resources.limits.cpu"), "200m");
  const Status wrong = container.configure(JsonObject{{"secCtxRunAsUser", "me"}});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message(), HasSubstr("secCtxRunAsUser"));
}

TEST(PodVolumeRestore, SaysWhatVelerosNodeAgentNeeds) {
  model::Restore restore;
  restore.metadata.ns = "velero";
  restore.metadata.name = "back";
  restore.metadata.uid = "r-1";
  restore.spec.uploader_config.emplace();
  restore.spec.uploader_config->write_sparse_files = true;
  model::PodVolumeBackup copy = copy_of("data", "s1");
  copy.status.progress.total_bytes = 42;
  const model::PodVolumeRestore made = new_pod_volume_restore(restore, pod(), copy, "default");
  EXPECT_EQ(made.metadata.generate_name, "back-");
  EXPECT_EQ(made.metadata.label("velero.io/restore-uid"), "r-1");
  EXPECT_EQ(made.metadata.label("velero.io/pod-uid"), "9c858901-8a57-4791-81fe-4c455b099bc9");
  EXPECT_EQ(made.metadata.owner_references.front().uid, "r-1");
  EXPECT_EQ(made.spec.snapshot_id, "s1");
  EXPECT_EQ(made.spec.snapshot_size, 42);
  EXPECT_EQ(made.spec.source_namespace, "shop");
  EXPECT_EQ(made.spec.uploader_settings.at("WriteSparseFiles"), "true");
}

}  // namespace
}  // namespace lateen::restore
