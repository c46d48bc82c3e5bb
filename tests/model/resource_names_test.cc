#include "model/resource_names.h"

#include <gtest/gtest.h>

#include "model/documents.h"

namespace lateen::model {
namespace {

Bytes written(const ResourceNames& names) {
  BytesSink sink;
  EXPECT_TRUE(names.write(sink));
  return sink.take();
}

TEST(ResourceNames, AreTheDocumentThatTheWholeListWouldBe) {
  ResourceNames names;
  ResourceList list;
  const auto add = [&](std::string_view version, std::string_view kind, std::string_view ns,
                       std::string_view name) {
    names.add(names.kind(version, kind), ns, name);
    add_to_resource_list(list, version, kind, ns, name);
  };
  EXPECT_EQ(written(names), write_resource_list(list));
  // More than are sorted at once, in an order of their own, some twice.
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const std::uint64_t mixed = i * 7919 % 9973;
    add("v1", "Secret", fmt::format("ns-{}", mixed % 7), fmt::format("secret-{}", mixed));
  }
  add("apps/v1", "Deployment", "shop", "web");
  add("v1", "Node", "", "n1");
  add("v1", "Namespace", "", "");
  add("v1", "Odd", "a<b", "quote\"d \xc3\xa9");
  add("v1", "Long", "shop", std::string(1000, 'x') + "1");
  add("v1", "Long", "shop", std::string(1000, 'x') + "2");
  sort_resource_list(list);
  EXPECT_EQ(written(names), write_resource_list(list));
  EXPECT_EQ(names.list(), list);
}

TEST(ResourceNames, GiveBackEachNameOfAKind) {
  ResourceNames names;
  const std::size_t pods = names.kind("v1", "Pod");
  names.add(names.kind("v1", "Secret"), "shop", "s");
  for (int i = 0; i < 5000; ++i)
    names.add(pods, "shop", std::to_string(i));
  std::size_t seen = 0;
  names.for_each(pods, [&seen](std::string_view name) {
    EXPECT_TRUE(name.starts_with("shop/"));
    ++seen;
  });
  EXPECT_EQ(seen, 5000U);
  EXPECT_EQ(names.kind("v1", "Pod"), pods);
}

}  // namespace
}  // namespace lateen::model
