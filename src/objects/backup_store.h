// The backups and restores in a bucket: typed documents in and out, in the layout and the order of
// Velero.
//
// A backup exists when its velero-backup.json does. It is therefore written last and removed first:
// what a reader can see is complete, whatever instant the writer died at.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/documents.h"
#include "model/resource_names.h"
#include "objects/layout.h"
#include "objects/object_store.h"

namespace lateen::objects {

// Everything of a finished backup but its contents, which are streamed by begin_contents() or lie
// in a file.
struct BackupDocuments {
  model::Backup backup = {};
  std::vector<model::PodVolumeBackup> pod_volume_backups = {};
  std::vector<model::NativeSnapshot> volume_snapshots = {};
  std::vector<model::BackupOperation> item_operations = {};
  model::ResourceNames names = {};  // of everything in the contents
  model::Results results = {};
  std::vector<model::BackupVolumeInfo> volume_infos = {};
  Bytes coverage = {};  // what it does not hold, as JSON; empty: nobody looked
  // Files, borrowed, read from their start and stored as they are.
  std::optional<int> archive_index_fd = {};
  std::optional<int> log_fd = {};
  std::optional<int> contents_fd = {};  // a .tar.gz, borrowed; unset when begin_contents() was used
};

// Thread-safe.
class BackupStore {
 public:
  BackupStore(std::unique_ptr<ObjectStore> store, std::string_view prefix);

  ObjectStore& objects() { return *store_; }

  const Layout& layout() const { return layout_; }

  // Ok if the top level holds nothing that isn't Velero's: "Backup store contains invalid top-level
  // directories: [x]".
  Status is_valid(std::stop_token stop = {});

  // Names below backups/, whether complete or not, sorted.
  Result<std::vector<std::string>> list_backups(std::stop_token stop = {});
  Result<bool> backup_exists(std::string_view backup, std::stop_token stop = {});

  // ---- Writing a backup.
  // The tarball, streamed as it is made. Replaces, when completed, the one that is there: a
  // finalizer rewrites the contents of an uploaded backup, and whoever starts a new one has asked
  // backup_exists() before.
  Result<std::unique_ptr<Upload>> begin_contents(std::string_view backup,
                                                 std::stop_token stop = {});
  // Log (a failure of that alone is passed over and returned in *log_problem), contents, the
  // companions, and last velero-backup.json. If any fails, all but the log is removed again, and
  // the first error is returned.
  Status put_backup(const BackupDocuments& documents,
                    Status* log_problem = nullptr,
                    const std::stop_token& stop = {});
  // Removes what an unfinished writer has left of a backup; AlreadyExists if the backup is
  // complete.
  Status remove_unfinished(std::string_view backup, const std::stop_token& stop = {});
  // Of a backup that failed: all that is kept of it.
  Status put_backup_log(std::string_view backup, int fd, std::stop_token stop = {});
  // Later changes of a finished upload.
  Status put_metadata(const model::Backup& backup, std::stop_token stop = {});
  Status put_item_operations(std::string_view backup,
                             const std::vector<model::BackupOperation>& list,
                             std::stop_token stop = {});
  Status put_volume_infos(std::string_view backup,
                          const std::vector<model::BackupVolumeInfo>& list,
                          std::stop_token stop = {});
  Status put_volume_snapshots(std::string_view backup,
                              const std::vector<model::NativeSnapshot>& list,
                              std::stop_token stop = {});
  Status put_contents(std::string_view backup, int fd, std::stop_token stop = {});
  Status put_archive_index(std::string_view backup, int fd, std::stop_token stop = {});

