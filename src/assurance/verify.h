// Whether a backup in its bucket is what it was when it was made, and can be read: files against
// the signed manifest, the tarball to its last byte, its index, the documents. What needs the
// cluster (snapshots, repositories) is server/snapshot_check.h. docs/how-to/verify.md.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "assurance/manifest.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "model/phases.h"
#include "objects/backup_store.h"

namespace lateen::assurance {

enum class FindingLevel {
  Note,     // could not be checked, and why; nothing is known to be wrong
  Problem,  // wrong: a restore would miss something, or somebody changed the backup
};

struct Finding {
  std::string id = {};  // stable: "object-changed"; docs/how-to/verify.md has them all
  FindingLevel level = FindingLevel::Problem;
  std::string object = {};  // a file of the backup, a volume, another backup
  std::string message = {};

  bool operator==(const Finding&) const = default;
};

// Whose word the manifest is.
enum class ManifestState { None, Trusted, Untrusted, Broken };

std::string_view to_string(ManifestState state);

struct BackupVerdict {
  std::string backup = {};
  std::string location = {};  // of storage; filled by who knows it
  std::string phase = {};
  ManifestState manifest = ManifestState::None;
  std::string key_id = {};
  std::size_t files = 0;      // read, each to its end
  ByteCount bytes = 0;        // of them
  std::size_t items = 0;      // Kubernetes objects in the tarball
  std::size_t snapshots = 0;  // that are there
  bool data_read = false;     // every byte of volumes' files in repositories
  std::vector<Finding> findings = {};

  bool has_problem() const;
  void problem(std::string_view id, std::string_view object, std::string message);
  void note(std::string_view id, std::string_view object, std::string message);
};

Json verdict_json(const BackupVerdict& verdict);

struct VerifyOptions {
  TrustedKeys trusted = {};
  // What this cluster's ledger says of the backup, if it does.
  std::optional<SignedBackup> signed_backup = {};
};

// Files, tarball, index and documents. An Error only when the bucket cannot be asked; what is wrong
// with the backup is in the verdict. Needs room for the tarball in the system's temporary folder.
Result<BackupVerdict> verify_files(objects::BackupStore& store,
                                   std::string_view backup,
                                   const VerifyOptions& options,
                                   const std::stop_token& stop);

// Backups that were signed and are not in the bucket any more, by this cluster's ledger. With no
// ledger (another cluster's bucket) by the newest trusted manifest: those may have been deleted by
// their own cluster since, and are notes unless that cannot be.
std::vector<Finding> find_removed(const SignedBackups& ledger,
                                  const std::vector<Manifest>& manifests,
                                  const std::vector<std::string>& present,
                                  TimePoint now);

// Whether a backup is in part `n` of `t` of all (from 1): by its name, so that it stays there.
bool in_part(std::string_view backup, std::size_t n, std::size_t t);

}  // namespace lateen::assurance
