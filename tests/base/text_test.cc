#include "base/text.h"

#include <gtest/gtest.h>

namespace lateen {
namespace {

using Parts = std::vector<std::string_view>;

TEST(Text, SplitsAtEverySeparator) {
  EXPECT_EQ(split("a,,b", ','), (Parts{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (Parts{""}));
  EXPECT_EQ(split_trimmed(" a , ,b,", ','), (std::vector<std::string>{"a", "b"}));
}

TEST(Text, CutsAtTheFirstOrTheLastSeparator) {
  EXPECT_EQ(cut("a=b=c", "=").after, "b=c");
  EXPECT_EQ(cut_last("a/b/c", "/").before, "a/b");
  EXPECT_FALSE(cut("abc", "=").found);
  EXPECT_EQ(cut("abc", "=").before, "abc");
}

TEST(Text, JoinsTrimsAndReplaces) {
  EXPECT_EQ(join(std::vector<std::string>{"a", "b"}, ", "), "a, b");
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim("  "), "");
  EXPECT_EQ(replace_all("a.b.c", ".", "::"), "a::b::c");
  EXPECT_EQ(to_lower("Content-LENGTH"), "content-length");
  EXPECT_TRUE(equals_ignoring_case("Accept", "aCCEPT"));
  EXPECT_FALSE(equals_ignoring_case("Accept", "Accep"));
}

TEST(Text, ReadsWholeNumbersAndNothingElse) {
  EXPECT_EQ(parse_int("-9223372036854775808").value(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse_int("+7").value(), 7);
  EXPECT_EQ(parse_int("9223372036854775808").error().message(),
            "\"9223372036854775808\" is out of range");
  for (const std::string_view bad : {"", "1.5", "0x10", " 1", "1 ", "+-1", "--1", "one"}) {
    EXPECT_FALSE(parse_int(bad)) << bad;
  }
}

TEST(Text, ReadsBooleansAsGoDoes) {
  EXPECT_TRUE(parse_bool("T").value());
  EXPECT_FALSE(parse_bool("False").value());
  EXPECT_FALSE(parse_bool("yes"));
  EXPECT_FALSE(parse_bool("tRUE"));
}

// What Go's strconv.Quote answers.
struct QuoteCase {
  std::string text;
  std::string_view quoted;
};

const QuoteCase kQuoteCases[] = {
    {"", "\"\""},
    {"plain", "\"plain\""},
    {"a\011b\n\015\013\014\007\010", "\"a\\tb\\n\\r\\v\\f\\a\\b\""},
    {"q\"b\\", "\"q\\\"b\\\\\""},
    {"caf\303\251", "\"caf\303\251\""},
    {std::string("\000\037\177", 3), "\"\\x00\\x1f\\x7f\""},
    {"\377\303", "\"\\xff\\xc3\""},
    {"\342\200\213\302\255\302\240", "\"\\u200b\\u00ad\\u00a0\""},
    {"\357\277\275", "\"\357\277\275\""},
    {"\360\237\230\200\363\240\200\201", "\"\360\237\230\200\\U000e0001\""},
    {"\355\240\200", "\"\\xed\\xa0\\x80\""},
    {"\300\257", "\"\\xc0\\xaf\""},
    {"\346\227\245\346\234\254", "\"\346\227\245\346\234\254\""},
};

TEST(Text, QuotesAsGoDoes) {
  for (const QuoteCase& c : kQuoteCases)
    EXPECT_EQ(quote_go(c.text), c.quoted);
}

TEST(Text, ReplacesEachByteThatIsNoUtf8) {
  EXPECT_EQ(to_valid_utf8("a\xff\xc3(\xe2\x82\xac"), "a\xef\xbf\xbd\xef\xbf\xbd(\xe2\x82\xac");
  EXPECT_TRUE(is_valid_utf8("caf\xc3\xa9"));
  EXPECT_FALSE(is_valid_utf8("\xed\xa0\x80"));
  EXPECT_FALSE(is_valid_utf8("\xf4\x90\x80\x80"));
}

struct GlobCase {
  std::string_view pattern;
  std::string_view text;
  bool matches;
};

const GlobCase kGlobCases[] = {
    {"*", "", true},
    {"*", "anything/at.all", true},
    {"**", "shop", true},
    {"shop", "shop", true},
    {"shop", "shops", false},
    {"shop-*", "shop-", true},
    {"shop-*", "shop-eu", true},
    {"shop-*", "workshop-eu", false},
    {"*-eu", "shop-eu", true},
    {"*-eu", "shop-eu-1", false},
    {"a*b*c", "aXbYbZc", true},
    {"a*b*c", "acb", false},
    {"sh?p", "ship", true},
    {"sh?p", "shp", false},
    {"?", "\xc3\xa9", true},
    {"team-[abc]", "team-b", true},
    {"team-[abc]", "team-d", false},
    {"team-[a-c]1", "team-c1", true},
    {"team-[!a-c]", "team-d", true},
    {"team-[!a-c]", "team-b", false},
    {"{shop,bank}", "bank", true},
    {"{shop,bank}-*", "shop-eu", true},
    {"{shop,bank}-*", "park-eu", false},
    {"{a,b{c,d}}", "bd", true},
    {"{a*,b}", "abc", true},
    {"a\\*b", "a*b", true},
    {"a\\*b", "aXb", false},
    {"team-[", "team-[", true},
    {"team-[", "team-x", false},
    {"{a,b", "a", false},
    {"", "", true},
    {"", "a", false},
};

TEST(Glob, MatchesAsVeleroDoes) {
  for (const GlobCase& c : kGlobCases) {
    EXPECT_EQ(glob_match(c.pattern, c.text), c.matches) << c.pattern << " on " << c.text;
  }
}

TEST(Glob, IsNotSlowOnAHostilePattern) {
  std::string pattern;
  for (int i = 0; i < 50; ++i)
    pattern += "*a";
  EXPECT_FALSE(glob_match(pattern + "b", std::string(5000, 'a')));
}

TEST(Glob, WithTooManyAlternativesMatchesOnlyItself) {
  std::string pattern;
  for (int i = 0; i < 40; ++i)
    pattern += "{a,b}";
  EXPECT_FALSE(glob_match(pattern, std::string(40, 'a')));
  EXPECT_TRUE(glob_match(pattern, pattern));
}

}  // namespace
}  // namespace lateen
