#include "net/url.h"

#include <gtest/gtest.h>

namespace lateen::net {
namespace {

TEST(Url, KeepsTheParts) {
  const auto url = Url::parse("HTTPS://u:p%40ss@API.example:6443/base/x%2Fy?limit=5&q=a%20b#top");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->user_info, "u:p%40ss");
  EXPECT_EQ(url->host, "api.example");
  EXPECT_EQ(url->port, 6443);
  EXPECT_EQ(url->path, "/base/x%2Fy");
  EXPECT_EQ(url->query, "limit=5&q=a%20b");
  EXPECT_EQ(url->fragment, "top");
  EXPECT_EQ(url->format(), "https://u:p%40ss@api.example:6443/base/x%2Fy?limit=5&q=a%20b#top");
}

TEST(Url, KnowsIpv6AndDefaultPorts) {
  const auto v6 = Url::parse("https://[FE80::1]:8443");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "fe80::1");
  EXPECT_EQ(v6->authority(), "[fe80::1]:8443");
  EXPECT_EQ(v6->path, "");
  EXPECT_EQ(Url::parse("http://a")->effective_port(), 80);
  EXPECT_EQ(Url::parse("wss://a")->effective_port(), 443);
  EXPECT_EQ(Url::parse("http://a?x=1")->query, "x=1");
}

TEST(Url, RefusesWhatIsNone) {
  for (const char* const bad :
       {"", "a.example", "//a", "https://", "https:///path", "https://a:port", "https://a:70000",
        "https://[::1", "https://::1/", "https://a b/", "https://a\r\nX: y/", "ht tp://a",
        "https://a\"b/", "https://[::1]x/"}) {
    const auto url = Url::parse(bad);
    ASSERT_FALSE(url) << bad;
    EXPECT_TRUE(url.error().is(Code::InvalidArgument));
  }
}

TEST(Url, IsShownWithoutItsSecrets) {
  EXPECT_EQ(redact_url("https://me:secret@s3.example/bucket/key?X-Amz-Signature=abc#f"),
            "https://s3.example/bucket/key");
  EXPECT_EQ(redact_url("me:secret"), "(invalid URL)");
}

// The expected texts are what Go 1.22 answers.
TEST(Url, EscapesAsGoDoes) {
  EXPECT_EQ(query_escape("a b/c?d=e&f+g~h_i.j-k*l'm(n)!@$:,;é"),
            "a+b%2Fc%3Fd%3De%26f%2Bg~h_i.j-k%2Al%27m%28n%29%21%40%24%3A%2C%3B%C3%A9");
  EXPECT_EQ(path_escape("a b/c?d=e&f+g~h_i.j-k*l'm(n)!@$:,;é"),
            "a%20b%2Fc%3Fd=e&f+g~h_i.j-k%2Al%27m%28n%29%21@$:%2C%3B%C3%A9");
  EXPECT_EQ((QueryValues{{"b", "2"}, {"a", "x y"}, {"b", "1"}, {"", "e"}}.encode()),
            "=e&a=x+y&b=2&b=1");
}

TEST(Query, IsReadBack) {
  auto values = QueryValues::parse("a=1&b=x+y%26z&a=2&&flag&=v");
  ASSERT_TRUE(values);
  EXPECT_EQ(values->get("a"), "1");
  EXPECT_EQ(values->all("a").size(), 2U);
  EXPECT_EQ(values->get("b"), "x y&z");
  EXPECT_TRUE(values->contains("flag"));
  EXPECT_EQ(values->get("flag"), "");
  EXPECT_EQ(values->get(""), "v");
  EXPECT_FALSE(values->contains("nope"));
  values->set("a", "3");
  EXPECT_EQ(values->all("a").size(), 1U);
  EXPECT_FALSE(QueryValues::parse("a=%zz"));
  EXPECT_FALSE(QueryValues::parse("a=1;b=2"));
}

}  // namespace
}  // namespace lateen::net
