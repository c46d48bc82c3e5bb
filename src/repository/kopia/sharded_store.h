// Kopia's layout on file systems: a blob "p52e704…" is the file "p/52e/704….f". Seen through this,
// a store's keys are the names of the blobs, as they are on S3.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "objects/object_store.h"

namespace lateen::repository::kopia {

// `.shards`: how many characters of a name make each folder.
struct Sharding {
  std::vector<std::size_t> shards = {1, 3};
  std::size_t max_unsharded = 20;  // names up to this long lie in the root

  struct Override {
    std::string prefix = {};
    std::vector<std::size_t> shards = {};
  };

  std::vector<Override> overrides = {};

  // Corrupt if it is not such a document.
  static Result<Sharding> parse(BytesView json);
  std::string write() const;

  // Repositories from before `.shards` was written.
  static Sharding oldest() { return {.shards = {3, 3}}; }

  // "p52e704…" → "p/52e/704….f".
  std::string key_of(std::string_view blob) const;
  // Back; nothing if it is not a blob's.
  std::string blob_of(std::string_view key) const;
};

inline constexpr std::string_view kShardsFile = ".shards";
inline constexpr std::string_view kBlobSuffix = ".f";

// Listings come in one page, sorted by the blobs' names.
std::unique_ptr<objects::ObjectStore> make_sharded_store(
    std::unique_ptr<objects::ObjectStore> store, Sharding sharding);

}  // namespace lateen::repository::kopia
