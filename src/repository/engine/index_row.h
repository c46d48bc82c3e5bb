// A row of an index in memory and in the cache's file:
//
//   prefix 1 | hash H | pack 4 | offset 4 | packed 4 | length 4 | time 4 | codec 2 | version 1 |
//   deleted 1
//
// Numbers are little-endian, as this machine has them: the file never leaves it. Rows are ordered
// by their first 1 + H bytes.
#pragma once

#include <cstring>

#include "repository/engine/content_id.h"

namespace lateen::repository {

class IndexRow {
 public:
  explicit IndexRow(std::size_t hash_size) : hash_size_(hash_size) {}

  std::size_t key_size() const { return 1 + hash_size_; }

  std::size_t size() const { return key_size() + kRest; }

  std::size_t hash_size() const { return hash_size_; }

  void write(const ContentEntry& entry, char* to) const {
    write_key(entry.id, to);
    const Rest rest{.pack = entry.pack,
                    .offset = entry.offset,
                    .packed_length = entry.packed_length,
                    .length = entry.length,
                    .time = entry.time,
                    .codec = entry.codec,
                    .version = entry.version,
                    .deleted = static_cast<std::uint8_t>(entry.deleted ? 1 : 0)};
    std::memcpy(to + key_size(), &rest, kRest);
  }

  void write_key(const ContentId& id, char* to) const {
    to[0] = static_cast<char>(id.prefix);
    std::memcpy(to + 1, id.hash.data(), hash_size_);
  }

  ContentEntry read(const char* from) const {
    Rest rest;
    std::memcpy(&rest, from + key_size(), kRest);
    ContentEntry entry{.pack = rest.pack,
                       .offset = rest.offset,
                       .packed_length = rest.packed_length,
                       .length = rest.length,
                       .time = rest.time,
                       .codec = rest.codec,
                       .version = rest.version,
                       .deleted = rest.deleted != 0};
    entry.id.prefix = static_cast<std::uint8_t>(from[0]);
    entry.id.size = static_cast<std::uint8_t>(hash_size_);
    std::memcpy(entry.id.hash.data(), from + 1, hash_size_);
    return entry;
  }

 private:
  struct Rest {
    std::uint32_t pack;
    std::uint32_t offset;
    std::uint32_t packed_length;
    std::uint32_t length;
    std::uint32_t time;
    std::uint16_t codec;
    std::uint8_t version;
    std::uint8_t deleted;
  };

  static constexpr std::size_t kRest = sizeof(Rest);
  static_assert(kRest == 24);

  std::size_t hash_size_;
};

}  // namespace lateen::repository
