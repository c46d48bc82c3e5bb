// Tarballs as an enemy would write them (testdata/hostile), made by Python's tarfile.
#include <map>

#include <gtest/gtest.h>

#include "archive/archive_reader.h"
#include "archive/testing/archives.h"

namespace lateen::archive {
namespace {

using testing::output_of;
using testing::tarball_of;

TEST(HostileArchive, GivesHonestObjectsAndSaysWhatItRefused) {
  const TempDir dir = TempDir::create().value();
  const FilePath tarball = dir.path() / "t.tar.gz";
  output_of({"python3", testing::testdata("hostile/make_tarball.py").string(), tarball.string()});
  const auto archive = ArchiveReader::open(tarball, {.temp_dir = dir.path()}, {});
  ASSERT_TRUE(archive) << archive.error().message();
  EXPECT_EQ(archive->format_version(), "1.1.0");
  ASSERT_NE(archive->find("configmaps", "shop", "first"), nullptr);
  ASSERT_NE(archive->find("configmaps", "shop", "last"), nullptr);
  std::map<std::string_view, int> refused;
  for (const RefusedEntry& entry : archive->refused_entries())
    ++refused[entry.why];
  EXPECT_EQ(refused, (std::map<std::string_view, int>{{"its name leads out of the archive", 4},
                                                      {"a link or a device", 5},
                                                      {"no namespace can be called so", 1},
                                                      {"a namespace of more than 63 characters", 1},
                                                      {"no object can be called so", 2},
                                                      {"no resource can be called so", 1},
                                                      {"a name of more than 1024 bytes", 1}}));
  for (const ArchivedItem& item : archive->items()) {
    EXPECT_EQ(item.key.group_resource, "configmaps");
    EXPECT_EQ(item.key.ns, "shop");
    EXPECT_TRUE(archive->read(item)) << item.key.name;
  }
  // Nothing has a name on disk: what was unpacked lies in a file without one.
  EXPECT_EQ(list_dir(dir.path()).value().size(), 1U);
}

TEST(HostileArchive, ThatUnpacksToFarMoreThanObjectsDoIsRefused) {
  const TempDir dir = TempDir::create().value();
  const FilePath bomb = dir.path() / "bomb.tar.gz";
  ASSERT_TRUE(write_file(
      bomb, tarball_of({{"resources/pods/namespaces/n/a.json", std::string(30 << 20, ' ')}})));
  const auto refused =
      ArchiveReader::open(bomb, {.temp_dir = dir.path(), .limits = {.ratio_from = 1_MiB}}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::Corrupt);
  EXPECT_NE(refused.error().message().find("more than 500 times"), std::string::npos)
      << refused.error().message();
  EXPECT_TRUE(ArchiveReader::open(bomb, {.temp_dir = dir.path()}, {}));
}

TEST(HostileArchive, OfEntriesWithoutEndIsStopped) {
  const TempDir dir = TempDir::create().value();
  const FilePath many = dir.path() / "many.tar.gz";
  ASSERT_TRUE(write_file(many, tarball_of({{"a", ""}, {"b", ""}, {"c", ""}})));
  const auto refused =
      ArchiveReader::open(many, {.temp_dir = dir.path(), .limits = {.max_entries = 2}}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "reading many.tar.gz: the archive has more than the 2 entries that are accepted");
  EXPECT_TRUE(
      ArchiveReader::open(many, {.temp_dir = dir.path(), .limits = {.max_entries = 3}}, {}));
}

}  // namespace
}  // namespace lateen::archive
