// The lines of docs/formats/archive-index.md, written and read. Inner header of archive/.
#pragma once

#include <string>
#include <string_view>

#include "archive/archive_index.h"
#include "archive/archive_limits.h"
#include "archive/item_table.h"
#include "base/json.h"
#include "base/result.h"

namespace lateen::archive {

// Three bytes of a digest of an object's names.
inline constexpr std::size_t kFingerprint = 3;
std::string fingerprint(std::string_view group_resource,
                        std::string_view ns,
                        std::string_view name);

// The lines of the objects in one member, with their fingerprints in the same order. Not
// thread-safe.
struct IndexLines {
  std::string text = {};
  std::string fingerprints = {};  // kFingerprint bytes each

  void add(const ItemKey& key, const ItemLocation& location);
};

// A number that is a size or an offset; nothing where there is none.
std::optional<ByteCount> index_count_at(const Json& line, std::string_view field);

// Corrupt says what is wrong with the line.
Result<MemberRange> read_member_line(const Json& line, const ArchiveLimits& limits);

// An object's line: the key's names are views into it. `member` is the one that it stands under,
// `number` its number.
struct ItemLine {
  ParsedEntryName entry;
  ItemLocation location = {};
};

Result<ItemLine> read_item_line(const Json& line, const MemberRange& member, std::size_t number);

// Appends `"name":number,`.
void append_index_number(std::string& out, std::string_view name, std::uint64_t value);

// The last member of an index is its end line, unpacked and padded with blanks to a fixed size:
// whoever reads so many bytes at the end of the file knows what the index is of, and where its
// lookup lies.
inline constexpr std::size_t kEndLine = 384;
inline constexpr std::size_t kEndMember = 10 + 5 + kEndLine + 8;
Bytes end_member(std::string line);

}  // namespace lateen::archive
