// Looks single objects up in stored backups: by two small ranged reads where a backup has an index
// with a lookup, by its whole index where it has an older one, and by its tarball where it has none
// (Velero's).
//
//   const BackupFiles files = TRY(BackupFiles::list(store, stop));
//   const ObjectLookup lookup(store, files);
//   if (auto held = TRY(lookup.find("nightly", object, stop))) …lookup.read("nightly", *held,
//   stop)…
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "archive/index_lookup.h"
#include "base/result.h"
#include "objects/backup_store.h"

namespace lateen::assurance {

struct ObjectName {
  std::string group_resource = {};  // "configmaps", "deployments.apps"
  std::string ns = {};              // empty: cluster-scoped
  std::string name = {};

  auto operator<=>(const ObjectName&) const = default;

  static ObjectName of(const archive::ItemKey& key);

  // "configmaps/shop/settings": how `restore create --include-object` takes it.
  std::string text() const;
};

// What lies below backups/ in a bucket, and how large it is: one listing in place of a request for
// each file. Immutable.
class BackupFiles {
 public:
  static Result<BackupFiles> list(objects::BackupStore& store, std::stop_token stop);

  // Nothing: there is no such file.
  std::optional<ByteCount> size_of(std::string_view key) const;

  // Of all files of a backup.
  ByteCount total_of(std::string_view backup_dir) const;

 private:
  std::map<std::string, ByteCount, std::less<>> sizes_;
};

// An object as a backup holds it.
struct HeldObject {
  archive::Sha256Digest sha256 = {};  // of its JSON
  std::string version = {};           // of the API; "" where the backup does not say it
  std::optional<archive::IndexedObject> place = {};
  Bytes json = {};  // of a backup that had to be read through; else it is read from its place
};

// Thread-safe. Both outlive it.
class ObjectLookup {
 public:
  ObjectLookup(objects::BackupStore& store, const BackupFiles& files)
      : store_(store), files_(files) {}

  // Nothing when the backup does not hold it. NotFound when the backup has no tarball.
  Result<std::optional<HeldObject>> find(const std::string& backup,
                                         const ObjectName& object,
                                         std::stop_token stop) const;

  // Corrupt when it is not what the index says.
  Result<Bytes> read(const std::string& backup, const HeldObject& held, std::stop_token stop) const;

 private:
  Result<std::optional<HeldObject>> find_by_lookup(const std::string& backup,
                                                   const ObjectName& object,
                                                   ByteCount index_size,
                                                   std::stop_token stop) const;
  Result<std::optional<HeldObject>> find_by_index(const std::string& backup,
                                                  const ObjectName& object,
                                                  std::stop_token stop) const;
  Result<std::optional<HeldObject>> find_in_tarball(const std::string& backup,
                                                    const ObjectName& object,
                                                    std::stop_token stop) const;
  Status check_size(const std::string& backup, ByteCount tarball_size) const;

  objects::BackupStore& store_;
  const BackupFiles& files_;
};

}  // namespace lateen::assurance
