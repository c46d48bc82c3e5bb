#include "plugins/item_actions.h"

#include <thread>

#include <gtest/gtest.h>

#include "plugins/testing/plugin_program.h"

namespace lateen::plugins {
namespace {

using testing::PluginDir;

class ItemActions : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = PluginDir::create();
    ASSERT_NE(dir_, nullptr);
    command_ = dir_->add();
    binary_ = std::make_unique<PluginBinary>(ProcessOptions{.command = command_}, CallLimits{});
  }

  PluginId id(PluginKind kind, std::string name) const {
    return {.kind = kind, .name = std::move(name), .command = command_};
  }

  BackupAction backup_action() {
    return {*binary_, id(PluginKind::BackupItemActionV2, "example.io/annotate")};
  }

  RestoreAction restore_action() {
    return {*binary_, id(PluginKind::RestoreItemActionV2, "example.io/stamp")};
  }

  // A ConfigMap with the plugin's label and one annotation.
  static std::string item(std::string_view label,
                          std::string_view key = "x",
                          std::string_view value = "y") {
    return fmt::format(
        R"({{"metadata":{{"name":"cm","namespace":"shop","uid":"u1","labels":{{"test-plugin":"{}"}},)"
        R"("annotations":{{"{}":"{}"}}}}}})",
        label, key, value);
  }

  static std::string annotation(const Bytes& json, std::string_view key) {
    const auto parsed = parse_json(json);
    return parsed ? std::string(as_text(find(find(*parsed, "metadata.annotations"), JsonKey{key})))
                  : std::string("no JSON");
  }

  static constexpr std::string_view kBackup = R"({"metadata":{"name":"nightly"}})";

  std::unique_ptr<PluginDir> dir_;
  FilePath command_;
  std::unique_ptr<PluginBinary> binary_;
};

TEST_F(ItemActions, SayWhatTheyApplyTo) {
  const auto check = [](const Result<ResourceSelector>& selector) {
    ASSERT_TRUE(selector) << selector.error().message();
    EXPECT_EQ(selector->included_resources, std::vector<std::string>{"cm"});
    EXPECT_EQ(selector->excluded_namespaces, std::vector<std::string>{"untouched"});
    EXPECT_EQ(selector->label_selector, "test-plugin");
  };
  check(backup_action().applies_to({}));
  check(BackupAction(*binary_, id(PluginKind::BackupItemAction, "example.io/annotate-v1"))
            .applies_to({}));
  check(restore_action().applies_to({}));
  check(RestoreAction(*binary_, id(PluginKind::RestoreItemAction, "example.io/stamp-v1"))
            .applies_to({}));
  check(DeleteAction(*binary_, id(PluginKind::DeleteItemAction, "example.io/farewell"))
            .applies_to({}));
  const auto block =
      BlockAction(*binary_, id(PluginKind::ItemBlockAction, "example.io/block")).applies_to({});
  EXPECT_EQ(block->included_resources, (std::vector<std::string>{"cm", "pods"}));
  EXPECT_EQ(dir_->calls("start").size(), 1U);
}

TEST_F(ItemActions, OfBackupsChangeObjectsAndLeadToOthers) {
  const auto done = backup_action().execute(
      item("yes", "example.io/needs", "deployments.apps/shop/web"), kBackup, {});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(annotation(done->item, "example.io/backup-v2"), "nightly");
  ASSERT_EQ(done->additional.size(), 1U);
  EXPECT_EQ(done->additional[0].group_resource(), "deployments.apps");
  EXPECT_EQ(done->additional[0].ns, "shop");
  EXPECT_EQ(done->additional[0].name, "web");
  EXPECT_EQ(done->operation_id, "");
}

TEST_F(ItemActions, OfTheFirstVersionHaveNoOperations) {
  const BackupAction v1(*binary_, id(PluginKind::BackupItemAction, "example.io/annotate-v1"));
  const auto done = v1.execute(item("yes", "example.io/operation", "1"), kBackup, {});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(annotation(done->item, "example.io/backup-v1"), "nightly");
  EXPECT_EQ(done->operation_id, "");
  EXPECT_EQ(v1.progress("x", kBackup, {}).error().code(), Code::Unsupported);
  EXPECT_TRUE(v1.cancel("x", kBackup, {}));
}

TEST_F(ItemActions, OfBackupsStartOperations) {
  const BackupAction action = backup_action();
  const auto done = action.execute(item("yes", "example.io/operation", "2 disk full"), kBackup, {});
  ASSERT_TRUE(done) << done.error().message();
  ASSERT_NE(done->operation_id, "");
  ASSERT_EQ(done->post_operation.size(), 1U);
  EXPECT_EQ(done->post_operation[0].name, "cm");
  auto progress = action.progress(done->operation_id, kBackup, {});
  ASSERT_TRUE(progress) << progress.error().message();
  EXPECT_FALSE(progress->completed);
  EXPECT_EQ(progress->n_completed, 1);
  EXPECT_EQ(progress->units, "Polls");
  ASSERT_TRUE(progress->started);
  progress = action.progress(done->operation_id, kBackup, {});
  EXPECT_TRUE(progress->completed);
  EXPECT_EQ(progress->error, "disk full");
  EXPECT_TRUE(action.cancel(done->operation_id, kBackup, {}));
  EXPECT_EQ(dir_->calls("backup.Cancel").size(), 1U);
}

