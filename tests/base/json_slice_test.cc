#include "base/json_slice.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace lateen {
namespace {

constexpr std::string_view kList = R"({"kind":"ConfigMapList","apiVersion":"v1",
 "metadata":{"resourceVersion":"812","continue":"abc","remainingItemCount":7},
 "items":[
  {"metadata":{"name":"a","namespace":"shop","uid":"u1","resourceVersion":"5","labels":{"app":"web"},
    "annotations":{"velero.io/x":"y"}, "ownerReferences":[{"kind":"X"}]},"data":{"k":"v"}} ,
  {"metadata":{"name":"b\u002dc","generateName":"b-","deletionTimestamp":"2026-01-01T00:00:00Z"}}
 ]}
)";

Bytes read_test_file(const std::string& name) {
  std::ifstream file(std::string(LATEEN_TESTDATA) + "/" + name, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ListPage, CutsItemsOutUntouched) {
  const auto page = ListPage::parse(Bytes(kList));
  ASSERT_TRUE(page) << page.error().message();
  EXPECT_EQ(page->kind(), "ConfigMapList");
  EXPECT_EQ(page->api_version(), "v1");
  EXPECT_EQ(page->resource_version(), "812");
  EXPECT_EQ(page->continue_token(), "abc");
  EXPECT_EQ(page->remaining_item_count(), 7);
  EXPECT_EQ(page->body(), kList);
  ASSERT_EQ(page->items().size(), 2U);
  const ObjectSlice& a = page->items()[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.ns, "shop");
  EXPECT_EQ(a.uid, "u1");
  EXPECT_EQ(a.resource_version, "5");
  EXPECT_FALSE(a.deleting);
  EXPECT_EQ(a.labels, R"({"app":"web"})");
  EXPECT_EQ(a.label("app"), "web");
  EXPECT_EQ(a.label("none"), std::nullopt);
  EXPECT_EQ(a.annotation("velero.io/x"), "y");
  EXPECT_EQ(a.owner_references, R"([{"kind":"X"}])");
  EXPECT_TRUE(a.raw.starts_with(R"({"metadata":{"name":"a")"));
  EXPECT_TRUE(a.raw.ends_with(R"("data":{"k":"v"}})"));
  const ObjectSlice& b = page->items()[1];
  EXPECT_EQ(b.name, "b-c");
  EXPECT_EQ(b.generate_name, "b-");
  EXPECT_TRUE(b.deleting);
  EXPECT_EQ(b.parse_labels()->size(), 0U);
}

TEST(ListPage, KeepsItsViewsWhenMoved) {
  auto page = ListPage::parse(R"({"items":[{"kind":"K\u0061"}]})");
  ASSERT_TRUE(page);
  const ListPage moved = std::move(*page);
  EXPECT_EQ(moved.items()[0].kind, "Ka");
}

TEST(ListPage, PutsTheTypeInFrontOfItemsThatLackIt) {
  const auto page = ListPage::parse(Bytes(kList));
  ASSERT_TRUE(page);
  const Bytes typed = page->typed(page->items()[0]);
  EXPECT_TRUE(typed.starts_with(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a")"))
      << typed;
  EXPECT_TRUE(typed.ends_with(page->items()[0].raw.substr(1)));
}

struct TypeCase {
  std::string item;
  std::string typed;
};

TEST(ListPage, LeavesTheTypesThatItemsHave) {
  const std::vector<TypeCase> cases = {
      {R"({"apiVersion":"x/v1","kind":"Y"})", R"({"apiVersion":"x/v1","kind":"Y"})"},
      {R"({"kind":"Y","a":1})", R"({"apiVersion":"v1","kind":"Y","a":1})"},
      {R"({ "apiVersion":"x/v1"})", R"({"kind":"Pod","apiVersion":"x/v1"})"},
      {"{ }", R"({"apiVersion":"v1","kind":"Pod"})"},
      {R"({"kind":"","a":1,"apiVersion":null})", R"({"a":1,"apiVersion":"v1","kind":"Pod"})"},
  };
  for (const auto& [item, typed] : cases) {
    const auto page =
        ListPage::parse(R"({"apiVersion":"v1","kind":"PodList","items":[)" + item + "]}");
    ASSERT_TRUE(page) << item;
    EXPECT_EQ(page->typed(page->items()[0]), typed);
  }
}

TEST(ListPage, TakesTheLastOfDuplicateKeys) {
  const auto page = ListPage::parse(
      R"({"items":[{"metadata":{"name":"x"}}],"items":[{"metadata":{"name":"old","uid":"u","labels":{}},
         "metadata":{"name":"a","name":"b"}}],"metadata":{"continue":"x"},"metadata":{}})");
  ASSERT_TRUE(page) << page.error().message();
  ASSERT_EQ(page->items().size(), 1U);
  EXPECT_EQ(page->items()[0].name, "b");
  EXPECT_EQ(page->items()[0].uid, "");
  EXPECT_EQ(page->items()[0].labels, "");
  EXPECT_EQ(page->continue_token(), "");
}

