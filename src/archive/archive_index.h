// The index beside a tarball of ours (docs/formats/archive-index.md): with it one object comes out
// of a stored backup by reading one gzip member.
//
//   const ArchiveIndex index = TRY(ArchiveIndex::parse(file));
//   const ArchivedItem* item = index.table().find("configmaps", "shop", "payments-config");
//   const MemberRange range = index.member(*item);
//   const Bytes json = TRY(index.extract(*item, TRY(store.get_range(key, range.offset,
//   range.length))));
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "archive/archive_limits.h"
#include "archive/item_table.h"
#include "base/byte_source.h"
#include "base/bytes.h"
#include "base/result.h"

namespace lateen::archive {

inline constexpr std::string_view kIndexFormat = "lateen-archive-index";
inline constexpr int kIndexVersion = 1;

// The name of a backup's index in its folder of the bucket.
std::string index_file_name(std::string_view backup);

// One gzip member of the tarball.
struct MemberRange {
  ByteCount offset = 0;  // in the tarball
  ByteCount length = 0;
  ByteCount unpacked_size = 0;
};

// Movable; immutable.
class ArchiveIndex {
 public:
  // Reads the gzipped document. Corrupt if it is damaged or incomplete, Unsupported if it is of a
  // later version.
  static Result<ArchiveIndex> parse(ByteSource& gzipped, const ArchiveLimits& limits = {});

  const ItemTable& table() const { return *table_; }

  // The backup it was written for.
  const std::string& backup() const { return backup_; }

  // The tarball it describes: one of another size is not the one, and the index is then of no use.
  ByteCount tarball_size() const { return tarball_size_; }

  const std::string& tarball_sha256() const { return tarball_sha256_; }

  // Which bytes of the tarball to read for the object.
  const MemberRange& member(const ArchivedItem& item) const {
    return members_[item.location.member];
  }

  const std::vector<MemberRange>& members() const { return members_; }

  // The object's JSON out of its member's compressed bytes. Corrupt if it is not what the index
  // says.
  Result<Bytes> extract(const ArchivedItem& item, BytesView member) const;

 private:
  friend class IndexParser;

  explicit ArchiveIndex(std::size_t max_items) : table_(std::make_unique<ItemTable>(max_items)) {}

  std::unique_ptr<ItemTable> table_;
  std::vector<MemberRange> members_;
  std::string backup_;
  ByteCount tarball_size_ = 0;
  std::string tarball_sha256_;
};

// The object's JSON, checked, out of its unpacked member.
Result<BytesView> cut_item(const ArchivedItem& item, BytesView unpacked_member);

}  // namespace lateen::archive
