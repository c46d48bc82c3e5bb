#include "objects/backup_store.h"

#include <algorithm>

#include <unistd.h>

#include "base/file.h"
#include "base/gzip.h"
#include "base/text.h"
#include "base/thread.h"

namespace lateen::objects {
namespace {

// Unpacked, for a document: 64 times what any real one has. A bomb must not be our end.
constexpr ByteCount kMaxUnpacked = 2_GiB;

// The companions are small and independent: what counts is the number of round trips after each
// other.
constexpr std::size_t kWriters = 4;

// A descriptor is read where it stands; files handed to us were just written.
Status rewind(int fd) {
  if (lseek(fd, 0, SEEK_SET) < 0) return errno_error(errno, "rewinding a temporary file");
  return {};
}

// Packs a document as it is made, in members: what is in memory is what it packs to. Not
// thread-safe.
class GzipSink final : public ByteSink {
 public:
  Status write(BytesView bytes) override {
    pending_ += bytes;
    if (pending_.size() >= kMember) flush();
    return {};
  }

  Bytes finish() {
    if (!pending_.empty() || packed_.empty()) flush();
    return std::move(packed_);
  }

 private:
  static constexpr ByteCount kMember = 256_KiB;

  void flush() {
    packed_ += compressor_.member(pending_);
    pending_.clear();
  }