TEST(ListPage, TakesAnEmptyListInEveryForm) {
  for (const char* text :
       {R"({"items":[]})", R"({"items":null})", R"({"items":[],"metadata":null})"}) {
    const auto page = ListPage::parse(text);
    ASSERT_TRUE(page) << text;
    EXPECT_TRUE(page->items().empty());
  }
}

TEST(ListPage, SaysWhereItBroke) {
  const auto broken =
      ListPage::parse(R"({"items":[{"metadata":{"name":"a"}},{"metadata":{"name":5}}]})");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code(), Code::Corrupt);
  EXPECT_TRUE(broken.error().message().starts_with("item 1: the list of 61 bytes breaks at byte "))
      << broken.error().message();
  for (const char* text :
       {"", "{", "[]", "5", "{}", R"({"kind":"Status"})", R"({"items":[1]})", R"({"items":{}})",
        R"({"items":[{}]} x)", R"({"items":[{},]})", R"({"items":[{"a" 1}]})",
        "{\"items\":[\"\xff\"]}", R"({"items":[{"metadata":[]}]})", R"({"items":[{}})"}) {
    const auto refused = ListPage::parse(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code(), Code::Corrupt) << text;
  }
}

TEST(ListPage, RefusesTheListCutAnywhere) {
  const std::string_view whole = kList.substr(0, kList.size() - 1);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    EXPECT_FALSE(ListPage::parse(Bytes(whole.substr(0, n)))) << n;
  }
}

TEST(ListPage, ReadsWhatARealClusterAnswered) {
  const Bytes body = read_test_file("velero-bucket/expected.json");
  const auto page = ListPage::parse(body);
  ASSERT_TRUE(page) << page.error().message();
  const auto tree = parse_json(body);
  ASSERT_TRUE(tree);
  const JsonArray& items = *array_at(*tree, "items");
  ASSERT_EQ(page->items().size(), items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const ObjectSlice& slice = page->items()[i];
    EXPECT_EQ(slice.kind, string_at(items[i], "kind"));
    EXPECT_EQ(slice.name, string_at(items[i], "metadata.name"));
    EXPECT_EQ(slice.ns, string_at(items[i], "metadata.namespace"));
    EXPECT_EQ(slice.uid, string_at(items[i], "metadata.uid"));
    const auto own = slice.parse();
    ASSERT_TRUE(own) << own.error().message();
    EXPECT_EQ(*own, items[i]);
  }
}

TEST(OwnedSlice, IdentifiesOneObject) {
  auto slice = OwnedSlice::parse(R"( {"kind":"Pod","metadata":{"name":"p","namespace":"n"}}
)");
  ASSERT_TRUE(slice);
  const OwnedSlice moved = std::move(*slice);
  EXPECT_EQ(moved->kind, "Pod");
  EXPECT_EQ(moved->name, "p");
  EXPECT_EQ(moved->raw, R"({"kind":"Pod","metadata":{"name":"p","namespace":"n"}})");
  EXPECT_FALSE(OwnedSlice::parse("[]"));
  EXPECT_FALSE(OwnedSlice::parse(R"({"a":1} {})"));
  EXPECT_FALSE(OwnedSlice::parse(""));
}

}  // namespace
}  // namespace lateen
