#include "kube/list.h"

#include "kube/testing/fake_api.h"
#include "kube/testing/fixture.h"

namespace lateen::kube {
namespace {

using namespace std::literals;

const std::string kGet = std::string("GET ") + kConfigMaps;

// A page of ConfigMaps as the API server writes it: items without apiVersion and kind.
std::string page(const std::vector<std::string>& names,
                 const std::string& version,
                 const std::string& token = "") {
  std::string items;
  for (const std::string& name : names) {
    items += (items.empty() ? "" : ",") +
             (R"({"metadata":{"name":")" + name + R"(","namespace":"shop"},"data":{"n":1.0}})");
  }
  return R"({"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":")" + version +
         R"(","continue":")" + token + R"("},"items":[)" + items + "]}";
}

Result<std::vector<std::string>> names_of(ListPager& pager) {
  std::vector<std::string> names;
  while (true) {
    std::optional<ListPage> got = TRY(pager.next());
    if (!got) return names;
    for (const ObjectSlice& item : got->items())
      names.emplace_back(item.name);
  }
}

TEST(ListPager, GivesEveryPageOfOneSnapshot) {
  for (const bool prefetch : {true, false}) {
    FakeApi api;
    api.answer(kGet, 200, page({"a", "b"}, "7", "t1"));
    api.answer(kGet, 200, page({"c"}, "7", "t2"));
    api.answer(kGet, 200, page({"d"}, "7"));
    const auto client = api.client();
    ListPager pager(*client, config_maps(),
                    {.label_selector = "x=y", .page_size = 2, .prefetch = prefetch});
    const auto names = names_of(pager);
    ASSERT_TRUE(names) << names.error().message();
    EXPECT_EQ(*names, (std::vector<std::string>{"a", "b", "c", "d"}));
    EXPECT_EQ(pager.resource_version(), "7");
    EXPECT_EQ(pager.how(), Listing::Consistent);
    const auto asked = api.asked();
    ASSERT_EQ(asked.size(), 3U);
    EXPECT_EQ(asked[0].query.get("limit"), "2");
    EXPECT_EQ(asked[0].query.get("labelSelector"), "x=y");
    EXPECT_EQ(asked[1].query.get("continue"), "t1");
    EXPECT_EQ(asked[2].query.get("continue"), "t2");
  }
}

TEST(ListPager, KeepsTheBytesOfEachObject) {
  FakeApi api;
  api.answer(kGet, 200, page({"a"}, "7"));
  const auto client = api.client();
  ListPager pager(*client, config_maps(), {});
  const auto got = pager.next();
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->items()[0].raw,
            R"({"metadata":{"name":"a","namespace":"shop"},"data":{"n":1.0}})");
  EXPECT_FALSE(pager.next()->has_value());
}

TEST(ListPager, GoesOnInANewerSnapshotWithTheTokenOfTheRefusal) {
  FakeApi api;
  api.answer(kGet, 200, page({"a"}, "7", "t1"));
  std::string gone = status_body(410, "Expired", "The provided continue parameter is too old");
  gone.replace(gone.find(R"("metadata":{})"), 13, R"("metadata":{"continue":"fresh"})");
  api.answer(kGet, 410, gone);
  api.answer(kGet, 200, page({"b"}, "9", "t3"));
  api.answer(kGet, 200, page({"c"}, "9"));
  const auto client = api.client();
  ListPager pager(*client, config_maps(), {.page_size = 1});
  EXPECT_EQ(*names_of(pager), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(pager.how(), Listing::Continued);
  EXPECT_EQ(pager.resource_version(), "9");
  EXPECT_EQ(api.asked()[2].query.get("continue"), "fresh");
}

TEST(ListPager, BeginsAgainWhereTheServerOffersNoWayToGoOn) {
  FakeApi api;
  api.answer(kGet, 200, page({"a"}, "7", "t1"));
  api.answer(kGet, 410, status_body(410, "Expired", "too old"));
  api.answer(kGet, 200, page({"a", "b"}, "9"));
  const auto client = api.client();
  ListPager pager(*client, config_maps(), {.page_size = 1});
  EXPECT_EQ(*names_of(pager), (std::vector<std::string>{"a", "a", "b"}));
  EXPECT_EQ(pager.how(), Listing::Restarted);
  EXPECT_FALSE(api.asked()[2].query.contains("limit"));
}

TEST(ListPager, FailsWithGoneWhereOneSnapshotIsAMust) {
  FakeApi api;
  api.answer(kGet, 200, page({"a"}, "7", "t1"));
  api.answer(kGet, 410, status_body(410, "Expired", "too old"));
  const auto client = api.client();
  ListPager pager(*client, config_maps(), {.page_size = 1, .on_expired = OnExpired::Fail});
  const auto names = names_of(pager);
  ASSERT_FALSE(names);
  EXPECT_EQ(names.error().code(), Code::Gone);
  EXPECT_FALSE(pager.next()->has_value()) << "after an error nothing more comes";
}

TEST(ListPager, SaysWhatItWasListing) {
  FakeApi api;
  api.answer(kGet, 200, R"({"kind":"ConfigMapList","items":[{"metadata")");
  const auto client = api.client();
  ListPager pager(*client, config_maps(), {});
  const auto got = pager.next();
  ASSERT_FALSE(got);
  EXPECT_TRUE(got.error().message().starts_with("listing configmaps in namespace \"shop\": "))
      << got.error().message();
}

TEST(ListPager, MayBeDroppedHalfway) {
  FakeApi api;
  for (int i = 0; i < 20; ++i)
    api.answer(kGet, 200, page({"a"}, "7", "more"));
  const auto client = api.client();
  ListPager pager(*client, config_maps(), {.page_size = 1});
  ASSERT_TRUE(pager.next());
  ASSERT_TRUE(pager.next());
}

}  // namespace
}  // namespace lateen::kube
