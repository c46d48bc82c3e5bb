#include "base/tar.h"

#include <fstream>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/gzip.h"
#include "base/json.h"

namespace lateen {
namespace {

Bytes read_test_file(const std::string& name) {
  std::ifstream file(std::string(LATEEN_TESTDATA) + "/" + name, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TimePoint at_seconds(std::int64_t seconds) {
  return TimePoint(std::chrono::seconds(seconds));
}

Bytes tar_of(const std::vector<std::pair<std::string, std::string>>& files) {
  Bytes out;
  for (const auto& [name, content] : files) {
    EXPECT_TRUE(
        append_tar_header(out, {.name = name, .size = content.size(), .modified = at_seconds(1)}));
    out += content;
    out.append(tar_padding(content.size()), '\0');
  }
  append_tar_end(out);
  return out;
}

// "name=content" of every entry, or the error.
Result<std::vector<std::string>> list(BytesView tar) {
  ViewSource source(tar);
  TarReader reader(source);
  std::vector<std::string> out;
  while (true) {
    const auto entry = TRY(reader.next());
    if (!entry) return out;
    const Bytes content = TRY(reader.read_all(1_MiB));
    out.push_back(entry->name + "=" + content);
  }
}

TEST(TarHeader, IsWhatGoWrites) {
  std::istringstream lines(read_test_file("tar/go-headers.jsonl"));
  int cases = 0;
  for (std::string line; std::getline(lines, line); ++cases) {
    const auto expected = parse_json(line);
    ASSERT_TRUE(expected);
    const TimePoint modified = at_seconds(*int_at(*expected, "seconds")) +
                               std::chrono::nanoseconds(*int_at(*expected, "nanos"));
    Bytes header;
    ASSERT_TRUE(
        append_tar_header(header, {.name = string_at(*expected, "name"),
                                   .size = static_cast<ByteCount>(*int_at(*expected, "size")),
                                   .modified = modified}));
    EXPECT_EQ(base64_encode(header), string_at(*expected, "header"))
        << string_at(*expected, "name");
  }
  EXPECT_GT(cases, 30);
}

TEST(TarHeader, RefusesNamesThatLeadElsewhere) {
  Bytes out;
  for (const std::string_view name : {"", "/etc/passwd", "a/../b", "a//b", "a/", "./a", "a/.."}) {
    const auto refused = append_tar_header(out, {.name = name});
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code(), Code::InvalidArgument);
  }
  EXPECT_FALSE(is_safe_entry_name(std::string_view("a\0b", 3)));
  EXPECT_TRUE(is_safe_entry_name("resources/roles.x/cluster/a..b:c\\d.json"));
  EXPECT_EQ(out, "");
}

TEST(TarReader, ReadsWhatTheWriterWrote) {
  const std::string long_name = "resources/" + std::string(240, 'x') + ".json";
  const auto read =
      list(tar_of({{"a", ""}, {"é", "two"}, {long_name, std::string(512, 'c')}, {"b/c", "end"}}));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, (std::vector<std::string>{"a=", "é=two", long_name + "=" + std::string(512, 'c'),
                                             "b/c=end"}));
}

TEST(TarReader, ReadsWhatGnuTarWrites) {
  const std::string long_name(180, 'n');
  for (const std::string format : {"gnu", "pax", "v7"}) {
    const auto tar = gunzip(read_test_file("tar/" + format + ".tar.gz"), 1_MiB);
    ASSERT_TRUE(tar);
    const auto read = list(*tar);
    ASSERT_TRUE(read) << format << read.error().message();
    EXPECT_EQ(read->front(), "short=short\n");
    EXPECT_EQ(read->back(), "link=");
    EXPECT_EQ((*read)[format == "v7" ? 1 : 2], "d/é漢=é漢\n");
    if (format != "v7") {
      EXPECT_EQ((*read)[1], "d/" + long_name + "=" + long_name + "\n");
    }
  }
}

TEST(TarReader, TellsWhatEntriesAre) {
  const auto tar = gunzip(read_test_file("tar/pax.tar.gz"), 1_MiB);
  ASSERT_TRUE(tar);
  ViewSource source(*tar);
  TarReader reader(source);
  std::vector<TarType> types;
  while (true) {
    const auto entry = reader.next();
    ASSERT_TRUE(entry);
    if (!*entry) break;
    types.push_back((*entry)->type);
    if ((*entry)->name == "short") {
      EXPECT_EQ((*entry)->modified, at_seconds(1767323045));
      EXPECT_EQ(tar->substr((*entry)->data_offset, (*entry)->size), "short\n");
    }
  }
  EXPECT_EQ(types,
            (std::vector{TarType::Regular, TarType::Regular, TarType::Regular, TarType::Directory,
                         TarType::Other, TarType::Other, TarType::Other}));
}

TEST(TarReader, RefusesTheArchiveCutAnywhere) {
  const Bytes whole = tar_of({{"first", "1"}, {"second", std::string(600, '2')}});
  for (std::size_t n = 0; n < whole.size() - kTarBlock; n += 37) {
    const auto cut = list(BytesView(whole).substr(0, n));
    ASSERT_FALSE(cut) << n;
    EXPECT_EQ(cut.error().code(), Code::Corrupt);
    EXPECT_TRUE(
        cut.error().message().starts_with("tar is truncated: it ends at byte " + std::to_string(n)))
        << cut.error().message();
  }
  // One of the two empty blocks is enough, as for Go.
  EXPECT_TRUE(list(BytesView(whole).substr(0, whole.size() - kTarBlock)));
}

TEST(TarReader, SaysInsideWhichEntryItEnds) {
  const Bytes whole = tar_of({{"first", std::string(600, '1')}});
  const auto cut = list(BytesView(whole).substr(0, 700));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().message(),
            "tar is truncated: it ends at byte 700, 412 bytes before the end of entry first");
}

TEST(TarReader, NoticesAChangedHeader) {
  const Bytes whole = tar_of({{"first", "1"}, {"second", "2"}});
  for (const std::size_t at : {0U, 124U, 130U, 150U, 156U, 345U}) {
    Bytes broken = whole;
    broken[2 * kTarBlock + at] ^= 1;
    const auto refused = list(broken);
    ASSERT_FALSE(refused) << at;
    EXPECT_EQ(
        refused.error().message(),
        "tar is damaged at byte 1536, after entry first: the checksum of a header does not hold");
  }
}

TEST(TarReader, DoesNotBelieveAHugeSize) {
  Bytes tar;
  ASSERT_TRUE(append_tar_header(tar, {.name = "bomb", .size = 1ULL << 60}));
  tar += "x";
  const auto refused = list(tar);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "entry bomb has 1152921504606846976 bytes, more than the 1048576 that are accepted");
}

}  // namespace
}  // namespace lateen
