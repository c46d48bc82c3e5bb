// Finds one object in the index of a stored backup without reading all of it: two ranged reads, of
// some 5% of the index and of one block of it.
//
//   const IndexLookup lookup = TRY(IndexLookup::open(size_of_index, fetch));
//   if (auto found = TRY(lookup.find("configmaps", "shop", "settings", fetch)))
//     const Bytes json = TRY(found->extract(TRY(fetch_of_tarball(found->member.offset, …))));
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archive/archive_index.h"
#include "archive/archive_reader.h"
#include "base/bytes.h"
#include "base/result.h"

namespace lateen::archive {

// An object of an index by itself.
struct IndexedObject {
  std::string group_resource = {};
  std::string ns = {};
  std::string name = {};
  std::string version = {};
  MemberRange member = {};  // which bytes of the tarball to read for it
  ItemLocation location = {};

  ArchivedItem item() const {
    return {.key = {.group_resource = group_resource, .ns = ns, .name = name, .version = version},
            .location = location};
  }

  // Its JSON out of its member's compressed bytes. Corrupt if it is not what the index says.
  Result<Bytes> extract(BytesView packed_member) const;
};

// Movable; immutable.
class IndexLookup {
 public:
  // Unsupported when the index has no lookup: then all of it must be read. Corrupt when it is
  // broken.
  static Result<IndexLookup> open(ByteCount index_size, const RangeFetch& fetch);

  // The object in its preferred version; nothing when the backup does not hold it.
  Result<std::optional<IndexedObject>> find(std::string_view group_resource,
                                            std::string_view ns,
                                            std::string_view name,
                                            const RangeFetch& fetch) const;

  // The tarball it describes: one of another size is not the one, and the index is then of no use.
  ByteCount tarball_size() const { return tarball_size_; }

 private:
  struct Block {
    ByteCount offset = 0;  // in the index
    ByteCount length = 0;
    std::size_t objects_before = 0;
  };

  IndexLookup() = default;
  Status take_block(std::string_view line, ByteCount end);

  std::vector<Block> blocks_;
  std::string fingerprints_;  // of all objects, in the order of the index
  ByteCount tarball_size_ = 0;
};

}  // namespace lateen::archive
