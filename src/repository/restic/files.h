// The encrypted documents of a repository: index files, snapshots, locks. Each is named by the hash
// of its bytes as stored, and never changed.
#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "objects/object_store.h"
#include "repository/crypto/ctr_poly1305.h"
#include "repository/restic/id.h"

namespace lateen::repository::restic {

// By their folders.
enum class FileType { Index, Snapshot, Lock, Key, Pack };

std::string_view folder_of(FileType type);  // "index", "snapshots", …
// Packs lie in folders by their first two digits.
std::string key_of(FileType type, const Id& id);
std::string key_of_pack(std::string_view name);

struct ListedFile {
  Id id = {};
  ByteCount size = 0;
};

// Passes over whatever has no ID for a name: temporary files of other writers.
Result<std::vector<ListedFile>> list_files(objects::ObjectStore& store,
                                           FileType type,
                                           const std::stop_token& stop);

// Removes several at a time. The first failure is returned; the others are tried all the same.
Status remove_files(objects::ObjectStore& store,
                    FileType type,
                    std::span<const Id> ids,
                    const std::stop_token& stop);

// Thread-safe. What it was made with outlives it.
class Files {
 public:
  Files(objects::ObjectStore& store, const CtrPolyKey& key, int version, Rng& rng)
      : store_(store), key_(key), version_(version), rng_(rng) {}

  // Compressed in version 2. Its ID.
  Result<Id> save(FileType type, BytesView json, std::stop_token stop) const;

  // Its JSON. Corrupt, naming the file, if it is not what its name says or does not open.
  Result<Bytes> load(FileType type, const Id& id, std::stop_token stop) const;

  Status remove(FileType type, const Id& id, std::stop_token stop) const;

  objects::ObjectStore& store() const { return store_; }

  const CtrPolyKey& key() const { return key_; }

  int version() const { return version_; }

  Rng& rng() const { return rng_; }

 private:
  Result<Bytes> encode_plain(BytesView json) const;

  objects::ObjectStore& store_;
  const CtrPolyKey key_;
  const int version_;
  Rng& rng_;
};

}  // namespace lateen::repository::restic
