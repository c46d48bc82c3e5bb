// An opened restic repository: what its methods share.
#pragma once

#include <memory>
#include <optional>

#include "repository/engine/live_set.h"
#include "repository/restic/content_format.h"
#include "repository/restic/index_loader.h"
#include "repository/restic/restic.h"
#include "repository/restic/tree_format.h"

namespace lateen::repository::restic {

// Not thread-safe but for trees() and reader().
class Opened final : public ResticRepository {
 public:
  struct Parts {
    std::unique_ptr<objects::ObjectStore> store;
    Config config;
    Id key_id;
    MasterKey master;
    std::unique_ptr<Chunker> chunker;
    ByteCount pack_size;
    ScryptCost new_key_cost;
    Duration lock_settle;
  };

  Opened(Parts parts, const RepositoryAccess& access);
  ~Opened() override;

  Status ensure_index(std::stop_token stop) override;
  Status ensure_some_index(std::vector<Error>& problems, std::stop_token stop) override;

  RepositoryFormat format() const override { return RepositoryFormat::Restic; }

  std::string id() const override { return config_.id; }

  std::map<std::string, std::string> parameters() const override;

  const TreeFormat& trees() const override { return trees_; }

  ContentReader& reader() override;

  Result<std::vector<Snapshot>> snapshots(std::stop_token stop) override;
  Result<std::vector<Snapshot>> readable_snapshots(std::vector<Error>& problems,
                                                   std::stop_token stop) override;
  Result<BackupReport> backup(const BackupRequest& request,
                              Progress& progress,
                              std::stop_token stop) override;
  Result<CopyReport> copy_snapshot(const CopyRequest& request,
                                   Progress& progress,
                                   std::stop_token stop) override;
  Status forget(std::span<const std::string> snapshot_ids, std::stop_token stop) override;
  Result<CheckReport> check(const CheckRequest& request,
                            Progress& progress,
                            std::stop_token stop) override;
  Result<PruneReport> prune(const PruneRequest& request,
                            Progress& progress,
                            std::stop_token stop) override;
  Result<RepairReport> repair_index(Progress& progress, std::stop_token stop) override;
  Result<RepairReport> repair_packs(std::span<const std::string> packs,
                                    Progress& progress,
                                    std::stop_token stop) override;
  Result<RepairReport> repair_snapshots(bool forget_lost,
                                        Progress& progress,
                                        std::stop_token stop) override;

  Status lock(LockMode mode, std::stop_token stop) override;
  Status settle_lock(std::stop_token stop) override;
  Result<std::size_t> remove_locks(bool all, std::stop_token stop) override;
  Result<std::vector<KeyInfo>> keys(std::vector<Error>& problems, std::stop_token stop) override;
  Result<std::string> add_key(const Secret& password,
                              const KeyOwner& owner,
                              std::stop_token stop) override;
  Status remove_key(std::string_view id, std::stop_token stop) override;
  Result<std::string> change_password(const Secret& password, std::stop_token stop) override;
  Result<std::size_t> remove_password(const Secret& password, std::stop_token stop) override;
  Result<std::string> retag(std::string_view snapshot_id,
                            std::vector<std::string> tags,
                            std::stop_token stop) override;
  Result<Bytes> document(FileType type, const Id& id, std::stop_token stop) override;
  Result<std::vector<ListedFile>> list(FileType type, std::stop_token stop) override;
  std::string config_json() const override;
  std::string master_key_json() const override;

 private:
  struct NamedSnapshot {
    Id id = {};
    SnapshotFile file = {};
  };

  // May be called before anything that others could be harmed by.
  Status still_locked() const;
  // Oldest first. With `problems`, those that cannot be read are there; without, they are the
  // error.
  Result<std::vector<NamedSnapshot>> load_snapshots(std::vector<Error>* problems,
                                                    const std::stop_token& stop);
  Result<std::optional<NamedSnapshot>> find_parent(const BackupRequest& request,
                                                   TimePoint time,
                                                   const std::stop_token& stop);
  // Whether what the index was read from is still there.
  Status index_still_there(const std::stop_token& stop) const;
  Result<std::string> save_snapshot(const SnapshotFile& snapshot, std::stop_token stop);
  SnapshotFile new_snapshot(const BackupRequest& request, TimePoint time) const;
  ContentWriterOptions writer_options(const BackupRequest& request) const;
  std::vector<LiveRoot> live_roots(const std::vector<NamedSnapshot>& snapshots) const;
  FilePath index_cache_dir() const;
  Status reload_index(const IndexLoadOptions& options, const std::stop_token& stop);
  Result<std::vector<Id>> unreadable_snapshots(std::span<const NamedSnapshot> readable,
                                               const std::stop_token& stop);
  // Index files that name one of these packs, or cannot be read, are replaced by ones that do not.
  // Never leaves a moment at which another pack is in no index.
  Status drop_from_index(const std::set<Id>& packs, std::stop_token stop);
  Status copy_live(const std::set<Id>& from,
                   const std::set<Id>& leaving,
                   const LiveSet& live,
                   Progress& progress,
                   std::stop_token stop);

  const std::unique_ptr<objects::ObjectStore> store_;
  const RepositoryAccess access_;
  const Config config_;
  const Id key_id_;
  const MasterKey master_;
  const ScryptCost new_key_cost_;
  const Duration lock_settle_;
  const Files files_;
  const ResticContentFormat format_;
  ResticTreeFormat trees_;
  std::unique_ptr<objects::ObjectStore> tree_cache_;  // where the store is far away
  LoadedIndex index_;                                 // empty until ensure_index
  std::unique_ptr<ContentReader> reader_;             // the same
  std::unique_ptr<HeldLock> lock_;                    // last: released before what it uses
};

// As the neutral interface shows a snapshot.
Snapshot to_snapshot(const Id& id, const SnapshotFile& file);

}  // namespace lateen::repository::restic
