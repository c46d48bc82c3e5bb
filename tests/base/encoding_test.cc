#include "base/encoding.h"

#include <gtest/gtest.h>

namespace lateen {
namespace {

// RFC 4648, section 10.
TEST(Base64, GivesTheTestVectorsOfItsRfc) {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text).value(), bytes);
  }
}

TEST(Base64, PassesOverLineEnds) {
  EXPECT_EQ(base64_decode("Zm9v\r\nYmFy\n").value(), "foobar");
}

TEST(Base64, RefusesWhatIsNotBase64) {
  for (const std::string_view bad :
       {"Z", "Zg", "Zg=", "Zg===", "Zm9v=", "Z m9v", "Zm9v!", "=Zm9", "Zm8=Zm8="}) {
    EXPECT_FALSE(base64_decode(bad)) << bad;
  }
}

TEST(Base64Url, HasItsOwnAlphabetAndNoPadding) {
  EXPECT_EQ(base64url_encode("\xfb\xff\xfe"), "-__-");
  EXPECT_EQ(base64url_encode("f"), "Zg");
  EXPECT_EQ(base64url_decode("Zg").value(), "f");
  EXPECT_EQ(base64url_decode("Zg==").value(), "f");
  EXPECT_FALSE(base64url_decode("+//+"));
}

TEST(Hex, ReadsBothCasesAndWritesLower) {
  EXPECT_EQ(hex_encode(std::string("\x00\xff\x1a", 3)), "00ff1a");
  EXPECT_EQ(hex_decode("00FF1a").value(), std::string("\x00\xff\x1a", 3));
  EXPECT_FALSE(hex_decode("0"));
  EXPECT_FALSE(hex_decode("0g"));
}

TEST(PercentEncoding, KeepsOnlyWhatAwsAndUrlsKeep) {
  EXPECT_EQ(percent_encode("a b/c~d+e\xc3\xa9"), "a%20b%2Fc~d%2Be%C3%A9");
  EXPECT_EQ(percent_encode_path("backups/a b"), "backups/a%20b");
  EXPECT_EQ(percent_decode("a%20b+c%2f").value(), "a b+c/");
  EXPECT_EQ(query_decode("a+b%2B").value(), "a b+");
  EXPECT_EQ(percent_decode("50%").error().message(), "invalid URL escape \"%\"");
  EXPECT_FALSE(percent_decode("%zz"));
}

}  // namespace
}  // namespace lateen
