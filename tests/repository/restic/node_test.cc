#include "repository/restic/node.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/text.h"
#include "repository/restic/content_format.h"
#include "repository/restic/fixture.h"

namespace lateen::repository::restic {
namespace {

std::string quoted(std::string_view name) {
  std::string out;
  append_quoted_name(out, name);
  return out;
}

TEST(ResticNode, NamesAreQuotedTwice) {
  EXPECT_EQ(quoted("plain.txt"), R"("plain.txt")");
  EXPECT_EQ(quoted("nbsp\xc2\xa0.txt"), R"("nbsp\\u00a0.txt")");
  EXPECT_EQ(quoted("ctl\x01\x7f.txt"), R"("ctl\\x01\\x7f.txt")");
  EXPECT_EQ(quoted("bad-\xff\xfe-utf8.bin"), R"("bad-\\xff\\xfe-utf8.bin")");
  EXPECT_EQ(quoted("back\\slash.txt"), R"("back\\\\slash.txt")");
  EXPECT_EQ(quoted("new\nline.txt"), R"("new\\nline.txt")");
  EXPECT_EQ(quoted("quote\".txt"), R"("quote\\\".txt")");
  EXPECT_EQ(quoted("<a>&b.txt"), R"("\u003ca\u003e\u0026b.txt")");
  EXPECT_EQ(quoted("na\xc3\xafve-\xe6\x97\xa5.txt"), "\"na\xc3\xafve-\xe6\x97\xa5.txt\"");
}

TEST(ResticNode, QuotedNamesComeBack) {
  for (const std::string_view name :
       {"a", "\xff", "tab\there", "q\"\\", "\xe2\x80\xa8", "\xf0\x9f\x99\x82", "\x01"}) {
    const std::string literal = quote_go(name);
    EXPECT_EQ(unquote_name(std::string_view(literal).substr(1, literal.size() - 2)).value(), name);
  }
  EXPECT_EQ(unquote_name("\\101\\u0042\\U00000043").value(), "ABC");
  for (const std::string_view broken : {"\\", "\\x1", "\\u12", "\\q", "\\400", "\\ud800"})
    EXPECT_FALSE(unquote_name(broken)) << broken;
}

TEST(ResticNode, ModesAreGos) {
  EXPECT_EQ(go_mode(S_IFDIR | 0755), 2147484141U);
  EXPECT_EQ(go_mode(S_IFLNK | 0777), 134218239U);
  EXPECT_EQ(go_mode(S_IFREG | 04755), 8389101U);
  EXPECT_EQ(go_mode(S_IFDIR | 01777), 2148532735U);
  EXPECT_EQ(go_mode(S_IFIFO | 0640), 33554848U);
  EXPECT_EQ(go_mode(S_IFCHR | 0666), 69206454U);
  EXPECT_EQ(go_mode(S_IFBLK | 0640), 67109280U);
  for (const mode_t mode : {S_IFDIR | 01777, S_IFREG | 06711, S_IFCHR | 0600, S_IFSOCK | 0777})
    EXPECT_EQ(unix_mode(go_mode(static_cast<mode_t>(mode))), static_cast<mode_t>(mode));
}

TEST(ResticNode, AnEmptyTreeHasTheKnownId) {
  EXPECT_EQ(Id::of(TreeEncoder().finish()).hex(),
            "ac08ce34ba4f8123618661bef2425f7028ffb9ac740578a3ee88684d2523fee8");
}

std::string time_text(std::int64_t seconds, std::uint32_t nanoseconds) {
  std::string out;
  append_time(out, {.seconds = seconds, .nanoseconds = nanoseconds});
  return out;
}

TEST(ResticNode, TimesKeepNoTrailingZeros) {
  EXPECT_EQ(time_text(0, 0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(time_text(1, 500'000'000), "1970-01-01T00:00:01.5Z");
  EXPECT_EQ(time_text(-1, 1), "1969-12-31T23:59:59.000000001Z");
  EXPECT_EQ(time_text(951'782'400, 0), "2000-02-29T00:00:00Z");
  EXPECT_EQ(time_text(-62'167'219'200, 0), "0000-01-01T00:00:00Z");
  EXPECT_EQ(time_text(999'999'999'999, 0).substr(0, 4), "9999");
}

TEST(ResticNode, TimesAreReadInAnyZone) {
  const NodeTime t = parse_node_time("2026-11-22T11:09:21.000000005+01:00").value();
  EXPECT_EQ(t, parse_node_time("2026-11-22T10:09:21.000000005Z").value());
  for (const std::string_view broken :
       {"", "2026-11-22", "2026-11-22T10:09:21", "2026-13-22T10:09:21Z", "2026-11-22T10:09:21.Z",
        "2026-11-22T10:09:21+1:00"}) {
    EXPECT_FALSE(parse_node_time(broken)) << broken;
  }
}

std::string tree_with(const std::string& nodes) {
  return "{\"nodes\":[" + nodes + "]}\n";
}

std::string node_json(const std::string& rest) {
  return "{" + rest +
         R"(,"mtime":"2026-11-22T10:09:21Z","atime":"2026-11-22T10:09:21Z",)"
         R"("ctime":"2026-11-22T10:09:21Z","uid":0,"gid":0})";
}

TEST(ResticNode, HostileTreesAreCorrupt) {
  for (const std::string_view name : {"", ".", "..", "a/b", "../etc/passwd", "a\\\\x00b"}) {
    const auto tree =
        tree_with(node_json(fmt::format(R"("name":"{}","type":"file","content":[])", name)));
    EXPECT_FALSE(decode_tree(tree)) << name;
  }
  const std::string a = node_json(R"("name":"a","type":"file","content":[])");
  const std::string b = node_json(R"("name":"b","type":"file","content":[])");
  EXPECT_TRUE(decode_tree(tree_with(a + "," + b)));
  EXPECT_FALSE(decode_tree(tree_with(b + "," + a))) << "not in order";
  EXPECT_FALSE(decode_tree(tree_with(a + "," + a))) << "twice the same";
  EXPECT_FALSE(decode_tree(tree_with(node_json(R"("name":"a","type":"dir")"))));
  EXPECT_FALSE(decode_tree(tree_with(node_json(R"("name":"a","type":"file","content":null)"))));
}

TEST(ResticNode, UnknownFieldsAndWindowsAttributesSurvive) {
  Node node{.name = "w",
            .type = NodeType::File,
            .generic_attributes = R"({"windows.file_attributes":32})",
            .has_content = true};
  TreeEncoder encoder;
  encoder.add(node);
  const auto nodes = decode_tree(encoder.finish()).value();
  EXPECT_EQ(nodes.at(0), node);
}

class ResticTrees : public ResticFixture {};

TEST_F(ResticTrees, EveryTreeOfResticComesOutByteForByte) {
  for (const int version : {1, 2}) {
    const auto repo = open(ResticFixture::repository(version)).value();
    std::size_t trees = 0;
    Workspace workspace;
    ASSERT_TRUE(repo->reader().index().for_each([&](const ContentEntry& entry) -> Status {
      if (type_of(entry.id) != BlobType::Tree) return {};
      const Bytes blob = TRY(repo->reader().read(entry.id, workspace));
      TreeEncoder encoder;
      for (const Node& node : TRY(decode_tree(blob)))
        encoder.add(node);
      EXPECT_EQ(encoder.finish(), blob);
      ++trees;
      return {};
    }));
    EXPECT_GT(trees, 10U);
  }
}

}  // namespace
}  // namespace lateen::repository::restic