TEST_F(ItemActions, GiveTheirErrorsWithTheirStacks) {
  const auto failed = backup_action().execute(item("fail"), kBackup, {});
  EXPECT_EQ(failed.error().message(), "rpc error: code = Unknown desc = the storage said no");
  EXPECT_EQ(failed.error().hint(),
            "Raised in the plugin by main.(*Action).Execute at example.go:42.");
  EXPECT_EQ(backup_action().execute(item("panic"), kBackup, {}).error().message(),
            "rpc error: code = Aborted desc = plugin panicked: index out of range");
}

TEST_F(ItemActions, SayThatTheirProgramCrashed) {
  const auto crashed = backup_action().execute(item("crash"), kBackup, {});
  ASSERT_FALSE(crashed);
  EXPECT_NE(crashed.error().message().find(
                "plugin velero-plugin-example ended during the call (exit code 9)"),
            std::string::npos)
      << crashed.error().message();
  EXPECT_TRUE(backup_action().execute(item("yes"), kBackup, {}));
  EXPECT_EQ(dir_->calls("start").size(), 2U);
}

TEST_F(ItemActions, ThatHangAreGivenUp) {
  const auto short_patience = std::make_unique<PluginBinary>(
      ProcessOptions{.command = command_}, CallLimits{.execute = std::chrono::milliseconds(50)});
  ASSERT_TRUE(short_patience->connect({}));
  const BackupAction action(*short_patience,
                            id(PluginKind::BackupItemActionV2, "example.io/annotate"));
  EXPECT_EQ(action.execute(item("hang"), kBackup, {}).error().code(), Code::DeadlineExceeded);
}

TEST_F(ItemActions, HearTheStop) {
  ASSERT_TRUE(binary_->connect({}));
  std::stop_source source;
  const std::jthread stopper([&] {
    while (dir_->calls("backup-v2.Execute").empty()) {
      if (!sleep_unless_stopped(std::chrono::milliseconds(5), {})) return;
    }
    source.request_stop();
  });
  EXPECT_EQ(backup_action().execute(item("hang"), kBackup, source.get_token()).error().code(),
            Code::Canceled);
}

TEST_F(ItemActions, RefuseWhatIsTooLargeForAPlugin) {
  const std::string large = item("yes", "big", std::string(5'000'000, 'x'));
  const auto refused = backup_action().execute(large, kBackup, {});
  EXPECT_EQ(refused.error().code(), Code::InvalidArgument);
  EXPECT_NE(refused.error().message().find("too large for a plugin"), std::string::npos);
}

TEST_F(ItemActions, OfRestoresSeeBothFormsOfAnObject) {
  const std::string changed = R"({"metadata":{"name":"cm","namespace":"shop"}})";
  const std::string pristine = item("yes");
  const auto done = restore_action().execute(
      {.item = changed, .item_from_backup = pristine, .restore = R"({"metadata":{"name":"r"}})"},
      {});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(annotation(done->item, "example.io/restore-v2"), "r");
  const Json call = dir_->calls("restore-v2.Execute").at(0);
  EXPECT_EQ(bool_at(call, "had_uid"), true);
  EXPECT_EQ(bool_at(call, "has_uid"), false);
}

TEST_F(ItemActions, OfRestoresSkipAndWait) {
  const RestoreAction action = restore_action();
  const std::string skipped = item("yes", "example.io/skip", "restore-v2");
  const std::string restore = R"({"metadata":{"name":"r"}})";
  EXPECT_TRUE(
      action.execute({.item = skipped, .item_from_backup = skipped, .restore = restore}, {})
          ->skip_restore);
  const std::string waiting = item("yes", "example.io/wait", "90");
  const auto done =
      action.execute({.item = waiting, .item_from_backup = waiting, .restore = restore}, {});
  EXPECT_TRUE(done->wait_for_additional);
  EXPECT_EQ(done->ready_timeout, std::chrono::seconds(90));
  model::ResourceIdentifier other;
  other.resource = "secrets";
  other.ns = "shop";
  other.name = "key";
  EXPECT_FALSE(*action.are_ready({other}, restore, {}));
  EXPECT_TRUE(*action.are_ready({other}, restore, {}));
  EXPECT_EQ(write_json(*find(dir_->calls("AreAdditionalItemsReady").at(0), "items")),
            R"(["secrets/shop/key"])");
}

TEST_F(ItemActions, OfDeletionsAndBlocksAreCalled) {
  const DeleteAction farewell(*binary_, id(PluginKind::DeleteItemAction, "example.io/farewell"));
  EXPECT_TRUE(farewell.execute(item("yes"), kBackup, {}));
  EXPECT_FALSE(farewell.execute(item("fail"), kBackup, {}));
  EXPECT_EQ(string_at(dir_->calls("delete.Execute").at(0), "item"), "shop/cm");
  const BlockAction block(*binary_, id(PluginKind::ItemBlockAction, "example.io/block"));
  const auto related =
      block.related_items(item("yes", "example.io/together-with", "configmaps/other"), kBackup, {});
  ASSERT_TRUE(related) << related.error().message();
  ASSERT_EQ(related->size(), 1U);
  EXPECT_EQ(related->front().name, "other");
}

}  // namespace
}  // namespace lateen::plugins