  GzipCompressor compressor_;
  Bytes pending_;
  Bytes packed_;
};

Status upload_whole_file(ObjectStore& store, std::string_view key, int fd, std::stop_token stop) {
  TRY(rewind(fd));
  return upload_file(store, key, fd, std::move(stop));
}

}  // namespace

BackupStore::BackupStore(std::unique_ptr<ObjectStore> store, std::string_view prefix)
    : store_(std::move(store)), layout_(prefix) {}

Status BackupStore::is_valid(std::stop_token stop) {
  const std::vector<std::string> found =
      TRY(store_->list_prefixes(layout_.root(), std::move(stop)));
  std::vector<std::string> invalid;
  for (const std::string& prefix : found) {
    std::string name = prefix.substr(layout_.root().size());
    name.pop_back();
    if (std::ranges::find(kTopLevelDirectories, name) == kTopLevelDirectories.end())
      invalid.push_back(std::move(name));
  }
  if (invalid.empty()) return {};
  // Go prints a list of strings with blanks between them.
  return Error(Code::InvalidArgument, "Backup store contains invalid top-level directories: [{}]",
               join(invalid, " "));
}

Result<std::vector<std::string>> BackupStore::list_backups(std::stop_token stop) {
  const std::string root = layout_.backups_dir();
  const std::vector<std::string> prefixes = TRY(store_->list_prefixes(root, std::move(stop)));
  std::vector<std::string> names;
  names.reserve(prefixes.size());
  for (const std::string& prefix : prefixes) {
    names.push_back(prefix.substr(root.size(), prefix.size() - root.size() - 1));
  }
  std::ranges::sort(names);
  return names;
}

Result<bool> BackupStore::backup_exists(std::string_view backup, std::stop_token stop) {
  return object_exists(*store_, layout_.backup_metadata(backup), std::move(stop));
}

// ---- Writing

Status BackupStore::put_gzip(std::string_view key, BytesView document, std::stop_token stop) {
  return store_->put(key, gzip_member(document), std::move(stop));
}

Result<std::unique_ptr<Upload>> BackupStore::begin_contents(std::string_view backup,
                                                            std::stop_token stop) {
  return store_->begin_upload(layout_.backup_contents(backup), std::move(stop));
}

Status BackupStore::refuse_existing(std::string_view backup, std::stop_token stop) {
  if (!TRY(backup_exists(backup, std::move(stop)))) return {};
  return Error(Code::AlreadyExists, "backup already exists in object storage")
      .with_hint(fmt::format("Choose another name, or delete backup {} first.", backup));
}

Status BackupStore::put_backup(const BackupDocuments& documents,
                               Status* log_problem,
                               const std::stop_token& stop) {
  const std::string& name = documents.backup.metadata.name;
  TRY(refuse_existing(name, stop));
  if (documents.log_fd) {
    Status logged = upload_whole_file(*store_, layout_.backup_log(name), *documents.log_fd, stop);
    if (log_problem != nullptr) *log_problem = std::move(logged);
  }
  Status written = put_companions(documents, stop);
  if (written) written = put_metadata(documents.backup, stop);
  if (written) return {};
  // Also when told to stop: what is left behind would look like a backup in the making for ever.
  const Status removed = remove_parts(name);
  if (!removed) {
    return std::move(written.error())
        .with_hint(fmt::format("Parts of backup {} are left in the bucket: {}.", name,
                               removed.error().message()));
  }
  return written;
}

Status BackupStore::put_companions(const BackupDocuments& documents, std::stop_token stop) {
  const std::string& name = documents.backup.metadata.name;
  if (documents.contents_fd) {
    TRY(upload_whole_file(*store_, layout_.backup_contents(name), *documents.contents_fd, stop));
  }
  const std::pair<std::string, Bytes> companions[] = {
      {layout_.backup_pod_volume_backups(name),
       model::write_pod_volume_backups(documents.pod_volume_backups)},
      {layout_.backup_volume_snapshots(name),
       model::write_native_snapshots(documents.volume_snapshots)},
      {layout_.backup_item_operations(name),
       model::write_backup_operations(documents.item_operations)},
      {layout_.backup_results(name), model::write_results(documents.results)},
      {layout_.backup_volume_info(name), model::write_backup_volume_infos(documents.volume_infos)},
  };
  const auto put_one = [&](std::size_t i, std::stop_token inner) {
    return put_gzip(companions[i].first, companions[i].second, std::move(inner));
  };
  TRY(parallel_for(std::size(companions), kWriters, put_one, stop));
  GzipSink names;
  TRY(documents.names.write(names));
  TRY(store_->put(layout_.backup_resource_list(name), names.finish(), stop));
  if (!documents.coverage.empty())
    TRY(put_gzip(layout_.backup_coverage(name), documents.coverage, stop));
  if (!documents.archive_index_fd) return {};
  return put_archive_index(name, *documents.archive_index_fd, std::move(stop));
}

// All but the log, which tells what went wrong.
Status BackupStore::remove_parts(std::string_view backup) {
  TRY(store_->remove(layout_.backup_metadata(backup)));
  const std::string log = layout_.backup_log(backup);
  return for_each_object(*store_, layout_.backup_dir(backup), [&](const ObjectInfo& object) {
    return object.key == log ? Status() : store_->remove(object.key);
  });
}

Status BackupStore::remove_unfinished(std::string_view backup, const std::stop_token& stop) {
  TRY(refuse_existing(backup, stop));
  return remove_all(*store_, layout_.backup_dir(backup), stop);
}

Status BackupStore::put_backup_log(std::string_view backup, int fd, std::stop_token stop) {
  return upload_whole_file(*store_, layout_.backup_log(backup), fd, std::move(stop));
}

Status BackupStore::put_metadata(const model::Backup& backup, std::stop_token stop) {
  return store_->put(layout_.backup_metadata(backup.metadata.name), model::write_backup(backup),
                     std::move(stop));
}

Status BackupStore::put_item_operations(std::string_view backup,
                                        const std::vector<model::BackupOperation>& list,
                                        std::stop_token stop) {
  return put_gzip(layout_.backup_item_operations(backup), model::write_backup_operations(list),
                  std::move(stop));
}

Status BackupStore::put_volume_snapshots(std::string_view backup,
                                         const std::vector<model::NativeSnapshot>& list,
                                         std::stop_token stop) {
  return put_gzip(layout_.backup_volume_snapshots(backup), model::write_native_snapshots(list),
                  std::move(stop));
}

Status BackupStore::put_volume_infos(std::string_view backup,
                                     const std::vector<model::BackupVolumeInfo>& list,
                                     std::stop_token stop) {
  return put_gzip(layout_.backup_volume_info(backup), model::write_backup_volume_infos(list),
                  std::move(stop));
}

Status BackupStore::put_contents(std::string_view backup, int fd, std::stop_token stop) {
  return upload_whole_file(*store_, layout_.backup_contents(backup), fd, std::move(stop));
}

Status BackupStore::put_archive_index(std::string_view backup, int fd, std::stop_token stop) {
  return upload_whole_file(*store_, layout_.backup_archive_index(backup), fd, std::move(stop));
}

// ---- Reading

Result<Bytes> BackupStore::get_gzip(std::string_view key, std::stop_token stop) {
  const Bytes packed = TRY(store_->get(key, kMaxDocument, std::move(stop)));
  return gunzip(packed, kMaxUnpacked).wrap("reading {}", key);
}

template <typename T>
Result<T> BackupStore::get_document(const std::string& key,
                                    Result<T> (*read)(BytesView),
                                    std::stop_token stop) {
  const Bytes text = TRY(get_gzip(key, std::move(stop)));
  return read(text).wrap("reading {}", key);
}

Result<model::Backup> BackupStore::get_metadata(std::string_view backup, std::stop_token stop) {
  const std::string key = layout_.backup_metadata(backup);
  const Bytes text = TRY(store_->get(key, kMaxDocument, std::move(stop)));
  return model::read_backup(text).wrap("reading {}", key);
}

Result<std::vector<model::PodVolumeBackup>> BackupStore::get_pod_volume_backups(
    std::string_view backup, std::stop_token stop) {
  return get_document(layout_.backup_pod_volume_backups(backup), model::read_pod_volume_backups,
                      std::move(stop));
}

Result<std::vector<model::NativeSnapshot>> BackupStore::get_volume_snapshots(
    std::string_view backup, std::stop_token stop) {
  return get_document(layout_.backup_volume_snapshots(backup), model::read_native_snapshots,
                      std::move(stop));
}

Result<std::vector<model::BackupOperation>> BackupStore::get_item_operations(
    std::string_view backup, std::stop_token stop) {
  return get_document(layout_.backup_item_operations(backup), model::read_backup_operations,
                      std::move(stop));
}

Result<model::ResourceList> BackupStore::get_resource_list(std::string_view backup,
                                                           std::stop_token stop) {
  return get_document(layout_.backup_resource_list(backup), model::read_resource_list,
                      std::move(stop));
}

Result<model::Results> BackupStore::get_results(std::string_view backup, std::stop_token stop) {
  return get_document(layout_.backup_results(backup), model::read_results, std::move(stop));
}

Result<std::vector<model::BackupVolumeInfo>> BackupStore::get_volume_infos(std::string_view backup,
                                                                           std::stop_token stop) {
  return get_document(layout_.backup_volume_info(backup), model::read_backup_volume_infos,
                      std::move(stop));
}

Result<std::vector<Json>> BackupStore::get_csi_volume_snapshots(std::string_view backup,
                                                                std::stop_token stop) {
  return get_document(layout_.backup_csi_volume_snapshots(backup), model::read_objects,
                      std::move(stop));
}

Result<std::vector<Json>> BackupStore::get_csi_volume_snapshot_contents(std::string_view backup,
                                                                        std::stop_token stop) {
  return get_document(layout_.backup_csi_volume_snapshot_contents(backup), model::read_objects,
                      std::move(stop));
}

Result<Bytes> BackupStore::get_log(std::string_view backup, std::stop_token stop) {
  return get_gzip(layout_.backup_log(backup), std::move(stop));
}

Result<std::unique_ptr<ObjectReader>> BackupStore::open_contents(std::string_view backup,
                                                                 std::stop_token stop) {
  return store_->open_read(layout_.backup_contents(backup), std::move(stop));
}

Status BackupStore::download_contents(std::string_view backup, int fd, std::stop_token stop) {
  return download_to_file(*store_, layout_.backup_contents(backup), fd, std::move(stop));
}

Result<Bytes> BackupStore::get_coverage(std::string_view backup, std::stop_token stop) {
  return get_gzip(layout_.backup_coverage(backup), std::move(stop));
}

Result<Bytes> BackupStore::get_archive_index(std::string_view backup, std::stop_token stop) {
  return store_->get(layout_.backup_archive_index(backup), kMaxDocument, std::move(stop));
}

Result<Bytes> BackupStore::get_contents_range(std::string_view backup,
                                              ByteCount offset,
                                              ByteCount length,
                                              std::stop_token stop) {
  return store_->get_range(layout_.backup_contents(backup), offset, length, std::move(stop));
}

Status BackupStore::delete_backup(std::string_view backup, const std::stop_token& stop) {
  TRY(check_key(backup));
  TRY(store_->remove(layout_.backup_metadata(backup), stop));
  return remove_all(*store_, layout_.backup_dir(backup), stop);
}

// ---- Restores

Status BackupStore::put_restore_log(std::string_view restore, int fd, std::stop_token stop) {
  return upload_whole_file(*store_, layout_.restore_log(restore), fd, std::move(stop));
}

Status BackupStore::put_restore_results(std::string_view restore,
                                        const model::Results& results,
                                        std::stop_token stop) {
  return put_gzip(layout_.restore_results(restore), model::write_results(results), std::move(stop));
}

Status BackupStore::put_restore_pending(std::string_view restore,
                                        BytesView json,
                                        std::stop_token stop) {
  return put_gzip(layout_.restore_pending(restore), json, std::move(stop));
}

Result<Bytes> BackupStore::get_restore_pending(std::string_view restore, std::stop_token stop) {
  return get_gzip(layout_.restore_pending(restore), std::move(stop));
}

Status BackupStore::remove_restore_pending(std::string_view restore, std::stop_token stop) {
  return store_->remove(layout_.restore_pending(restore), std::move(stop));
}

Status BackupStore::put_restore_resource_list(std::string_view restore,
                                              const model::ResourceList& list,
                                              std::stop_token stop) {
  return put_gzip(layout_.restore_resource_list(restore), model::write_resource_list(list),
                  std::move(stop));
}

Status BackupStore::put_restore_item_operations(std::string_view restore,
                                                const std::vector<model::RestoreOperation>& list,
                                                std::stop_token stop) {
  return put_gzip(layout_.restore_item_operations(restore), model::write_restore_operations(list),
                  std::move(stop));
}

Status BackupStore::put_restore_volume_infos(std::string_view restore,
                                             const std::vector<model::RestoreVolumeInfo>& list,
                                             std::stop_token stop) {
  return put_gzip(layout_.restore_volume_info(restore), model::write_restore_volume_infos(list),
                  std::move(stop));
}

Result<model::Results> BackupStore::get_restore_results(std::string_view restore,
                                                        std::stop_token stop) {
  return get_document(layout_.restore_results(restore), model::read_results, std::move(stop));
}

Result<model::ResourceList> BackupStore::get_restore_resource_list(std::string_view restore,
                                                                   std::stop_token stop) {
  return get_document(layout_.restore_resource_list(restore), model::read_resource_list,
                      std::move(stop));
}

Result<std::vector<model::RestoreOperation>> BackupStore::get_restore_item_operations(
    std::string_view restore, std::stop_token stop) {
  return get_document(layout_.restore_item_operations(restore), model::read_restore_operations,
                      std::move(stop));
}

Result<std::vector<model::RestoreVolumeInfo>> BackupStore::get_restore_volume_infos(
    std::string_view restore, std::stop_token stop) {
  return get_document(layout_.restore_volume_info(restore), model::read_restore_volume_infos,
                      std::move(stop));
}

Result<Bytes> BackupStore::get_restore_log(std::string_view restore, std::stop_token stop) {
  return get_gzip(layout_.restore_log(restore), std::move(stop));
}

Status BackupStore::delete_restore(std::string_view restore, const std::stop_token& stop) {
  TRY(check_key(restore));
  return remove_all(*store_, layout_.restore_dir(restore), stop);
}

Result<std::string> BackupStore::download_url(model::DownloadTargetKind kind,
                                              std::string_view name,
                                              Duration ttl,
                                              std::stop_token stop) {
  const std::string key = TRY(layout_.download_target(kind, name));
  return store_->signed_url(key, ttl, std::move(stop));
}

}  // namespace lateen::objects
