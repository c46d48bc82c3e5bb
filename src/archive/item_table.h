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

// One object. `key` views into its table.
struct ArchivedItem {
  ItemKey key;
  ByteCount size = 0;  // of its JSON
  Sha256Digest sha256 = {};
  // Where its JSON begins: in the unpacked member with that number, or in the spool file (member
  // 0).
  std::uint32_t member = 0;
  ByteCount offset = 0;
};

// About 120 bytes and the name for each object. Built once by one thread, then immutable.
class ItemTable {
 public:
  explicit ItemTable(std::size_t max_items) : max_items_(max_items) {}

  // Takes one copy of an object in. Of the two copies of one object the plain one counts, the other
  // one only tells the version; of two equal paths the later one, as if both had been unpacked.
  // Corrupt past max_items.
  Status put(const ParsedEntryName& entry, const ArchivedItem& location);

  // In the order of the archive.
  std::span<const ArchivedItem> items() const { return items_; }

  // The object in its preferred version; null when there is none.
  const ArchivedItem* find(std::string_view group_resource,
                           std::string_view ns,
                           std::string_view name) const;

  // The object in this version, preferred or not; null when there is none.
  const ArchivedItem* find(const ItemKey& key) const;

 private:
  struct Identity {
    const ItemTable* table;
    std::size_t operator()(std::uint32_t item) const;
    bool operator()(std::uint32_t a, std::uint32_t b) const;
  };

  std::string_view intern(std::string_view word);

  std::size_t max_items_;
  std::vector<ArchivedItem> items_;
  std::vector<bool> has_plain_copy_;
  std::deque<std::string> names_;          // stable addresses
  std::unordered_set<std::string> words_;  // resources, namespaces, versions: few
  std::vector<std::uint32_t> buckets_;  // open addressing by (resource, namespace, name, version)
};

}  // namespace lateen::archive
