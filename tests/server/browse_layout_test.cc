#include "server/browse_layout.h"

#include <gtest/gtest.h>

#include "archive/archive_writer.h"
#include "base/gzip.h"
#include "base/json.h"
#include "base/tar.h"
#include "base/temp.h"
#include "base/yaml.h"
#include "model/names.h"
#include "objects/counting_store.h"
#include "objects/fs_store.h"
#include "objects/location.h"
#include "server/stored_archive.h"

namespace lateen::server {
namespace {

constexpr const char* kSettings =
    R"({"apiVersion":"v1","data":{"currency":"EUR"},"kind":"ConfigMap","metadata":{"name":"settings","namespace":"shop"}})";
constexpr const char* kBooks =
    R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"books.example.com"},"spec":{"versions":[{"name":"v1"},{"name":"v1beta1"}]}})";
constexpr const char* kDefinitions = "customresourcedefinitions.apiextensions.k8s.io";

class FixedClock final : public Clock {
 public:
  TimePoint now() const override { return TimePoint(std::chrono::seconds(1'795'343'857)); }
};

// A backup of two objects in a bucket.
class StoredBackup : public ::testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::create("lateen-browse-test");
    ASSERT_TRUE(dir);
    dir_.emplace(std::move(*dir));
    auto bucket = objects::FsStore::open({.root = dir_->path()});
    ASSERT_TRUE(bucket);
    store_ = std::make_unique<objects::BackupStore>(
        objects::make_counting(std::move(*bucket), counters_), "");
    backup_.metadata.name = "nightly";
    backup_.status.format_version = "1.1.0";
    backup_.metadata.annotations[std::string(model::annotations::kSourceClusterGitVersion)] =
        "v1.33.1";
    store_backup();
  }

  void store_backup() {
    auto upload = store_->begin_contents("nightly");
    ASSERT_TRUE(upload);
    auto index = TempFile::create();
    ASSERT_TRUE(index);
    FdSink index_sink(index->fd());
    archive::ArchiveWriter writer(**upload, &index_sink, clock_, {.backup = "nightly"});
    ASSERT_TRUE(writer.add(
        {.group_resource = "configmaps", .ns = "shop", .name = "settings", .version = "v1"},
        kSettings, {}));
    ASSERT_TRUE(writer.add(
        {.group_resource = kDefinitions, .ns = "", .name = "books.example.com", .version = "v1"},
        kBooks, {}));
    ASSERT_TRUE(writer.finish({}));
    ASSERT_TRUE((*upload)->complete());
    ASSERT_TRUE(store_->put_archive_index("nightly", index->fd()));
  }

  // The entries of a tarball of the backup's folder, by name.
  std::map<std::string, std::string> entries(const std::string& file) {
    std::map<std::string, std::string> found;
    const auto packed = store_->objects().get("backups/nightly/" + file);
    if (!packed) return found;
    const Bytes tar = gunzip(*packed, 1_MiB).value_or("");
    ViewSource source(tar);
    TarReader reader(source);
    while (true) {
      const auto entry = reader.next();
      if (!entry || !*entry) return found;
      found[(*entry)->name] = reader.read_all(1_MiB).value_or("");
    }
  }

  std::optional<TempDir> dir_;
  objects::StoreCounters counters_;
  FixedClock clock_;
  std::unique_ptr<objects::BackupStore> store_;
  model::Backup backup_;
};

class StoredArchiveInPlace : public StoredBackup {};

class BrowseLayout : public StoredBackup {};

TEST_F(StoredArchiveInPlace, OneObjectIsOneRangedRequestBesideTheIndex) {
  const std::uint64_t before = counters_.gets;
  const auto archive = open_archive_in_place(*store_, "nightly", {});
  ASSERT_TRUE(archive) << archive.error().message();
  EXPECT_EQ(counters_.gets - before, 1U) << "the index";
  const archive::ArchivedItem* item = archive->find("configmaps", "shop", "settings");
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(archive->read(*item).value_or(""), kSettings);
  EXPECT_EQ(counters_.gets - before, 2U);
  EXPECT_EQ(counters_.heads, 1U);
}

TEST_F(StoredArchiveInPlace, AnIndexOfAnotherTarballIsNotUsed) {
  const auto other = store_->objects().put("backups/nightly/nightly.tar.gz", "another one");
  ASSERT_TRUE(other);
  const auto archive = open_archive_in_place(*store_, "nightly", {});
  ASSERT_FALSE(archive);
  EXPECT_TRUE(archive.error().is(Code::Conflict)) << archive.error().message();
}

TEST_F(BrowseLayout, EveryKindHasATarballOfYaml) {
  ASSERT_TRUE(put_browse_layout(backup_, *store_, {}));
  const auto found = entries("resource-list/configmaps.tar.gz");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.begin()->first, "resource-list/configmaps/shop/settings.yaml");
  const auto object = parse_yaml(found.begin()->second);
  ASSERT_TRUE(object);
  EXPECT_EQ(*object, *parse_json(kSettings));
  const std::string folder = std::string("resource-list/") + kDefinitions;
  EXPECT_EQ(entries(folder + ".tar.gz").count(folder + "/books.example.com.yaml"), 1U);
}

TEST_F(BrowseLayout, MetadataNamesTheClusterAndItsDefinitions) {
  ASSERT_TRUE(put_browse_layout(backup_, *store_, {}));
  const auto text = store_->objects().get("backups/nightly/velero-backup-metadata");
  ASSERT_TRUE(text);
  const auto metadata = parse_json(*text);
  ASSERT_TRUE(metadata);
  EXPECT_EQ(string_at(*metadata, "kubernetes.gitVersion"), "v1.33.1");
  const Json* versions =
      find(find(*metadata, "customResourceDefinitions"), JsonKey{"books.example.com"});
  ASSERT_NE(versions, nullptr);
  EXPECT_EQ(write_json(*versions), R"(["v1","v1beta1"])");
}

TEST_F(BrowseLayout, SnapshotsHaveTarballsEvenWhenThereAreNone) {
  ASSERT_TRUE(put_browse_layout(backup_, *store_, {}));
  for (const char* file : {"volumesnapshots.tar.gz", "csi-volumesnapshotcontents.tar.gz"}) {
    EXPECT_TRUE(store_->objects().head(std::string("backups/nightly/") + file)) << file;
    EXPECT_TRUE(entries(file).empty());
  }
}

TEST_F(BrowseLayout, DeletionTakesItAlong) {
  ASSERT_TRUE(put_browse_layout(backup_, *store_, {}));
  ASSERT_TRUE(store_->delete_backup("nightly"));
  const auto left = objects::list_all(store_->objects(), "");
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->empty());
}

TEST_F(BrowseLayout, TheBackupsWordComesBeforeTheLocations) {
  model::BackupStorageLocation location;
  EXPECT_FALSE(wants_browse_layout(backup_, location));
  location.spec.config[std::string(objects::kResourceTarballs)] = "true";
  EXPECT_TRUE(wants_browse_layout(backup_, location));
  backup_.metadata.annotations[std::string(model::annotations::kResourceTarballs)] = "false";
  EXPECT_FALSE(wants_browse_layout(backup_, location));
}

}  // namespace
}  // namespace lateen::server
