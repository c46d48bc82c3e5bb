#include "objects/backup_store.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/gzip.h"
#include "base/temp.h"
#include "objects/fs_store.h"
#include "objects/location.h"
#include "objects/testing/memory_store.h"

namespace lateen::objects {
namespace {

using testing::MemoryStore;
using Names = std::vector<std::string>;

BackupStore fixture() {
  return BackupStore(
      std::move(*FsStore::open({.root = FilePath(LATEEN_TESTDATA) / "velero-bucket/bucket"})), "");
}

TEST(BackupStoreOfARealBucket, ListsTheBackupsOfVelero) {
  BackupStore store = fixture();
  EXPECT_EQ(
      *store.list_backups(),
      (Names{"bookstore-app-web", "bookstore-full", "bookstore-hookfail", "bookstore-orlabels",
             "bookstore-policy", "bookstore-scoped", "cluster-all", "nightly-20261122103737"}));
  EXPECT_TRUE(store.is_valid());
  EXPECT_TRUE(*store.backup_exists("cluster-all"));
  EXPECT_FALSE(*store.backup_exists("cluster"));
}

TEST(BackupStoreOfARealBucket, ReadsEveryDocument) {
  BackupStore store = fixture();
  const Result<model::Backup> backup = store.get_metadata("bookstore-full");
  ASSERT_TRUE(backup);
  EXPECT_EQ(backup->status.progress->items_backed_up, 56);
  EXPECT_EQ(store.get_pod_volume_backups("bookstore-full")->size(), 3U);
  EXPECT_EQ(store.get_volume_infos("bookstore-full")->size(), 3U);
  EXPECT_EQ(store.get_volume_infos("bookstore-full")->front().backup_method,
            model::VolumeBackupMethod::PodVolumeBackup);
  EXPECT_TRUE(store.get_volume_snapshots("bookstore-full")->empty());
  EXPECT_TRUE(store.get_item_operations("bookstore-full")->empty());
  EXPECT_EQ(store.get_results("bookstore-hookfail")->errors.count(), 4U);
  EXPECT_EQ(store.get_resource_list("bookstore-full")->at("v1/Pod").size(), 6U);
  EXPECT_NE(store.get_log("bookstore-full")->find("level=info"), Bytes::npos);
  EXPECT_EQ(store.get_restore_results("copy")->warnings.count(), 3U);
  EXPECT_EQ(store.get_restore_volume_infos("dr")->size(), 2U);
  EXPECT_FALSE(store.get_restore_resource_list("update")->empty());
  EXPECT_FALSE(store.get_restore_log("dr")->empty());
  const Result<Bytes> start = store.get_contents_range("bookstore-full", 0, 2);
  ASSERT_TRUE(start);
  EXPECT_EQ(*start, "\x1f\x8b");
}

TEST(BackupStoreOfARealBucket, SaysWhichDocumentIsMissing) {
  BackupStore store = fixture();
  const auto results = store.get_results("nobody");
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code(), Code::NotFound);
  EXPECT_NE(results.error().message().find("backups/nobody/nobody-results.gz"), std::string::npos);
}

// A store that keeps its MemoryStore in sight.
struct Bench {
  explicit Bench(testing::FailureRule fail = [](std::string_view,
                                                std::string_view) { return Status(); })
      : Bench(std::make_unique<MemoryStore>(), std::move(fail)) {}

  Bench(std::unique_ptr<MemoryStore> owned, testing::FailureRule fail)
      : memory(*owned),
        store(testing::make_faulty(std::move(owned), std::move(fail)), "/team/a/") {}

