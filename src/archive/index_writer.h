// Writes the index of docs/formats/archive-index.md while the tarball is written. Inner header of
// archive/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "archive/archive_index.h"
#include "archive/archive_writer.h"
#include "archive/item_table.h"
#include "base/byte_source.h"
#include "base/gzip.h"

namespace lateen::archive {

// The line of one object, with its newline; its member's line stands before it.
void append_index_line(std::string& out, const ItemKey& key, const ItemLocation& location);

// Holds a few hundred KiB. Not thread-safe.
class IndexWriter {
 public:
  // `sink` outlives the writer.
  explicit IndexWriter(ByteSink& sink) : sink_(sink) {}

  Status begin(std::string_view backup);

  // A member of the tarball and the lines of the objects in it.
  Status add_member(const MemberRange& range, std::string_view item_lines);

  Status finish(const ArchiveTotals& totals);

 private:
  Status flush();

  ByteSink& sink_;
  GzipCompressor compressor_;
  std::string pending_;
  std::uint64_t members_ = 0;
};

}  // namespace lateen::archive
