#include "backup/backed_up_items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/testing/discovery.h"
#include "base/byte_source.h"

namespace lateen::backup {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class BackedUpItemsTest : public ::testing::Test {
 protected:
  ItemId item(std::string_view kind, std::string ns, std::string name) {
    const kube::ResourceType* type = discovery_.find(kind);
    EXPECT_NE(type, nullptr) << kind;
    return {.type = type, .ns = std::move(ns), .name = std::move(name)};
  }

  void add(BackedUpItems& items, const ItemId& one) { EXPECT_TRUE(items.add(one, "{}", {})); }

  const kube::Discovery discovery_ = samples::make_discovery();
  SystemClock clock_;
  BytesSink sink_;
  archive::ArchiveWriter archive_{sink_, nullptr, clock_, {}};
};

TEST_F(BackedUpItemsTest, TheFirstToTakeAnObjectThatOthersLeadToHasIt) {
  BackedUpItems items(archive_, false);
  const ItemId claim = item("persistentvolumeclaims", "shop", "data");
  EXPECT_FALSE(items.is_claimed(claim));
  EXPECT_TRUE(items.claim(claim));
  EXPECT_TRUE(items.is_claimed(claim));
  EXPECT_FALSE(items.claim(claim));
}

TEST_F(BackedUpItemsTest, KindsThatComeOnceAreNotRememberedUntilTheirListIsGivenAgain) {
  BackedUpItems items(archive_, false);
  const ItemId one = item("configmaps", "shop", "one");
  EXPECT_TRUE(items.claim(one));
  add(items, one);
  items.may_come_again(*one.type);
  EXPECT_FALSE(items.claim(one));                               // it was taken before
  EXPECT_TRUE(items.claim(item("configmaps", "shop", "two")));  // it is new
  EXPECT_FALSE(items.claim(item("configmaps", "shop", "two")));
  EXPECT_TRUE(items.claim(item("configmaps", "lab", "one")));
  EXPECT_EQ(items.count(), 1);
}

TEST_F(BackedUpItemsTest, SeveralSelectorsRememberEverything) {
  BackedUpItems items(archive_, true);
  EXPECT_TRUE(items.claim(item("configmaps", "shop", "one")));
  EXPECT_FALSE(items.claim(item("configmaps", "shop", "one")));
}

TEST_F(BackedUpItemsTest, ListsWhatItHoldsByKindSorted) {
  BackedUpItems items(archive_, false);
  add(items, item("deployments.apps", "shop", "web"));
  add(items, item("deployments.apps", "lab", "x"));
  add(items, item("nodes", "", "n1"));
  EXPECT_THAT(items.take_names().list(),
              ElementsAre(Pair("apps/v1/Deployment", ElementsAre("lab/x", "shop/web")),
                          Pair("v1/Node", ElementsAre("n1"))));
  EXPECT_THAT(items.namespaces(), ElementsAre("lab", "shop"));
  EXPECT_THAT(items.kinds(), ElementsAre("deployments.apps", "nodes"));
}

}  // namespace
}  // namespace lateen::backup