  MemoryStore& memory;
  BackupStore store;
};

int index_file() {
  static const TempFile file = [] {
    TempFile made = TempFile::create().value();
    EXPECT_TRUE(made.write("index"));
    return made;
  }();
  return file.fd();
}

BackupDocuments documents_of(std::string name) {
  return {.backup = {.metadata = {.name = std::move(name)},
                     .status = {.phase = model::BackupPhase::Finalizing}},
          .archive_index_fd = index_file()};
}

TEST(BackupStore, WritesTheMetadataLast) {
  Bench bench;
  const TempFile log = *TempFile::create();
  ASSERT_TRUE(write_all(log.fd(), gzip_member("a log")));
  auto contents = bench.store.begin_contents("b");
  ASSERT_TRUE(contents);
  ASSERT_TRUE((*contents)->write("tarball"));
  ASSERT_TRUE((*contents)->complete());
  BackupDocuments documents = documents_of("b");
  documents.log_fd = log.fd();
  ASSERT_TRUE(bench.store.put_backup(documents));
  const Names order = bench.memory.write_order();
  ASSERT_EQ(order.size(), 10U);
  EXPECT_EQ(order.front(), "team/a/backups/b/b.tar.gz");
  EXPECT_EQ(order.back(), "team/a/backups/b/velero-backup.json");
  EXPECT_EQ(*bench.store.get_log("b"), "a log");
  EXPECT_EQ(bench.store.get_metadata("b")->status.phase, model::BackupPhase::Finalizing);
  EXPECT_EQ(*bench.store.list_backups(), Names{"b"});
}

// Whatever fails, no reader may see a backup, and no part but the log may stay.
TEST(BackupStore, TakesEverythingButTheLogBackWhenAnythingFails) {
  for (const std::string_view broken : {"b.tar.gz", "results.gz", "resource-list", "volumeinfo",
                                        "itemoperations", "-index.json", "velero-backup"}) {
    Bench bench([broken](std::string_view call, std::string_view key) -> Status {
      const bool writes = call == "put" || call == "complete";
      if (!writes || key.find(broken) == std::string_view::npos) return {};
      return Error(Code::Unavailable, "no room for {}", key);
    });
    const TempFile file = *TempFile::create();
    ASSERT_TRUE(write_all(file.fd(), "bytes"));
    BackupDocuments documents = documents_of("b");
    documents.log_fd = file.fd();
    documents.contents_fd = file.fd();
    const Status written = bench.store.put_backup(documents);
    ASSERT_FALSE(written) << broken;
    EXPECT_EQ(written.error().code(), Code::Unavailable) << broken;
    EXPECT_EQ(bench.memory.write_order(), Names{"team/a/backups/b/b-logs.gz"}) << broken;
    EXPECT_FALSE(*bench.store.backup_exists("b"));
    EXPECT_TRUE(bench.store.remove_unfinished("b"));
    EXPECT_TRUE(bench.memory.write_order().empty());
  }
}

TEST(BackupStore, GoesOnWithoutItsLog) {
  Bench bench([](std::string_view call, std::string_view key) -> Status {
    if (call == "begin_upload" && key.find("logs") != std::string_view::npos)
      return Error(Code::Unavailable, "no");
    return {};
  });
  const TempFile log = *TempFile::create();
  BackupDocuments documents = documents_of("b");
  documents.log_fd = log.fd();
  Status log_problem;
  EXPECT_TRUE(bench.store.put_backup(documents, &log_problem));
  EXPECT_FALSE(log_problem);
}

TEST(BackupStore, NeverWritesOverABackupThatIsThere) {
  Bench bench;
  ASSERT_TRUE(bench.store.put_backup(documents_of("b")));
  EXPECT_EQ(bench.store.put_backup(documents_of("b")).error().message(),
            "backup already exists in object storage");
  EXPECT_EQ(bench.store.remove_unfinished("b").error().code(), Code::AlreadyExists);
}

TEST(BackupStore, ReplacesTheContentsOfAnUploadedBackupWhole) {
  Bench bench;
  ASSERT_TRUE(bench.store.put_backup(documents_of("b")));
  for (const std::string_view contents : {"first", "rewritten"}) {
    auto upload = bench.store.begin_contents("b");
    ASSERT_TRUE(upload);
    ASSERT_TRUE((*upload)->write(contents));
    ASSERT_TRUE((*upload)->complete());
    EXPECT_EQ(*bench.store.get_contents_range("b", 0, 100), contents);
  }
}

TEST(BackupStore, DeletesTheMetadataFirst) {
  Names removed;
  Bench bench([&removed](std::string_view call, std::string_view key) -> Status {
    if (call == "remove") removed.emplace_back(key);
    if (removed.size() == 2) return Error(Code::Unavailable, "killed here");
    return {};
  });
  ASSERT_TRUE(bench.store.put_backup(documents_of("b")));
  EXPECT_FALSE(bench.store.delete_backup("b"));
  EXPECT_EQ(removed.front(), "team/a/backups/b/velero-backup.json");
  EXPECT_FALSE(bench.memory.head("team/a/backups/b/velero-backup.json", {}));
}

TEST(BackupStore, DeletesABackupWithFilesItDoesNotKnow) {
  Bench bench;
  ASSERT_TRUE(bench.store.put_backup(documents_of("b")));
  ASSERT_TRUE(bench.store.put_backup(documents_of("bc")));
  ASSERT_TRUE(bench.memory.put("team/a/backups/b/sub/extra", "x", {}));
  ASSERT_TRUE(bench.store.delete_backup("b"));
  EXPECT_EQ(*bench.store.list_backups(), Names{"bc"});
  EXPECT_FALSE(bench.store.delete_backup(""));
}

TEST(BackupStore, IsInvalidWithForeignDirectoriesAtTheTop) {
  Bench bench;
  ASSERT_TRUE(bench.store.put_backup(documents_of("b")));
  ASSERT_TRUE(bench.memory.put("team/b/photos/1.jpg", "", {}));
  ASSERT_TRUE(bench.memory.put("team/a/loose", "", {}));
  EXPECT_TRUE(bench.store.is_valid());
  ASSERT_TRUE(bench.memory.put("team/a/photos/1.jpg", "", {}));
  ASSERT_TRUE(bench.memory.put("team/a/music/1.ogg", "", {}));
  EXPECT_EQ(bench.store.is_valid().error().message(),
            "Backup store contains invalid top-level directories: [music photos]");
}

TEST(BackupStore, KeepsTheDocumentsOfRestores) {
  Bench bench;
  model::Results results;
  results.warnings.add("ns", "w");
  ASSERT_TRUE(bench.store.put_restore_results("r", results));
  ASSERT_TRUE(bench.store.put_restore_volume_infos("r", {}));
  EXPECT_EQ(*bench.store.get_restore_results("r"), results);
  EXPECT_EQ(bench.memory.write_order(), (Names{"team/a/restores/r/restore-r-results.gz",
                                               "team/a/restores/r/r-volumeinfo.json.gz"}));
  ASSERT_TRUE(bench.store.delete_restore("r"));
  EXPECT_TRUE(bench.memory.write_order().empty());
}

TEST(BackupStore, GivesTheUrlOfWhatADownloadRequestAsksFor) {
  Bench bench;
  EXPECT_EQ(*bench.store.download_url(model::DownloadTargetKind::BackupLog, "b",
                                      std::chrono::minutes(10)),
            "memory://team/a/backups/b/b-logs.gz?ttl=600");
}

model::BackupStorageLocation fs_location(const FilePath& path) {
  model::BackupStorageLocation location;
  location.metadata.name = "default";
  location.spec = {
      .provider = "filesystem",
      .config = {{"path", path.string()}},
      .object_storage = model::ObjectStorageLocation{.bucket = "backups", .prefix = "/p/"}};
  return location;
}

TEST(Location, OpensAFolderAsABucket) {
  const TempDir dir = *TempDir::create();
  ASSERT_TRUE(make_dirs(dir.path() / "backups"));
  const auto store = open_location(StoreFactory::with_built_in(), fs_location(dir.path()), {});
  ASSERT_TRUE(store) << store.error().message();
  ASSERT_TRUE((*store)->put_backup(documents_of("b")));
  EXPECT_TRUE(exists(dir.path() / "backups/p/backups/b/velero-backup.json"));
}

TEST(Location, MakesTheBucketOnlyIfAskedTo) {
  const TempDir dir = *TempDir::create();
  model::BackupStorageLocation location = fs_location(dir.path());
  EXPECT_EQ(open_location(StoreFactory::with_built_in(), location, {}).error().code(),
            Code::NotFound);
  location.spec.config["createBucket"] = "true";
  EXPECT_TRUE(open_location(StoreFactory::with_built_in(), location, {}));
}

TEST(Location, SaysWhatIsWrongWithIt) {
  const StoreFactory factory = StoreFactory::with_built_in();
  const auto message = [&factory](const model::BackupStorageLocation& location) {
    return open_location(factory, location, {}).error().message();
  };
  model::BackupStorageLocation location = fs_location("/x");
  location.spec.config = {};
  EXPECT_EQ(message(location),
            "backup storage location default: config.path must be the absolute path of the folder "
            "that holds buckets");
  location.spec.config = {{"path", "/x"}, {"region", "y"}};
  EXPECT_EQ(message(location),
            "backup storage location default: config has invalid keys [region]; valid keys are "
            "[path createBucket]");
  location.spec.object_storage->bucket = "..";
  location.spec.config = {{"path", "/x"}};
  EXPECT_NE(message(location).find("objectStorage.bucket: key .."), std::string::npos);
  location.spec.provider = "example.io/none";
  EXPECT_EQ(message(location),
            "backup storage location default: no object store plugin for provider "
            "\"example.io/none\"; there are aws, filesystem, lateen.dev/fs");
}

TEST(Location, ProvidersCanBeAdded) {
  StoreFactory factory = StoreFactory::with_built_in();
  StoreOptions seen;
  factory.add("mine", [&seen](const StoreOptions& options) -> Result<std::unique_ptr<ObjectStore>> {
    seen = options;
    return std::unique_ptr<ObjectStore>(std::make_unique<MemoryStore>());
  });
  model::BackupStorageLocation location = fs_location("/x");
  location.spec.provider = "velero.io/mine";
  location.spec.object_storage->ca_cert = "Y2E=";
  ASSERT_TRUE(open_location(factory, location, {.credential = Secret("s")}));
  EXPECT_EQ(seen.ca_pem, "ca");
  EXPECT_EQ(seen.credential, Secret("s"));
  EXPECT_EQ(seen.bucket, "backups");
}

}  // namespace
}  // namespace lateen::objects
