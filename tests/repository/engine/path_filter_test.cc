#include "repository/engine/path_filter.h"

#include <gtest/gtest.h>

namespace lateen::repository {
namespace {

bool matches(const std::vector<std::string>& patterns, std::string_view path) {
  return PathFilter::parse(patterns, {}).value().matches(path);
}

// restic's documentation, "Excluding Files".
TEST(PathFilter, MatchesAsResticsManualSays) {
  EXPECT_TRUE(matches({"*.go"}, "/home/user/work/main.go"));
  EXPECT_TRUE(matches({"foo"}, "/home/foo/bar"));
  EXPECT_TRUE(matches({"foo/bar"}, "/x/foo/bar/baz"));
  EXPECT_FALSE(matches({"foo/bar"}, "/x/foo/y/bar"));
  EXPECT_TRUE(matches({"/home/*/secret"}, "/home/user/secret/key"));
  EXPECT_FALSE(matches({"/home/*/secret"}, "/home/user/work/secret"));
  EXPECT_TRUE(matches({"foo/**/bar"}, "/dir1/foo/dir2/bar/file"));
  EXPECT_TRUE(matches({"foo/**/bar"}, "/foo/bar/file"));
  EXPECT_FALSE(matches({"foo/**/bar"}, "/bar/foo/dir2"));
  EXPECT_TRUE(matches({"file?.[ch]"}, "/src/file1.c"));
  EXPECT_FALSE(matches({"file?.[!ch]"}, "/src/file1.c"));
}

TEST(PathFilter, TakesAMatchBack) {
  EXPECT_TRUE(matches({"*.log", "!keep.log"}, "/var/a.log"));
  EXPECT_FALSE(matches({"*.log", "!keep.log"}, "/var/keep.log"));
}

TEST(PathFilter, KnowsWhereToLookFurther) {
  const auto filter = PathFilter::parse({"/work/*/main.go"}, {}).value();
  EXPECT_TRUE(filter.could_match_below("/work"));
  EXPECT_TRUE(filter.could_match_below("/work/lateen"));
  EXPECT_FALSE(filter.could_match_below("/home"));
  EXPECT_TRUE(PathFilter::parse({"main.go"}, {}).value().could_match_below("/anything"));
}

TEST(PathFilter, IgnoresCaseWhenToldTo) {
  const auto filter = PathFilter::parse({"*.JPG"}, {.ignore_case = true}).value();
  EXPECT_TRUE(filter.matches("/photos/Cat.jpg"));
}

TEST(PathFilter, RefusesAnEmptyPattern) {
  EXPECT_EQ(PathFilter::parse({""}, {}).error().code(), Code::InvalidArgument);
}

TEST(PathFilter, TakesNoLongerForHostilePatterns) {
  std::string stars;
  for (int i = 0; i < 200; ++i)
    stars += "*a";
  EXPECT_FALSE(match_component(stars + "b", std::string(250, 'a')));
}

}  // namespace
}  // namespace lateen::repository