  // ---- Reading a backup. NotFound names the backup and the document.
  Result<model::Backup> get_metadata(std::string_view backup, std::stop_token stop = {});
  Result<std::vector<model::PodVolumeBackup>> get_pod_volume_backups(std::string_view backup,
                                                                     std::stop_token stop = {});
  Result<std::vector<model::NativeSnapshot>> get_volume_snapshots(std::string_view backup,
                                                                  std::stop_token stop = {});
  Result<std::vector<model::BackupOperation>> get_item_operations(std::string_view backup,
                                                                  std::stop_token stop = {});
  Result<model::ResourceList> get_resource_list(std::string_view backup, std::stop_token stop = {});
  Result<model::Results> get_results(std::string_view backup, std::stop_token stop = {});
  // Absent in backups of Velero before 1.14: NotFound.
  Result<std::vector<model::BackupVolumeInfo>> get_volume_infos(std::string_view backup,
                                                                std::stop_token stop = {});
  Result<std::vector<Json>> get_csi_volume_snapshots(std::string_view backup,
                                                     std::stop_token stop = {});
  Result<std::vector<Json>> get_csi_volume_snapshot_contents(std::string_view backup,
                                                             std::stop_token stop = {});
  // The log, unpacked.
  Result<Bytes> get_log(std::string_view backup, std::stop_token stop = {});
  Result<std::unique_ptr<ObjectReader>> open_contents(std::string_view backup,
                                                      std::stop_token stop = {});
  Status download_contents(std::string_view backup, int fd, std::stop_token stop = {});
  // Only in Lateen's backups: NotFound in others.
  Result<Bytes> get_coverage(std::string_view backup, std::stop_token stop = {});
  Result<Bytes> get_archive_index(std::string_view backup, std::stop_token stop = {});
  Result<Bytes> get_contents_range(std::string_view backup,
                                   ByteCount offset,
                                   ByteCount length,
                                   std::stop_token stop = {});

  // velero-backup.json first, then every other key of its directory: a half-deleted backup is none.
  Status delete_backup(std::string_view backup, const std::stop_token& stop = {});

  // ---- Restores.
  Status put_restore_log(std::string_view restore, int fd, std::stop_token stop = {});
  Status put_restore_results(std::string_view restore,
                             const model::Results& results,
                             std::stop_token stop = {});
  Status put_restore_resource_list(std::string_view restore,
                                   const model::ResourceList& list,
                                   std::stop_token stop = {});
  Status put_restore_item_operations(std::string_view restore,
                                     const std::vector<model::RestoreOperation>& list,
                                     std::stop_token stop = {});
  Status put_restore_volume_infos(std::string_view restore,
                                  const std::vector<model::RestoreVolumeInfo>& list,
                                  std::stop_token stop = {});
  Result<model::Results> get_restore_results(std::string_view restore, std::stop_token stop = {});
  Result<model::ResourceList> get_restore_resource_list(std::string_view restore,
                                                        std::stop_token stop = {});
  Result<std::vector<model::RestoreOperation>> get_restore_item_operations(
      std::string_view restore, std::stop_token stop = {});
  Result<std::vector<model::RestoreVolumeInfo>> get_restore_volume_infos(std::string_view restore,
                                                                         std::stop_token stop = {});
  Result<Bytes> get_restore_log(std::string_view restore, std::stop_token stop = {});
  // What a restore has still to see to, as JSON; removed when it has.
  Status put_restore_pending(std::string_view restore, BytesView json, std::stop_token stop = {});
  Result<Bytes> get_restore_pending(std::string_view restore, std::stop_token stop = {});
  Status remove_restore_pending(std::string_view restore, std::stop_token stop = {});
  Status delete_restore(std::string_view restore, const std::stop_token& stop = {});

  // A URL for a DownloadRequest. Unsupported on a directory: the server makes one of its own
  // (signed_path.h).
  Result<std::string> download_url(model::DownloadTargetKind kind,
                                   std::string_view name,
                                   Duration ttl,
                                   std::stop_token stop = {});

 private:
  Status refuse_existing(std::string_view backup, std::stop_token stop);
  Status put_companions(const BackupDocuments& documents, std::stop_token stop);
  Status remove_parts(std::string_view backup);
  Status put_gzip(std::string_view key, BytesView document, std::stop_token stop);
  Result<Bytes> get_gzip(std::string_view key, std::stop_token stop);
  template <typename T>
  Result<T> get_document(const std::string& key,
                         Result<T> (*read)(BytesView),
                         std::stop_token stop);

  std::unique_ptr<ObjectStore> store_;
  Layout layout_;
};

}  // namespace lateen::objects
