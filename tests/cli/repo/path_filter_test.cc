#include "cli/repo/path_filter.h"

#include <gtest/gtest.h>

#include "cli/repo/location.h"
#include "cli/repo/pattern_flags.h"
#include "cli/repo/printer.h"
#include "cli/repo/progress_display.h"
#include "cli/repo/time_text.h"

namespace lateen::cli::repo {
namespace {

bool matches(const std::vector<std::string>& patterns, std::string_view path) {
  return PathFilter::parse(patterns, false)->matches(path);
}

struct FilterCase {
  std::string pattern;
  std::string path;
  bool match;
};

// restic's own table of filter cases, the telling ones.
TEST(PathFilter, MatchesAsResticDoes) {
  const std::vector<FilterCase> cases = {{"*.go", "/foo/bar/test.go", true},
                                         {"*.c", "/foo/bar/test.go", false},
                                         {"*", "/foo/bar/test.go", true},
                                         {"foo*", "/foo/bar/test.go", true},
                                         {"bar*", "/foo/bar/baz", true},
                                         {"/foo*", "/foo/bar", true},
                                         {"bar/*", "/foo/bar/baz", true},
                                         {"bar/baz", "/foo/bar/baz", true},
                                         {"/bar", "/foo/bar", false},
                                         {"/foo/bar", "/foo/bar/baz/x", true},
                                         {"foo/**", "/foo/bar/test.go", true},
                                         {"foo/**/test.*", "/foo/bar/baz/test.go", true},
                                         {"foo/**/foo/**/bar", "/foo/x/foo/bar", true},
                                         {"/foo/**/bar", "/foo/bar", true},
                                         {"/**/bar", "/x/y/bar", true},
                                         {"**", "/anything", true},
                                         {"user/dir*", "/home/user/dir1/file", true},
                                         {"/home/user/file.txt", "/home/user/file.txt", true},
                                         {"/home/user/file.tx", "/home/user/file.txt", false},
                                         {"fi?e.t[xy]t", "/a/file.tyt", true},
                                         {"fi?e.t[^y]t", "/a/file.tyt", false},
                                         {"[a-", "x", false}};
  for (const FilterCase& c : cases) {
    const auto filter = PathFilter::parse(std::vector{c.pattern}, false);
    if (c.pattern == "[a-") {
      EXPECT_FALSE(filter);
      continue;
    }
    ASSERT_TRUE(filter) << c.pattern;
    EXPECT_EQ(filter->matches(c.path), c.match) << c.pattern << " on " << c.path;
  }
}

TEST(PathFilter, AnExclamationMarkTakesAMatchBack) {
  EXPECT_TRUE(matches({"*.txt", "!keep.txt"}, "/a/b.txt"));
  EXPECT_FALSE(matches({"*.txt", "!keep.txt"}, "/a/keep.txt"));
  EXPECT_TRUE(matches({"*.txt", "!keep.txt", "/a"}, "/a/keep.txt"));
}

TEST(PathFilter, SaysWhereLookingFurtherIsOfUse) {
  const auto filter = PathFilter::parse(std::vector<std::string>{"/home/user/docs"}, false).value();
  EXPECT_TRUE(filter.look_at("/home").child_may_match);
  EXPECT_FALSE(filter.look_at("/etc").child_may_match);
  EXPECT_TRUE(
      PathFilter::parse(std::vector<std::string>{"docs"}, false)->look_at("/x").child_may_match);
}

TEST(PathFilter, LettersMayBeAlike) {
  const auto filter = PathFilter::parse(std::vector<std::string>{"*.JPG"}, true).value();
  EXPECT_TRUE(filter.matches("/a/b.jpg"));
}

TEST(RepoLocation, S3AddressesAreRestics) {
  const auto aws = parse_s3_location("s3:s3.amazonaws.com/bucket/a/b/").value();
  EXPECT_TRUE(aws.is_aws);
  EXPECT_EQ(aws.bucket, "bucket");
  EXPECT_EQ(aws.prefix, "a/b");
  const auto minio = parse_s3_location("s3:http://localhost:9000/restic").value();
  EXPECT_EQ(minio.endpoint, "http://localhost:9000");
  EXPECT_EQ(minio.prefix, "");
  EXPECT_EQ(parse_s3_location("s3://host/b/p")->endpoint, "https://host");
  EXPECT_FALSE(parse_s3_location("s3:host"));
}

TEST(RepoText, SizesAndTimesAreRestics) {
  EXPECT_EQ(format_bytes(512), "512 B");
  EXPECT_EQ(format_bytes(1536), "1.500 KiB");
  EXPECT_EQ(format_bytes(5_GiB), "5.000 GiB");
  EXPECT_EQ(format_seconds(65), "1:05");
  EXPECT_EQ(format_seconds(3665), "1:01:05");
  EXPECT_EQ(parse_size("64k").value(), 64_KiB);
  EXPECT_EQ(parse_size("3").value(), 3U);
  EXPECT_FALSE(parse_size("1.5G"));
  EXPECT_FALSE(parse_size("99999999999T"));
  const TimePoint now = {};
  EXPECT_EQ(format_local_time(parse_time("2026-11-22 10:09:21", Zone(), now).value(), Zone()),
            "2026-11-22 10:09:21");
  EXPECT_EQ(format_local_time(parse_time("22.11.2026 10:09", Zone(), now).value(), Zone()),
            "2026-11-22 10:09:00");
  EXPECT_FALSE(parse_time("yesterday", Zone(), now));
}

TEST(RepoProgress, TellsNoTimeLeftBeforeItIsKnown) {
  ProgressMoment moment{.elapsed = std::chrono::seconds(5),
                        .total_files = 40,
                        .total_bytes = 10_MiB,
                        .done_files = 12,
                        .done_bytes = 5_MiB};
  EXPECT_EQ(progress_line(moment), "[0:05] 12 files, 5.000 MiB, 0 errors");
  moment.total_known = true;
  EXPECT_EQ(progress_line(moment),
            "[0:05] 50.00%  12 files 5.000 MiB, total 40 files 10.000 MiB, 0 errors ETA 0:05");
}

}  // namespace
}  // namespace lateen::cli::repo
