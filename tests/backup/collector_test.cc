#include "backup/collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/testing/discovery.h"
#include "base/log_capture.h"
#include "kube/testing/fake_api.h"

namespace lateen::backup {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string page_of(const std::vector<std::string>& names, const std::string& token = {}) {
  std::vector<std::string> items;
  for (const std::string& key : names) {
    const auto slash = key.find('/');
    items.push_back(fmt::format(R"({{"metadata":{{"namespace":"{}","name":"{}"}}}})",
                                key.substr(0, slash), key.substr(slash + 1)));
  }
  return fmt::format(
      R"({{"kind":"ConfigMapList","apiVersion":"v1","metadata":{{"resourceVersion":"7","continue":"{}"}},"items":[{}]}})",
      token, fmt::join(items, ","));
}

constexpr const char* kAll = "GET /api/v1/configmaps";

std::string in(const std::string& ns) {
  return fmt::format("GET /api/v1/namespaces/{}/configmaps", ns);
}

class CollectorTest : public ::testing::Test {
 protected:
  // What is taken of the namespaces a, b and c, in order.
  std::vector<std::string> collected(bool list_wide, std::vector<std::string> selectors = {""}) {
    const CollectionStep step{.type = *discovery_.find("configmaps"),
                              .namespaces = {"a", "b", "c"},
                              .list_wide = list_wide,
                              .label_selectors = std::move(selectors)};
    const auto client = api_.client();
    const BackupTools tools{
        .client = *client, .discovery = discovery_, .clock = clock_, .log = Log().to(sink_)};
    std::vector<std::string> taken;
    const Status done =
        collect(step, tools, 2,
                {.take = [&taken](const ListPage&, const ObjectSlice& slice) -> Status {
                   taken.push_back(fmt::format("{}/{}", slice.ns, slice.name));
                   return {};
                 },
                 .again = [this] { ++again_; }},
                {});
    EXPECT_TRUE(done);
    return taken;
  }

  const kube::Discovery discovery_ = samples::make_discovery();
  SystemClock clock_;
  kube::FakeApi api_;
  std::shared_ptr<CapturingSink> sink_ = std::make_shared<CapturingSink>(
      LogLevel::Info, LogFormat::Text, [](BytesView) { return Status(); });
  int again_ = 0;
};

TEST_F(CollectorTest, OneSmallListOverAllNamespacesIsEnough) {
  api_.answer(kAll, 200, page_of({"a/1", "b/1", "other/1"}));
  EXPECT_THAT(collected(false), ElementsAre("a/1", "b/1"));
  EXPECT_EQ(api_.asked().size(), 1U);
}

TEST_F(CollectorTest, ALongListIsLeftForThoseOfTheNamespaces) {
  api_.answer(kAll, 200, page_of({"other/1", "other/2"}, "more"));
  api_.answer(in("a"), 200, page_of({"a/1"}));
  api_.answer(in("b"), 200, page_of({}));
  api_.answer(in("c"), 200, page_of({"c/1"}));
  EXPECT_THAT(collected(false), ElementsAre("a/1", "c/1"));
}

TEST_F(CollectorTest, WhoMayNotLookEverywhereLooksWhereHeMay) {
  api_.answer(kAll, 403, kube::status_body(403, "Forbidden", "no"));
  api_.answer(in("a"), 200, page_of({"a/1"}));
  api_.answer(in("b"), 403, kube::status_body(403, "Forbidden", "no"));
  api_.answer(in("c"), 200, page_of({"c/1"}));
  EXPECT_THAT(collected(true), ElementsAre("a/1", "c/1"));
  EXPECT_EQ(sink_->errors(), 1U);  // of b alone
  EXPECT_EQ(again_, 0);
}

TEST_F(CollectorTest, TellsWhenAListIsGivenAgain) {
  api_.answer(kAll, 200, page_of({"a/1", "a/2"}, "stale"));
  api_.answer(kAll, 410, kube::status_body(410, "Expired", "too old"));
  api_.answer(kAll, 200, page_of({"a/1", "a/2", "b/1"}));
  EXPECT_THAT(collected(true), ElementsAre("a/1", "a/2", "a/1", "a/2", "b/1"));
  EXPECT_GE(again_, 1);
}

TEST_F(CollectorTest, EachSelectorIsAListOfItsOwn) {
  api_.answer(kAll, 200, page_of({"a/1"}));
  EXPECT_THAT(collected(true, {"app=web", "app=db"}), ElementsAre("a/1", "a/1"));
  ASSERT_EQ(api_.asked().size(), 2U);
  EXPECT_EQ(api_.asked()[1].query.get("labelSelector"), "app=db");
}

}  // namespace
}  // namespace lateen::backup
