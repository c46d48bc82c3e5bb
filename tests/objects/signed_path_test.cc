#include "objects/signed_path.h"

#include <gtest/gtest.h>

namespace lateen::objects {
namespace {

const TimePoint kNow{std::chrono::seconds(1'800'000'000)};
const Secret kKey("0123456789abcdef");

TEST(SignedPath, IsGoodUntilItExpires) {
  const std::string target =
      sign_path("/download/default/backups/b/b-logs.gz", kNow + std::chrono::minutes(10), kKey);
  EXPECT_EQ(*verify_path(target, kNow, kKey), "/download/default/backups/b/b-logs.gz");
  const Result<std::string> late = verify_path(target, kNow + std::chrono::minutes(10), kKey);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().message(), "this download link has expired");
}

TEST(SignedPath, RefusesEveryForgeryInTheSameWords) {
  const std::string target = sign_path("/a", kNow + std::chrono::minutes(10), kKey);
  std::string other_path = target;
  other_path[1] = 'b';
  std::string later = target;
  later.replace(target.find("=18") + 1, 2, "19");
  for (const std::string& forged :
       {std::string("/a"), other_path, later, target + "0", target.substr(0, target.size() - 1),
        std::string("/a?expires=9999999999&signature=")}) {
    const Result<std::string> answer = verify_path(forged, kNow, kKey);
    ASSERT_FALSE(answer) << forged;
    EXPECT_EQ(answer.error().code(), Code::Forbidden);
    EXPECT_EQ(answer.error().message(), "this download link was not made by this server") << forged;
  }
  EXPECT_FALSE(verify_path(target, kNow, Secret("another key")));
  EXPECT_FALSE(
      verify_path(sign_path("/a", kNow + std::chrono::minutes(10), Secret()), kNow, Secret()));
}

}  // namespace
}  // namespace lateen::objects
