// Where everything lies in a bucket: Velero's keys, and only here.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/requests.h"

namespace lateen::objects {

// The directories that a location may have at its top; any other makes it Unavailable.
inline constexpr std::array<std::string_view, 6> kTopLevelDirectories = {
    "backups", "restores", "restic", "metadata", "plugins", "kopia"};

// Keys below the optional prefix of a location. Immutable.
class Layout {
 public:
  // Slashes around the prefix are cut off.
  explicit Layout(std::string_view prefix = {});

  // "" or "prefix/": what every key starts with.
  const std::string& root() const { return root_; }

  std::string backups_dir() const;                           // backups/
  std::string restores_dir() const;                          // restores/
  std::string backup_dir(std::string_view backup) const;     // backups/B/
  std::string restore_dir(std::string_view restore) const;   // restores/R/
  std::string kopia_dir(std::string_view volume_ns) const;   // kopia/<ns>/
  std::string restic_dir(std::string_view volume_ns) const;  // restic/<ns>/

  std::string backup_metadata(std::string_view backup) const;  // velero-backup.json
  std::string backup_contents(std::string_view backup) const;  // B.tar.gz
  std::string backup_log(std::string_view backup) const;
  std::string backup_results(std::string_view backup) const;
  std::string backup_resource_list(std::string_view backup) const;
  std::string backup_volume_snapshots(std::string_view backup) const;
  std::string backup_pod_volume_backups(std::string_view backup) const;
  std::string backup_item_operations(std::string_view backup) const;
  std::string backup_volume_info(std::string_view backup) const;
  // Written by Velero up to 1.16.
  std::string backup_csi_volume_snapshots(std::string_view backup) const;
  std::string backup_csi_volume_snapshot_contents(std::string_view backup) const;
  std::string backup_csi_volume_snapshot_classes(std::string_view backup) const;
  // Lateen's own: item → member, offset, digest (archive/). Velero passes over it.
  std::string backup_archive_index(std::string_view backup) const;
  // Lateen's own: what the backup does not hold (docs/formats/coverage.md).
  std::string backup_coverage(std::string_view backup) const;

  // Lateen's own: the digests of all the others, signed (docs/formats/manifest.md).
  std::string backup_manifest(std::string_view backup) const;

  // Lateen's own, where it is asked for: the objects once more, to be looked at with other tools
  // (docs/reference/browse-layout.md). `name` is "resource-list/configmaps.tar.gz" and the like.
  std::string backup_browse_file(std::string_view backup, std::string_view name) const;

  std::string restore_log(std::string_view restore) const;
  std::string restore_results(std::string_view restore) const;
  std::string restore_resource_list(std::string_view restore) const;
  std::string restore_item_operations(std::string_view restore) const;
  std::string restore_volume_info(std::string_view restore) const;
  // Lateen's own, while a restore is finalized: what is still to be seen to.
  std::string restore_pending(std::string_view restore) const;

  // Lateen's own: what a restore drill has found. `ending` is "json" or "html".
  std::string drill_evidence(std::string_view drill,
                             std::string_view run,
                             std::string_view ending) const;

  // Where what a DownloadRequest asks for lies. InvalidArgument for a kind that is none.
  Result<std::string> download_target(model::DownloadTargetKind kind, std::string_view name) const;

 private:
  std::string in_backup(std::string_view backup, std::string_view suffix) const;
  std::string in_restore(std::string_view restore, std::string_view suffix) const;

  std::string root_;
};

}  // namespace lateen::objects
