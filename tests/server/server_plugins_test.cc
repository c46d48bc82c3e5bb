#include "server/server_plugins.h"

#include <gtest/gtest.h>

#include "plugins/testing/plugin_program.h"

namespace lateen::server {
namespace {

using plugins::PluginKind;
using plugins::testing::PluginDir;

const model::StringMap kNone;
const model::StringMap kPlugin{{std::string(kImplementationAnnotation), "plugin"}};
const model::StringMap kNative{{std::string(kImplementationAnnotation), "native"}};

class ServerPluginsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = PluginDir::create();
    ASSERT_NE(dir_, nullptr);
    dir_->add({.prefix = "velero.io"});
  }

  ServerPlugins discover(bool prefer_plugins = false) const {
    ServerConfig config;
    config.plugin_dir = dir_->path().native();
    config.prefer_plugins = prefer_plugins;
    config.features = {"EnableCSI", "Other"};
    auto found = ServerPlugins::discover(config, Log(), {});
    EXPECT_TRUE(found) << found.error().message();
    return std::move(*found);
  }

  static std::string provider(const ServerPlugins& plugins,
                              const std::string& name,
                              const model::StringMap& annotations) {
    const auto chosen = plugins.provider_of(PluginKind::ObjectStore, name, annotations);
    return chosen ? *chosen : chosen.error().message();
  }

  std::unique_ptr<PluginDir> dir_;
};

TEST_F(ServerPluginsTest, WhatIsBuiltInComesFirstUnlessSomebodySaysOtherwise) {
  const ServerPlugins plugins = discover();
  EXPECT_EQ(provider(plugins, "aws", kNone), "aws");
  EXPECT_EQ(provider(plugins, "folder", kNone), "velero.io/folder");
  EXPECT_EQ(provider(plugins, "folder", kPlugin), "plugin:velero.io/folder");
  EXPECT_EQ(provider(plugins, "velero.io/folder", kPlugin), "plugin:velero.io/folder");
  const ServerPlugins preferring = discover(true);
  EXPECT_EQ(provider(preferring, "folder", kNone), "plugin:velero.io/folder");
  EXPECT_EQ(provider(preferring, "folder", kNative), "velero.io/folder");
  EXPECT_EQ(provider(preferring, "aws", kNone), "aws");
}

TEST_F(ServerPluginsTest, AWishThatCannotBeMetIsAnError) {
  const ServerPlugins plugins = discover();
  EXPECT_EQ(provider(plugins, "aws", kPlugin),
            "annotation lateen.io/implementation asks for a plugin, but there is no ObjectStore "
            "plugin velero.io/aws");
  EXPECT_EQ(provider(plugins, "aws", {{std::string(kImplementationAnnotation), "both"}}),
            "annotation lateen.io/implementation is \"both\"; it can be plugin or native");
}

TEST_F(ServerPluginsTest, PluginsJoinTheBuiltInProviders) {
  const ServerPlugins plugins = discover();
  objects::StoreFactory stores = objects::StoreFactory::with_built_in();
  plugins.add_to(stores, Log());
  EXPECT_TRUE(stores.has("velero.io/folder"));
  EXPECT_TRUE(stores.has("plugin:velero.io/folder"));
  EXPECT_FALSE(stores.has("plugin:velero.io/aws"));
  volumes::SnapshotterFactory snapshotters;
  plugins.add_to(snapshotters);
  EXPECT_TRUE(snapshotters.has("velero.io/copy"));
}

TEST_F(ServerPluginsTest, ProgramsAreToldLevelAndFeatures) {
  discover();
  EXPECT_EQ(write_json(*find(dir_->calls("start").at(0), "arguments")),
            R"(["--log-level=info","--features=EnableCSI,Other"])");
}

TEST_F(ServerPluginsTest, AStatusRequestIsToldOfAll) {
  const auto all = discover().describe();
  const auto has = [&all](std::string_view name, std::string_view kind) {
    return std::any_of(all.begin(), all.end(), [&](const model::PluginInfo& one) {
      return one.name == name && one.kind == kind;
    });
  };
  EXPECT_TRUE(has("velero.io/csi-pvc-backupper", "BackupItemActionV2"));
  EXPECT_TRUE(has("velero.io/aws", "ObjectStore"));
  EXPECT_TRUE(has("velero.io/folder", "ObjectStore"));
  EXPECT_TRUE(has("velero.io/stamp", "RestoreItemActionV2"));
}

}  // namespace
}  // namespace lateen::server
