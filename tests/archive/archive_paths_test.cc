#include "archive/archive_paths.h"

#include <vector>

#include <gtest/gtest.h>

namespace lateen::archive {
namespace {

TEST(ArchivePaths, NameEachCopyAsVeleroDoes) {
  const ItemKey pod{.group_resource = "pods", .ns = "shop", .name = "db", .version = "v1"};
  EXPECT_EQ(entry_name(pod, ItemCopy::Plain), "resources/pods/namespaces/shop/db.json");
  EXPECT_EQ(entry_name(pod, ItemCopy::Preferred),
            "resources/pods/v1-preferredversion/namespaces/shop/db.json");
  const ItemKey hpa{.group_resource = "horizontalpodautoscalers.autoscaling",
                    .ns = "shop",
                    .name = "web",
                    .version = "v1",
                    .preferred = false};
  EXPECT_EQ(entry_name(hpa, ItemCopy::Versioned),
            "resources/horizontalpodautoscalers.autoscaling/v1/namespaces/shop/web.json");
  const ItemKey ns{.group_resource = "namespaces", .ns = "", .name = "shop", .version = "v1"};
  EXPECT_EQ(entry_name(ns, ItemCopy::Plain), "resources/namespaces/cluster/shop.json");
}

TEST(ArchivePaths, ReadBackWhatTheyWrite) {
  const std::vector<ItemKey> keys = {
      {.group_resource = "pods", .ns = "shop", .name = "db", .version = "v1"},
      {.group_resource = "namespaces", .ns = "", .name = "cluster", .version = "v1"},
      {.group_resource = "pods", .ns = "cluster", .name = "namespaces", .version = "v1"},
      {.group_resource = "roles.rbac.authorization.k8s.io",
       .ns = "namespaces",
       .name = "system:x.json",
       .version = "v1"},
      {.group_resource = "x.y", .ns = "", .name = "a", .version = "v1beta1", .preferred = false},
  };
  for (const ItemKey& key : keys) {
    for (const ItemCopy copy : {ItemCopy::Plain, ItemCopy::Preferred, ItemCopy::Versioned}) {
      const std::string name = entry_name(key, copy);
      const auto parsed = parse_entry_name(name);
      ASSERT_TRUE(parsed) << name;
      EXPECT_EQ(parsed->copy, copy) << name;
      EXPECT_EQ(parsed->key.group_resource, key.group_resource);
      EXPECT_EQ(parsed->key.ns, key.ns) << name;
      EXPECT_EQ(parsed->key.name, key.name);
      EXPECT_EQ(parsed->key.version, copy == ItemCopy::Plain ? "" : key.version);
      EXPECT_EQ(parsed->key.preferred, copy != ItemCopy::Versioned);
    }
  }
}

TEST(ArchivePaths, PassOverWhatIsNoObject) {
  for (const std::string_view name :
       {"", "metadata/version", "resources/pods/cluster", "resources/pods/cluster/.json",
        "resources/pods/cluster/x.txt", "resources/pods/namespaces/x.json",
        "resources/pods/other/x.json", "other/pods/cluster/x.json",
        "resources/pods/namespaces/../x.json", "/resources/pods/cluster/x.json",
        "resources/pods/cluster/a/b/c/x.json", "resources/pods/-preferredversion/cluster/x.json",
        "resources//cluster/x.json"}) {
    EXPECT_FALSE(parse_entry_name(name)) << name;
  }
  EXPECT_TRUE(parse_entry_name("./resources/pods/cluster/x.json"));
}

}  // namespace
}  // namespace lateen::archive
