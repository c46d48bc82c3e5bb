#include "model/pod_hooks.h"

#include <gtest/gtest.h>

#include "model/backup.h"
#include "model/fixture.h"

namespace lateen::model {
namespace {

HookPod pod(StringMap annotations = {}, StringMap labels = {}) {
  return {.ns = "shop",
          .name = "db-0",
          .labels = std::move(labels),
          .annotations = std::move(annotations),
          .containers = {"db", "sidecar"}};
}

BackupHooks spec_hooks() {
  return {.resources = {{.name = "h",
                         .included_namespaces = {"shop"},
                         .pre = {{.exec = ExecHook{.command = {"/bin/true"}}},
                                 {.exec = ExecHook{.container = "sidecar",
                                                   .command = {"/bin/false"},
                                                   .on_error = HookErrorMode::Continue,
                                                   .timeout = std::chrono::seconds(5)}}}}}};
}

TEST(BackupHooksOfAPod, ComeFromTheSpecWithEveryDefaultFilledIn) {
  const std::vector<PodHook> hooks = backup_hooks_of(pod(), HookPhase::Pre, spec_hooks());
  ASSERT_EQ(hooks.size(), 2U);
  // Velero's manual says Fail of an onError that is left out; every Velero goes on.
  EXPECT_EQ(
      hooks[0],
      (PodHook{
          .name = "h", .container = "db", .command = {"/bin/true"}, .continue_on_error = true}));
  EXPECT_EQ(hooks[1].container, "sidecar");
  EXPECT_TRUE(hooks[1].continue_on_error);
  EXPECT_EQ(hooks[1].timeout, std::chrono::seconds(5));
  EXPECT_TRUE(backup_hooks_of(pod(), HookPhase::Post, spec_hooks()).empty());
}

TEST(BackupHooksOfAPod, AreOnlyThoseOfItsAnnotationsIfItHasAny) {
  const std::vector<PodHook> hooks =
      backup_hooks_of(pod({{"pre.hook.backup.velero.io/command", R"(["/bin/sh","-c","echo hi"])"},
                           {"pre.hook.backup.velero.io/container", "sidecar"},
                           {"pre.hook.backup.velero.io/on-error", "Continue"},
                           {"pre.hook.backup.velero.io/timeout", "2m"}}),
                      HookPhase::Pre, spec_hooks());
  ASSERT_EQ(hooks.size(), 1U);
  EXPECT_EQ(hooks[0].source, HookSource::Annotation);
  EXPECT_EQ(hooks[0].command, (StringList{"/bin/sh", "-c", "echo hi"}));
  EXPECT_EQ(hooks[0].container, "sidecar");
  EXPECT_TRUE(hooks[0].continue_on_error);
  EXPECT_EQ(hooks[0].timeout, std::chrono::minutes(2));
}

TEST(BackupHooksOfAPod, TakeTheKeysWithoutPrefixAsPreOnly) {
  const HookPod old = pod(
      {{"hook.backup.velero.io/command", "/freeze"}, {"hook.backup.velero.io/timeout", "soon"}});
  const std::vector<PodHook> hooks = backup_hooks_of(old, HookPhase::Pre, {});
  ASSERT_EQ(hooks.size(), 1U);
  EXPECT_EQ(hooks[0].command, StringList{"/freeze"});
  EXPECT_EQ(hooks[0].timeout, kDefaultHookTimeout);
  EXPECT_TRUE(backup_hooks_of(old, HookPhase::Post, {}).empty());
}

TEST(BackupHooksOfAPod, LeaveOutEntriesForOtherNamespacesResourcesAndLabels) {
  BackupHooks hooks = spec_hooks();
  hooks.resources[0].excluded_namespaces = {"shop"};
  EXPECT_TRUE(backup_hooks_of(pod(), HookPhase::Pre, hooks).empty());
  hooks = spec_hooks();
  hooks.resources[0].included_resources = {"deployments.apps"};
  EXPECT_TRUE(backup_hooks_of(pod(), HookPhase::Pre, hooks).empty());
  hooks.resources[0].included_resources = {"po"};
  EXPECT_EQ(backup_hooks_of(pod(), HookPhase::Pre, hooks).size(), 2U);
  hooks.resources[0].label_selector = LabelSelector{.match_labels = {{"app", "db"}}};
  EXPECT_TRUE(backup_hooks_of(pod(), HookPhase::Pre, hooks).empty());
  EXPECT_EQ(backup_hooks_of(pod({}, {{"app", "db"}}), HookPhase::Pre, hooks).size(), 2U);
}

// The hookfail backup tried five hooks: one pre on loner, and a post on each of the pods of web.
TEST(BackupHooksOfAPod, AreThoseThatTheRealVeleroRan) {
  const Result<Backup> backup = from_json<Backup>(parse(
      read_fixture(velero_bucket() / "bucket/backups/bookstore-hookfail/velero-backup.json")));
  ASSERT_TRUE(backup);
  const Json live = parse(read_fixture(velero_bucket() / "expected.json"));
  std::size_t tried = 0;
  for (const Json& item : *array_at(live, "items")) {
    if (string_at(item, "kind") != "Pod" || string_at(item, "status.phase") != "Running") continue;
    const HookPod one = HookPod::from(item);
    for (const HookPhase phase : {HookPhase::Pre, HookPhase::Post}) {
      tried += backup_hooks_of(one, phase, backup->spec.hooks).size();
    }
  }
  EXPECT_EQ(tried, static_cast<std::size_t>(backup->status.hook_status->hooks_attempted));
}

TEST(HookCommand, IsOneWordUnlessItIsAJsonArray) {
  EXPECT_EQ(parse_hook_command("/bin/a b"), StringList{"/bin/a b"});
  EXPECT_EQ(parse_hook_command("[broken"), StringList{"[broken"});
  EXPECT_EQ(parse_hook_command(R"(["a","b"])"), (StringList{"a", "b"}));
  EXPECT_EQ(parse_hook_command("[1]"), StringList{"[1]"});
}

TEST(RestoreHooksOfAPod, GoOnAfterAnErrorUnlessToldOtherwise) {
  RestoreHooks hooks;
  hooks.resources.push_back(
      {.name = "r", .post_hooks = {{.exec = ExecRestoreHook{.command = {"x"}}}}});
  const std::vector<RestoreExecHook> from_spec = restore_exec_hooks_of(pod(), hooks);
  ASSERT_EQ(from_spec.size(), 1U);
  EXPECT_TRUE(from_spec[0].continue_on_error);
  EXPECT_EQ(from_spec[0].wait_timeout, Duration::zero());
  const std::vector<RestoreExecHook> annotated =
      restore_exec_hooks_of(pod({{"post.hook.restore.velero.io/command", "y"},
                                 {"post.hook.restore.velero.io/on-error", "Fail"},
                                 {"post.hook.restore.velero.io/wait-timeout", "5m"},
                                 {"post.hook.restore.velero.io/wait-for-ready", "true"}}),
                            hooks);
  ASSERT_EQ(annotated.size(), 1U);
  EXPECT_FALSE(annotated[0].continue_on_error);
  EXPECT_EQ(annotated[0].wait_timeout, std::chrono::minutes(5));
  EXPECT_TRUE(annotated[0].wait_for_ready);
}

TEST(RestoreInitContainers, ComeFromTheAnnotationsFirst) {
  const std::vector<Json> containers = restore_init_containers_of(
      pod({{"init.hook.restore.velero.io/container-image", "alpine"},
           {"init.hook.restore.velero.io/command", R"(["touch","/x"])"}}),
      {}, "0123abcd");
  ASSERT_EQ(containers.size(), 1U);
  EXPECT_EQ(write_json(containers[0]),
            R"({"command":["touch","/x"],"image":"alpine","name":"velero-restore-init-0123abcd"})");
  EXPECT_TRUE(restore_init_containers_of(pod(), {}, "x").empty());
}

}  // namespace
}  // namespace lateen::model
