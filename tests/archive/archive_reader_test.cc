#include "archive/archive_reader.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "archive/archive_index.h"
#include "archive/testing/archives.h"
#include "base/json.h"

namespace lateen::archive {
namespace {

using testing::lines_of;
using testing::Object;
using testing::output_of;
using testing::tarball_of;
using testing::velero_tarball;
using testing::write_archive;

class ArchiveFile : public ::testing::Test {
 protected:
  FilePath put(const std::string& name, BytesView bytes) {
    const FilePath path = dir_.path() / name;
    EXPECT_TRUE(write_file(path, bytes));
    return path;
  }

  Result<ArchiveReader> open(BytesView tarball) {
    return ArchiveReader::open(put("t.tar.gz", tarball), {}, {});
  }

  TempDir dir_ = TempDir::create().value();
};

class VeleroArchive : public ::testing::TestWithParam<std::string> {};

TEST_P(VeleroArchive, IsReadToTheLastObject) {
  const FilePath tarball = velero_tarball(GetParam());
  const auto archive = ArchiveReader::open(tarball, {}, {});
  ASSERT_TRUE(archive) << archive.error().message();
  EXPECT_EQ(archive->format_version(), "1.1.0");
  EXPECT_TRUE(archive->refused_entries().empty());
  const TempDir dir = TempDir::create().value();
  output_of({"tar", "xzf", tarball.string(), "-C", dir.path().string()});
  std::set<std::string> plain;
  for (const std::string& name : lines_of(output_of({"tar", "tzf", tarball.string()}))) {
    if (name.starts_with("resources/") && name.find("-preferredversion/") == std::string::npos)
      plain.insert(name);
  }
  ASSERT_EQ(archive->items().size(), plain.size());
  for (const ArchivedItem& item : archive->items()) {
    const std::string name = entry_name(item.key, ItemCopy::Plain);
    EXPECT_TRUE(plain.contains(name)) << name;
    EXPECT_FALSE(item.key.version.empty()) << name;
    EXPECT_EQ(archive->read(item).value_or("?"), read_file(dir.path() / name).value());
    EXPECT_EQ(archive->find(item.key.group_resource, item.key.ns, item.key.name), &item);
  }
  EXPECT_TRUE(archive->verify({}));
}

TEST_P(VeleroArchive, IsTheSameAgainWhenWeWriteItsObjects) {
  const FilePath tarball = velero_tarball(GetParam());
  const auto archive = ArchiveReader::open(tarball, {}, {});
  ASSERT_TRUE(archive);
  std::vector<Object> objects;
  for (const ArchivedItem& item : archive->items())
    objects.push_back({item.key, archive->read(item).value()});
  const auto written = write_archive(objects, {.backup = GetParam(), .threads = 2});
  const TempDir dir = TempDir::create().value();
  ASSERT_TRUE(write_file(dir.path() / "ours.tar.gz", written.tarball));
  ASSERT_TRUE(write_file(dir.path() / "ours-index.json.gz", written.index));
  // Names in their order, then all contents.
  for (const char* flags : {"tzf", "xzOf"}) {
    EXPECT_EQ(output_of({"tar", flags, (dir.path() / "ours.tar.gz").string()}),
              output_of({"tar", flags, tarball.string()}));
  }
  const auto ours = ArchiveReader::open(dir.path() / "ours.tar.gz",
                                        {.index = dir.path() / "ours-index.json.gz"}, {});
  ASSERT_TRUE(ours) << ours.error().message();
  EXPECT_TRUE(ours->indexed()) << ours->index_problem()->message();
  EXPECT_EQ(ours->format_version(), "1.1.0");
  ASSERT_EQ(ours->items().size(), objects.size());
  for (std::size_t i = 0; i < objects.size(); ++i) {
    EXPECT_EQ(ours->items()[i].key, objects[i].key);
    EXPECT_EQ(ours->read(ours->items()[i]).value_or("?"), objects[i].json);
  }
  const auto verified = ours->verify({});
  EXPECT_TRUE(verified) << verified.error().message();
}

INSTANTIATE_TEST_SUITE_P(,
                         VeleroArchive,
                         ::testing::Values("bookstore-full",
                                           "bookstore-app-web",
                                           "bookstore-orlabels",
                                           "bookstore-policy",
                                           "bookstore-scoped",
                                           "bookstore-hookfail",
                                           "nightly-20261122103737",
                                           "cluster-all"),
                         [](const auto& c) {
                           std::string name = c.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST_F(ArchiveFile, OfABackupHoldsTheObjectsAsTheyWereInTheCluster) {
  const auto archive = ArchiveReader::open(velero_tarball("bookstore-full"), {}, {});
  ASSERT_TRUE(archive);
  EXPECT_EQ(archive->items().size(), 56U);
  const ArchivedItem* config = archive->find("configmaps", "bookstore", "payments-config");
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->key.version, "v1");
  const auto stored = parse_json(archive->read(*config).value());
  ASSERT_TRUE(stored);
  const auto live = parse_json(read_file(testing::testdata("velero-bucket/expected.json")).value());
  const auto same = std::ranges::find_if(*array_at(*live, "items"), [](const Json& item) {
    return string_at(item, "kind") == "ConfigMap" &&
           string_at(item, "metadata.name") == "payments-config";
  });
  EXPECT_EQ(*stored, *same);
  EXPECT_EQ(archive->find("configmaps", "bookstore", "left-out"), nullptr);
}

TEST_F(ArchiveFile, OfFormatOneIsTaken) {
  const auto archive = open(tarball_of({{"resources/pods/namespaces/shop/db.json", "{}"},
                                        {"unknown/folder/x", "?"},
                                        {"resources/pods/README", "?"}}));
  ASSERT_TRUE(archive) << archive.error().message();
  EXPECT_EQ(archive->format_version(), "");
  ASSERT_EQ(archive->items().size(), 1U);
  EXPECT_EQ(archive->items()[0].key.version, "");
  EXPECT_EQ(archive->read(archive->items()[0]).value(), "{}");
}

TEST_F(ArchiveFile, WithOnlyTheVersionedCopyIsTaken) {
  const auto archive =
      open(tarball_of({{"resources/pods/v1-preferredversion/namespaces/shop/db.json", "1"},
                       {"resources/pods/v2/namespaces/shop/db.json", "2"}}));
  ASSERT_TRUE(archive);
  ASSERT_EQ(archive->items().size(), 2U);
  EXPECT_EQ(archive->read(*archive->find("pods", "shop", "db")).value(), "1");
  EXPECT_EQ(archive->items()[1].key.version, "v2");
  EXPECT_FALSE(archive->items()[1].key.preferred);
}

TEST_F(ArchiveFile, TakesTheLastOfTwoEntriesOfOneName) {
  const std::string name = "resources/pods/namespaces/shop/db.json";
  const auto archive =
      open(tarball_of({{name, "old"},
                       {"resources/pods/v1-preferredversion/namespaces/shop/db.json", "new"},
                       {name, "new"}}));
  ASSERT_TRUE(archive);
  ASSERT_EQ(archive->items().size(), 1U);
  EXPECT_EQ(archive->read(archive->items()[0]).value(), "new");
  EXPECT_TRUE(archive->verify({}));
}

TEST_F(ArchiveFile, MadeByTheRealTarOfAFolderIsTaken) {
  output_of(
      {"tar", "xzf", velero_tarball("bookstore-app-web").string(), "-C", dir_.path().string()});
  output_of({"tar", "czf", (dir_.path() / "again.tar.gz").string(), "-C", dir_.path().string(),
             "./metadata", "./resources"});
  const auto archive = ArchiveReader::open(dir_.path() / "again.tar.gz", {}, {});
  ASSERT_TRUE(archive) << archive.error().message();
  EXPECT_EQ(archive->items().size(), 9U);
  EXPECT_EQ(archive->format_version(), "1.1.0");
}

TEST_F(ArchiveFile, NeverReadsEntriesThatLeadElsewhere) {
  ASSERT_TRUE(make_dirs(dir_.path() / "in"));
  ASSERT_TRUE(write_file(dir_.path() / "evil.json", "{}"));
  output_of({"tar", "czPf", (dir_.path() / "evil.tar.gz").string(), "--transform",
             "s,^evil,resources/pods/namespaces/../../../evil,", "-C", dir_.path().string(),
             "evil.json"});
  const auto archive = ArchiveReader::open(dir_.path() / "evil.tar.gz", {}, {});
  ASSERT_TRUE(archive) << archive.error().message();
  EXPECT_TRUE(archive->items().empty());
  EXPECT_EQ(archive->refused_entries(),
            (std::vector<RefusedEntry>{{.name = "resources/pods/namespaces/../../../evil.json",
                                        .why = "its name leads out of the archive"}}));
}

TEST_F(ArchiveFile, CutAnywhereIsRefused) {
  const auto written = write_archive(
      {{{.group_resource = "pods", .ns = "n", .name = "a", .version = "v1"}, "{\"a\":1}"},
       {{.group_resource = "pods", .ns = "n", .name = "b", .version = "v1"},
        std::string(40'000, 'b')}},
      {.backup = "b", .threads = 1, .member_size = 1_KiB});
  const FilePath index = put("i.json.gz", written.index);
  for (std::size_t n = 0; n < written.tarball.size(); n += 5) {
    const FilePath path = put("t.tar.gz", BytesView(written.tarball).substr(0, n));
    const auto cut = ArchiveReader::open(path, {.index = index}, {});
    ASSERT_FALSE(cut) << n;
    EXPECT_EQ(cut.error().code(), Code::Corrupt);
  }
}

TEST_F(ArchiveFile, SaysWhereItIsTruncated) {
  const Bytes whole = read_file(velero_tarball("bookstore-full")).value();
  const auto cut = open(BytesView(whole).substr(0, whole.size() / 2));
  ASSERT_FALSE(cut);
  EXPECT_TRUE(cut.error().message().find(fmt::format("gzip data is truncated: it ends at byte {}",
                                                     whole.size() / 2)) != std::string::npos)
      << cut.error().message();
  EXPECT_TRUE(cut.error().message().find("entry resources/") != std::string::npos)
      << cut.error().message();
}

TEST_F(ArchiveFile, ThatIsNoTarballIsRefused) {
  for (const std::string& bytes : {std::string(), std::string("{}"), gzip_member("not a tar"),
                                   gzip_member(std::string(512, 'x'))}) {
    const auto refused = open(bytes);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::Corrupt);
  }
  EXPECT_EQ(ArchiveReader::open(dir_.path() / "none", {}, {}).error().code(), Code::NotFound);
}

TEST_F(ArchiveFile, ThatUnpacksWithoutEndIsStopped) {
  const FilePath path =
      put("t", tarball_of({{"resources/pods/cluster/big.json", std::string(3 << 20, ' ')}}));
  const auto item = ArchiveReader::open(path, {.limits = {.max_item_size = 1_MiB}}, {});
  ASSERT_FALSE(item);
  EXPECT_EQ(item.error().code(), Code::Corrupt);
  EXPECT_FALSE(ArchiveReader::open(path, {.limits = {.max_unpacked_size = 1_MiB}}, {}));
  const FilePath many = put("m", tarball_of({{"resources/pods/cluster/a.json", ""},
                                             {"resources/pods/cluster/b.json", ""}}));
  EXPECT_FALSE(ArchiveReader::open(many, {.limits = {.max_items = 1}}, {}));
  EXPECT_TRUE(ArchiveReader::open(path, {}, {}));
}

TEST_F(ArchiveFile, WithABrokenOrForeignIndexIsReadWithoutIt) {
  const std::vector<Object> objects = {
      {{.group_resource = "pods", .ns = "n", .name = "a", .version = "v1"}, "{\"a\":1}"}};
  const auto written = write_archive(objects);
  const auto other =
      write_archive({{{.group_resource = "pods", .ns = "n", .name = "other", .version = "v1"},
                      "{\"other\":12345}"}});
  const FilePath tarball = put("t.tar.gz", written.tarball);
  const std::vector<Bytes> indexes = {
      "",
      "garbage",
      written.index.substr(0, written.index.size() / 2),
      other.index,
      gzip_member("{}\n"),
      gzip_member("{\"format\":\"lateen-archive-index\",\"version\":2}\n")};
  for (const Bytes& index : indexes) {
    const auto archive = ArchiveReader::open(tarball, {.index = put("i", index)}, {});
    ASSERT_TRUE(archive);
    EXPECT_FALSE(archive->indexed());
    EXPECT_TRUE(archive->index_problem().has_value());
    EXPECT_EQ(archive->read(archive->items()[0]).value(), "{\"a\":1}");
  }
}

TEST_F(ArchiveFile, ChangedBehindItsIndexIsNoticed) {
  const std::string json = "{\"a\":\"" + std::string(500, 'q') + "\"}";
  const auto written =
      write_archive({{{.group_resource = "pods", .ns = "n", .name = "a", .version = "v1"}, json}});
  Bytes tar = gunzip(written.tarball, 1_MiB).value();
  tar[tar.find("qqq") + 2] = 'p';
  // Stored members of the same sizes as before cannot be had; so write an index for the changed
  // tarball by hand.
  const Bytes changed = gzip_member(tar);
  std::string lines = gunzip(written.index, 1_MiB).value();
  const auto replace = [&lines](const std::string& from, const std::string& to) {
    for (std::size_t at = lines.find(from); at != std::string::npos;
         at = lines.find(from, at + to.size()))
      lines.replace(at, from.size(), to);
  };
  replace(fmt::format("\"length\":{}", written.tarball.size()),
          fmt::format("\"length\":{}", changed.size()));
  replace(fmt::format("\"size\":{}", written.tarball.size()),
          fmt::format("\"size\":{}", changed.size()));
  const auto archive =
      ArchiveReader::open(put("t", changed), {.index = put("i", gzip_member(lines))}, {});
  ASSERT_TRUE(archive);
  ASSERT_TRUE(archive->indexed()) << archive->index_problem()->message();
  const auto read = archive->read(archive->items()[0]);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), Code::Corrupt);
  EXPECT_FALSE(archive->verify({}));
}

TEST_F(ArchiveFile, WhoseTwoCopiesDifferDoesNotVerify) {
  const auto archive =
      open(tarball_of({{"resources/pods/cluster/a.json", "1"},
                       {"resources/pods/v1-preferredversion/cluster/a.json", "2"}}));
  ASSERT_TRUE(archive);
  const auto verified = archive->verify({});
  ASSERT_FALSE(verified);
  EXPECT_TRUE(verified.error().message().ends_with(
      "resources/pods/cluster/a.json is not what it was, or its two copies differ"))
      << verified.error().message();
}

TEST(ArchiveIndex, GivesOneObjectOutOfOneRange) {
  std::vector<Object> objects;
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i)
    names.push_back("cm-" + std::to_string(i));
  for (const std::string& name : names)
    objects.push_back(
        {{.group_resource = "configmaps", .ns = "shop", .name = name, .version = "v1"},
         "{\"name\":\"" + name + "\",\"pad\":\"" + std::string(900, '-') + "\"}"});
  const auto written =
      write_archive(objects, {.backup = "nightly", .threads = 2, .member_size = 32_KiB});
  ViewSource source(written.index);
  const auto index = ArchiveIndex::parse(source);
  ASSERT_TRUE(index) << index.error().message();
  EXPECT_EQ(index->backup(), "nightly");
  EXPECT_EQ(index_file_name(index->backup()), "nightly-index.json.gz");
  EXPECT_EQ(index->tarball_size(), written.tarball.size());
  const ArchivedItem* item = index->table().find("configmaps", "shop", "cm-217");
  ASSERT_NE(item, nullptr);
  const MemberRange range = index->member(*item);
  EXPECT_LT(range.length, written.tarball.size() / 4);
  const auto json =
      index->extract(*item, BytesView(written.tarball).substr(range.offset, range.length));
  ASSERT_TRUE(json) << json.error().message();
  EXPECT_EQ(*json, objects[217].json);
  EXPECT_FALSE(
      index->extract(*item, BytesView(written.tarball).substr(range.offset + 1, range.length)));
}

TEST(ArchiveIndex, CutAnywhereIsRefused) {
  const auto written =
      write_archive({{{.group_resource = "pods", .ns = "n", .name = "a", .version = "v1"}, "{}"}});
  for (std::size_t n = 0; n < written.index.size(); ++n) {
    ViewSource source(BytesView(written.index).substr(0, n));
    EXPECT_FALSE(ArchiveIndex::parse(source)) << n;
  }
}

TEST(ArchiveIndex, RefusesWhatDoesNotFit) {
  const std::string header =
      "{\"format\":\"lateen-archive-index\",\"backup\":\"b\",\"version\":1}\n";
  const std::string member = "{\"member\":0,\"offset\":0,\"length\":100,\"unpacked\":1000}\n";
  const std::string digest(64, '0');
  const auto item = [&](const std::string& name, std::uint64_t offset, std::uint64_t size) {
    return fmt::format(
        "{{\"resource\":\"pods\",\"name\":\"{}\",\"offset\":{},\"size\":{},\"sha256\":\"{}\"}}\n",
        name, offset, size, digest);
  };
  const std::string end = "{\"end\":true,\"items\":1,\"members\":1,\"size\":100,\"sha256\":\"\"}\n";
  const auto parse = [](const std::string& text) {
    const Bytes gzipped = gzip_member(text);
    ViewSource source(gzipped);
    return ArchiveIndex::parse(source);
  };
  EXPECT_TRUE(parse(header + member + item("a", 0, 1000) + end));
  EXPECT_FALSE(parse(header + item("a", 0, 10) + end));
  EXPECT_FALSE(parse(header + member + item("a", 1, 1000) + end));
  EXPECT_FALSE(parse(header + member + item("../a", 0, 10) + end));
  EXPECT_FALSE(parse(header + member + item("a", 0xffffffffffffffff, 10) + end));
  EXPECT_FALSE(parse(header + member + item("a", 0, 10) + item("b", 0, 10) + end));
  EXPECT_FALSE(parse(header + member + item("a", 0, 10) + end + member));
  EXPECT_FALSE(parse(
      header + "{\"member\":0,\"offset\":0,\"length\":100,\"unpacked\":9999999999999}\n" + end));
  EXPECT_FALSE(
      parse(header + "{\"member\":0,\"offset\":5,\"length\":100,\"unpacked\":10}\n" + end));
  EXPECT_FALSE(parse(header + member + std::string(1 << 20, ' ')));
}

}  // namespace
}  // namespace lateen::archive
