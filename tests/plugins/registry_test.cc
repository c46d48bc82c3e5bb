#include "plugins/registry.h"

#include <gtest/gtest.h>

#include "plugins/testing/plugin_program.h"

namespace lateen::plugins {
namespace {

using testing::PluginDir;

class PluginRegistry : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = PluginDir::create();
    ASSERT_NE(dir_, nullptr);
  }

  Result<Registry> discover(std::vector<PluginId> built_in = {}) {
    return Registry::discover({.dir = dir_->path(), .built_in = std::move(built_in)}, Log(), {});
  }

  std::unique_ptr<PluginDir> dir_;
};

TEST_F(PluginRegistry, OfAFolderThatIsNotThereIsEmpty) {
  EXPECT_TRUE(Registry::discover({.dir = "/nowhere/plugins"}, Log(), {}).value().all().empty());
}

TEST_F(PluginRegistry, HoldsWhatTheProgramsList) {
  const FilePath second = dir_->add({.name = "sub/second", .prefix = "other.io"});
  const FilePath first = dir_->add();
  dir_->add_file("readme.md", "no plugin", 0644);
  const auto found = discover();
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->all().size(), 16U);
  // "sub" comes before "velero-plugin-example".
  EXPECT_EQ(found->list(PluginKind::ObjectStore),
            (std::vector<PluginId>{
                {.kind = PluginKind::ObjectStore, .name = "other.io/folder", .command = second},
                {.kind = PluginKind::ObjectStore, .name = "example.io/folder", .command = first}}));
  EXPECT_EQ(found->list(PluginKind::BackupItemAction, PluginKind::BackupItemActionV2).size(), 4U);
  EXPECT_NE(found->find(PluginKind::VolumeSnapshotter, "example.io/copy"), nullptr);
  EXPECT_EQ(found->find(PluginKind::VolumeSnapshotter, "copy"), nullptr);
}

TEST_F(PluginRegistry, NamesEveryProgramThatIsBroken) {
  const FilePath good = dir_->add();
  const FilePath bad = dir_->add_file("bad", "#!/bin/sh\nexit 1\n", 0755);
  const FilePath worse = dir_->add({.name = "worse", .mode = "bad-name"});
  const FilePath kind = dir_->add({.name = "worst", .mode = "bad-kind"});
  const auto found = discover();
  ASSERT_FALSE(found);
  const std::string& message = found.error().message();
  EXPECT_NE(message.find(fmt::format("starting plugin {}: it ended", bad.native())),
            std::string::npos)
      << message;
  EXPECT_NE(message.find(fmt::format("{}: invalid plugin name \"example.io/a/b\"", worse.native())),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("invalid plugin kind \"Teapot\""), std::string::npos) << message;
  EXPECT_EQ(message.find(good.native()), std::string::npos) << message;
}

TEST_F(PluginRegistry, RefusesTwoOfOneKindAndName) {
  const FilePath first = dir_->add({.name = "a"});
  const FilePath second = dir_->add({.name = "b"});
  const auto twice = discover();
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message().find(fmt::format(
                "unable to register plugin (kind=ObjectStore, name=example.io/folder, command={}) "
                "because another plugin is already registered for this kind and name (command={})",
                second.native(), first.native())),
            std::string::npos)
      << twice.error().message();
}

TEST_F(PluginRegistry, RefusesTheNameOfABuiltInAction) {
  dir_->add({.prefix = "velero.io"});
  EXPECT_FALSE(discover({{.kind = PluginKind::DeleteItemAction,
                          .name = "velero.io/farewell",
                          .command = "/lateen"}}));
}

}  // namespace
}  // namespace lateen::plugins
