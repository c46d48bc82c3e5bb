#include "base/crc.h"

#include <string>

#include <gtest/gtest.h>

namespace lateen {
namespace {

// The check values that the catalogues of these codes give for "123456789".
TEST(Crc, GivesThePublishedCheckValues) {
  EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc64_nvme("123456789"), 0xAE8B14860A799888U);
  EXPECT_EQ(crc32(""), 0U);
  EXPECT_EQ(crc64_nvme(""), 0U);
}

TEST(Crc, PiecesGiveWhatTheWholeGives) {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += static_cast<char>(i * 7);
  for (const std::size_t at : {0U, 1U, 7U, 8U, 333U, 1000U}) {
    const BytesView whole(text);
    EXPECT_EQ(crc32(whole.substr(at), crc32(whole.substr(0, at))), crc32(whole));
    EXPECT_EQ(crc32c(whole.substr(at), crc32c(whole.substr(0, at))), crc32c(whole));
    EXPECT_EQ(crc64_nvme(whole.substr(at), crc64_nvme(whole.substr(0, at))), crc64_nvme(whole));
  }
}

}  // namespace
}  // namespace lateen
