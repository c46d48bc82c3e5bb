#include "net/http.h"

#include <gtest/gtest.h>

namespace lateen::net {
namespace {

TEST(Headers, CompareNamesWithoutCase) {
  Headers headers = {{"Content-Type", "a"}, {"content-type", "b"}};
  EXPECT_EQ(headers.get("CONTENT-TYPE"), "a");
  EXPECT_EQ(headers.all("Content-type").size(), 2U);
  headers.set_default("content-TYPE", "c");
  EXPECT_EQ(headers.all("Content-type").size(), 2U);
  headers.set("content-TYPE", "c");
  EXPECT_EQ(headers.fields().size(), 1U);
  EXPECT_FALSE(headers.contains("Content"));
}

TEST(Headers, ListTokensAndTheirRefusal) {
  const Headers headers = {{"Connection", "keep-alive, Upgrade"},
                           {"Accept-Encoding", "br;q=1.0, gzip; q=0.5"},
                           {"Accept-Encoding", "deflate;q=0.0"}};
  EXPECT_TRUE(headers.lists("connection", "upgrade"));
  EXPECT_TRUE(headers.lists("accept-encoding", "gzip"));
  EXPECT_FALSE(headers.lists("accept-encoding", "deflate"));
  EXPECT_FALSE(headers.lists("accept-encoding", "zip"));
}

TEST(Headers, CannotBreakOutOfTheirLine) {
  EXPECT_TRUE(check_headers({{"X-Fine", "any thing; at=all \xC3\xA9"}}));
  EXPECT_FALSE(check_headers({{"X", "a\r\nEvil: 1"}}));
  EXPECT_FALSE(check_headers({{"X: y\r\nZ", "a"}}));
  EXPECT_FALSE(check_headers({{"", "a"}}));
  const auto status = check_headers({{"Authorization", "Bearer abc\n"}});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message(),
            "the HTTP header Authorization has a line end or NUL in its value");
}

TEST(Methods, KnowWhichMayBeRepeated) {
  EXPECT_TRUE(is_idempotent("PUT"));
  EXPECT_FALSE(is_idempotent("POST"));
  EXPECT_FALSE(is_idempotent("PATCH"));
}

}  // namespace
}  // namespace lateen::net
