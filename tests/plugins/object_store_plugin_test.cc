#include "plugins/object_store_plugin.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "objects/testing/object_store_contract.h"
#include "plugins/testing/plugin_program.h"

namespace lateen::plugins {
namespace {

using objects::testing::ObjectStoreContract;
using objects::testing::StoreUnderTest;
using testing::PluginDir;

Result<std::unique_ptr<objects::ObjectStore>> open(const PluginDir& dir,
                                                   std::size_t page_size = 0,
                                                   model::StringMap config = {},
                                                   std::string credential = {}) {
  const FilePath buckets = dir.state() / "buckets";
  EXPECT_TRUE(make_dirs(buckets / "lateen"));
  config["path"] = buckets.native();
  const PluginId id{
      .kind = PluginKind::ObjectStore, .name = "example.io/folder", .command = dir.add()};
  return open_object_store({.plugin = {.id = id}, .page_size = page_size},
                           {.provider = id.name,
                            .bucket = "lateen",
                            .prefix = "/some/prefix/",
                            .config = std::move(config),
                            .credential = Secret(std::move(credential))});
}

StoreUnderTest make_store() {
  std::shared_ptr<PluginDir> dir = PluginDir::create();
  if (!dir) return {};
  auto store = open(*dir, 3);
  EXPECT_TRUE(store) << store.error().message();
  return {.keep_alive = dir, .store = std::move(*store)};
}

}  // namespace
}  // namespace lateen::plugins

namespace lateen::objects::testing {
INSTANTIATE_TEST_SUITE_P(Plugin,
                         ObjectStoreContract,
                         ::testing::Values(MakeStore([] { return plugins::make_store(); })));
}  // namespace lateen::objects::testing

namespace lateen::plugins {
namespace {

class ObjectStorePlugin : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = PluginDir::create();
    ASSERT_NE(dir_, nullptr);
  }

  std::unique_ptr<PluginDir> dir_;
};

TEST_F(ObjectStorePlugin, IsToldBucketPrefixAndCredentials) {
  auto store = open(*dir_, 0, {}, "[default]\nsecret");
  ASSERT_TRUE(store) << store.error().message();
  const Json init = dir_->calls("ObjectStore.Init").at(0);
  EXPECT_EQ(string_at(init, "config.bucket"), "lateen");
  EXPECT_EQ(string_at(init, "config.prefix"), "some/prefix");
  const Json credentials = dir_->calls("ObjectStore.credentials").at(0);
  EXPECT_EQ(string_at(credentials, "mode"), "0o600");
  EXPECT_EQ(int_at(credentials, "length"), 16);
  const FilePath file(string_at(init, "config.credentialsFile"));
  EXPECT_TRUE(path_exists(file));
  store->reset();
  EXPECT_FALSE(path_exists(file));
}

TEST_F(ObjectStorePlugin, RefusesWhatItDoesNotKnowInItsOwnWords) {
  const auto store = open(*dir_, 0, {{"pathh", "x"}});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().message(),
            "object store plugin example.io/folder: rpc error: code = Unknown desc = config has "
            "invalid keys ['pathh']; valid keys are [path]");
  EXPECT_EQ(store.error().hint(),
            "Raised in the plugin by main.(*Action).Execute at example.go:42.");
}

TEST_F(ObjectStorePlugin, IsInitialisedAgainAfterACrash) {
  auto store = open(*dir_);
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->put("a", "1"));
  const auto pid = static_cast<pid_t>(*int_at(dir_->calls("start").at(0), "pid"));
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  // The call that meets the end may fail; the next finds a new process.
  (void)(*store)->get("a");
  EXPECT_EQ(*(*store)->get("a"), "1");
  EXPECT_EQ(dir_->calls("ObjectStore.Init").size(), 2U);
}

TEST_F(ObjectStorePlugin, NeverTakesABreakForTheEnd) {
  auto store = open(*dir_);
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->put("truncated", std::string(100'000, 'x')));
  const auto read = (*store)->open_read("truncated");
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message().find("connection reset by peer"), std::string::npos);
}

TEST_F(ObjectStorePlugin, SignsUrls) {
  auto store = open(*dir_);
  ASSERT_TRUE(store);
  EXPECT_EQ(*(*store)->signed_url("a/b", std::chrono::minutes(10)),
            "http://folder.example/lateen/a/b?ttl=600000000000");
}

}  // namespace
}  // namespace lateen::plugins
