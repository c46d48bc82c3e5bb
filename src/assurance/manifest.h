// What a backup's folder in the bucket held when the backup was complete: every object with its
// size and digest, signed, and chained to the backups before it (docs/formats/manifest.md). With it
// removal and change are noticed, also by someone who can write to the bucket.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "assurance/signed_document.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "model/backup.h"
#include "objects/backup_store.h"

namespace lateen::assurance {

struct ManifestObject {
  std::string name = {};  // below the backup's folder
  ByteCount size = 0;
  std::string sha256 = {};

  bool operator==(const ManifestObject&) const = default;
};

// Another backup of the location, as it was signed.
struct SignedBackup {
  std::string sha256 = {};  // of its manifest's document
  std::optional<TimePoint> signed_at = {};
  std::optional<TimePoint> expiration = {};

  bool operator==(const SignedBackup&) const = default;
};

// By name.
using SignedBackups = std::map<std::string, SignedBackup, std::less<>>;

struct Manifest {
  std::string backup = {};
  std::string uid = {};      // of the Backup
  std::string cluster = {};  // the UID of its namespace kube-system
  std::optional<TimePoint> signed_at = {};
  std::optional<TimePoint> expiration = {};
  std::vector<ManifestObject> objects = {};  // by name
  std::string previous = {};                 // the backup that was signed before this one
  SignedBackups present = {};                // those that were there then, and signed

  bool operator==(const Manifest&) const = default;
};

Json manifest_json(const Manifest& manifest);
// Corrupt names the field; Unsupported for a later version.
Result<Manifest> parse_manifest(const Json& json);

// One entry of a ledger or of `present`.
Json signed_backups_json(const SignedBackups& backups);
Result<SignedBackups> parse_signed_backups(const Json* json);

// The digests of all objects of the backup's folder, but for the manifest itself. Each is read to
// its end, except the tarball of a backup with an index, which has its digest from when it was
// written. `metadata` is what velero-backup.json will be: it is written after the manifest.
Result<std::vector<ManifestObject>> digest_backup(objects::BackupStore& store,
                                                  std::string_view backup,
                                                  BytesView metadata,
                                                  const std::stop_token& stop);

// NotFound when the backup has none.
struct StoredManifest {
  Manifest manifest = {};
  SignedDocument signature = {};
};

Result<StoredManifest> read_manifest(objects::BackupStore& store,
                                     std::string_view backup,
                                     const TrustedKeys& trusted,
                                     const std::stop_token& stop);

// The digest of an object, read to its end.
struct ObjectDigest {
  ByteCount size = 0;
  std::string sha256 = {};
};

Result<ObjectDigest> digest_object(objects::ObjectStore& store,
                                   std::string_view key,
                                   const std::stop_token& stop);

}  // namespace lateen::assurance
