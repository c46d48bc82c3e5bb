// The objects of one archive, held compactly: what is where, not what is in it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "archive/archive_paths.h"
#include "base/bytes.h"
#include "base/result.h"

namespace lateen::archive {

using Sha256Digest = std::array<char, 32>;

Sha256Digest sha256_digest(BytesView bytes);

// Where an object's JSON is, and what it must be.
struct ItemLocation {
  ByteCount offset = 0;  // in the unpacked member, or in the spool file
  ByteCount size = 0;
  std::uint32_t member = 0;  // by number; 0 in a spool file
  Sha256Digest sha256 = {};
};

struct ArchivedItem {
  ItemKey key;  // views into its table
  ItemLocation location;
};

// About 140 bytes and the name for each object. Built once by one thread, then immutable.
class ItemTable {
 public:
  explicit ItemTable(std::size_t max_items) : max_items_(max_items) {}

  // Whether this copy would be the one to read its object from: of the two copies of one object the
  // plain one is, of two entries of one name the later one, as if both had been unpacked.
  bool wants(const ParsedEntryName& entry) const;

  // Takes an entry in; a copy that is not wanted only tells the version. Corrupt past max_items.
  Status put(const ParsedEntryName& entry, const ItemLocation& location);

  // In the order of the archive.
  std::span<const ArchivedItem> items() const { return items_; }

  // The object in its preferred version; null when there is none.
  const ArchivedItem* find(std::string_view group_resource,
                           std::string_view ns,
                           std::string_view name) const;

  // The object of an entry; null when there is none.
  const ArchivedItem* find(const ParsedEntryName& entry) const;

 private:
  std::string_view intern(std::string_view word);
  std::string_view keep(std::string_view name);
  const std::uint32_t* bucket_of(const ItemKey& identity) const;
  void grow();

  std::size_t max_items_;
  std::vector<ArchivedItem> items_;
  std::vector<bool> has_plain_copy_;
  std::deque<std::string> names_;          // one behind the other; each text is never moved
  std::unordered_set<std::string> words_;  // resources, namespaces, versions: few
  std::vector<std::uint32_t> buckets_;     // item number + 1 by identity, open addressing; 0: free
};

}  // namespace lateen::archive
