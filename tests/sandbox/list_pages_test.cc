// Lists in pages: each says how many are left, and a selector's pages are whole without looking at
// more than they need.
#include <gtest/gtest.h>

#include "kube/object.h"
#include "sandbox/testing/http_api.h"

namespace lateen::sandbox {
namespace {

class ListPages : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 7; ++i) {
      api_.create(fmt::format(
          "{{apiVersion: v1, kind: Secret, metadata: {{name: s{}, namespace: kube-public, labels: "
          "{{odd: '{}'}}}}}}",
          i, i % 2));
    }
  }

  // The names of each page, and how many each says are left (-1: it does not say).
  struct Page {
    std::vector<std::string> names;
    std::int64_t left = -1;

    bool operator==(const Page&) const = default;
  };

  std::vector<Page> pages(const std::string& query) {
    std::vector<Page> out;
    std::string token;
    do {
      const auto told =
          api_.ask({.target = "/api/v1/namespaces/kube-public/secrets?limit=2" + query +
                              (token.empty() ? std::string() : "&continue=" + token)});
      EXPECT_EQ(told.status, 200) << told.text;
      Page page{.names = {}, .left = int_at(told.json, "metadata.remainingItemCount").value_or(-1)};
      if (const JsonArray* items = array_at(told.json, "items")) {
        for (const Json& item : *items)
          page.names.emplace_back(kube::name_of(item));
      }
      out.push_back(std::move(page));
      token = string_at(told.json, "metadata.continue");
    } while (!token.empty() && out.size() < 9);
    return out;
  }

  testing::HttpApi api_;
};

TEST_F(ListPages, EachSaysHowManyAreLeft) {
  EXPECT_EQ(pages(""), (std::vector<Page>{{.names = {"s0", "s1"}, .left = 5},
                                          {.names = {"s2", "s3"}, .left = 3},
                                          {.names = {"s4", "s5"}, .left = 1},
                                          {.names = {"s6"}, .left = -1}}));
}

TEST_F(ListPages, OfASelectorAreWholeAndDoNotCount) {
  EXPECT_EQ(pages("&labelSelector=odd%3D0"),
            (std::vector<Page>{{.names = {"s0", "s2"}, .left = -1},
                               {.names = {"s4", "s6"}, .left = -1}}));
}

}  // namespace
}  // namespace lateen::sandbox
