// An opened kopia repository: what its methods share.
#pragma once

#include <memory>
#include <optional>

#include "repository/engine/content_writer.h"
#include "repository/engine/damage.h"
#include "repository/engine/live_set.h"
#include "repository/kopia/content_format.h"
#include "repository/kopia/index_blob.h"
#include "repository/kopia/index_store.h"
#include "repository/kopia/kopia.h"
#include "repository/kopia/manifests.h"
#include "repository/kopia/pack_session.h"
#include "repository/kopia/schedule.h"
#include "repository/kopia/tree_format.h"

namespace lateen::repository::kopia {

// Not thread-safe but for trees() and reader(), which live until the index is read again.
class Opened final : public KopiaRepository {
 public:
  struct Parts {
    std::unique_ptr<objects::ObjectStore> store;
    FormatBlob blob;
    Bytes blob_bytes;  // kopia.repository as it lies there
    Secret format_key;
    FormatParameters parameters;
    std::unique_ptr<UnitCipher> cipher;
  };

  Opened(Parts parts, const RepositoryAccess& access);
  ~Opened() override;

  // Reads the index, again if there is one already. What of it is damaged stays out of it.
  Status load(std::stop_token stop, std::optional<IndexListing> made = {});

  RepositoryFormat format() const override { return RepositoryFormat::Kopia; }

  std::string id() const override;
  std::map<std::string, std::string> parameters() const override;

  const TreeFormat& trees() const override { return *trees_; }

  ContentReader& reader() override { return *reader_; }

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
  Result<MaintenanceReport> maintain(const MaintenanceRequest& request,
                                     Progress& progress,
                                     std::stop_token stop) override;
  std::vector<Problem> damaged_indexes() const override;
  Status set_policy(const Source& source, const Json& policy, std::stop_token stop) override;
  Status change_password(const Secret& password, std::stop_token stop) override;
  Status set_full_interval(Duration interval, std::stop_token stop) override;
  Result<std::string> maintenance_owner(std::stop_token stop) override;

  // The manifests that every repository gets when it is created.
  Status write_first_manifests(const CreateOptions& options, std::stop_token stop);

 private:
  // One change of the repository: a session with its writer.
  struct Writing {
    std::unique_ptr<KopiaPackSession> session;
    std::unique_ptr<ContentWriter> writer;
  };

  struct LoadedSnapshots {
    std::vector<Snapshot> snapshots = {};
    std::vector<Error> damaged = {};
  };

  // The index as it is now, if what was read may be out of date.
  Status refresh(std::stop_token stop);
  // For what changes the repository: Unsupported or Corrupt where that must not be.
  Status ensure_writable(std::stop_token stop);
  Result<ManifestSet*> manifests(std::stop_token stop);
  Result<LoadedSnapshots> load_snapshots(std::stop_token stop);

  Writing begin_writing(const ContentWriterOptions& options);
  // Manifests last, all in one index; then the session is over.
  Status finish_writing(Writing& writing, std::stop_token stop);

  // A backup that is going on, for its checkpoints (checkpoint.cc).
  struct Running {
    Writing& writing;
    Snapshot snapshot = {};  // as it began
    Labels labels = {};
    std::string checkpoint = {};  // the last one's manifest
  };

  // The snapshots of a source that did not come to their end after its last whole one (which is the
  // parent, if there is one), newest first.
  Result<std::vector<StoredEntry>> unfinished_of(const Source& source,
                                                 const std::optional<Snapshot>& parent,
                                                 std::stop_token stop);
  Status write_checkpoint(Running& running, const UploadResult& so_far, std::stop_token stop);
  // What a whole snapshot makes superfluous.
  Status remove_unfinished(const Source& source, TimePoint until, std::stop_token stop);

  Result<Codec> codec_for(const BackupRequest& request, const Source& source, std::stop_token stop);
  Result<std::optional<Snapshot>> find_parent(const BackupRequest& request,
                                              const Source& source,
                                              std::stop_token stop);
  Result<std::vector<ListedPack>> list_packs(std::stop_token stop);
  Status name_damaged_files(const ContentSet& damaged, Progress& progress, std::stop_token stop);
  Status check_settings(Progress& progress, std::stop_token stop);

  // What a pack says of itself.
  Result<IndexBlob> local_index(const ListedPack& pack, std::stop_token stop);
  // Of contents that no pack has any more.
  Result<std::vector<ContentEntry>> salvage_pack(const std::string& pack,
                                                 ContentWriter& writer,
                                                 RepairReport& report,
                                                 std::stop_token stop);
  // Numbers of packs that the index names and the store has.
  Result<std::vector<bool>> present_packs(std::stop_token stop);
  Result<std::uint64_t> drop_entries(const std::function<bool(const ContentEntry&)>& lost,
                                     std::stop_token stop);
  Status drop_gone(RepairReport& report, Progress& progress, std::stop_token stop);
  Status name_lost(const ContentSet& lost,
                   RepairReport& report,
                   Progress& progress,
                   std::stop_token stop);

  friend class Maintenance;  // maintenance.h: as large a matter as all the rest

  const std::unique_ptr<objects::ObjectStore> store_;
  FormatBlob blob_;  // these three change with the password
  Bytes blob_bytes_;
  Secret format_key_;
  const FormatParameters parameters_;
  const std::unique_ptr<UnitCipher> cipher_;
  const RepositoryAccess access_;
  const KopiaContentFormat contents_;
  IndexStore indexes_;

  IndexState state_;
  // A change began and has not ended well: what it added to the index may be nowhere.
  bool dirty_ = false;
  std::vector<DamagedIndex> index_damage_;
  std::unique_ptr<ContentIndex> index_;
  std::unique_ptr<KopiaTreeFormat> trees_;
  std::unique_ptr<ContentReader> reader_;
  std::optional<ManifestSet> manifests_;
  std::vector<Error> manifest_damage_;
};

}  // namespace lateen::repository::kopia
