// Writes the index of docs/formats/archive-index.md while the tarball is written. Inner header of
// archive/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "archive/archive_index.h"
#include "archive/archive_writer.h"
#include "archive/index_lines.h"
#include "base/byte_source.h"
#include "base/gzip.h"

namespace lateen::archive {

// Holds a block, and the lookup: some five bytes an object. Not thread-safe.
class IndexWriter {
 public:
  // `sink` outlives the writer.
  explicit IndexWriter(ByteSink& sink) : sink_(sink) {}

  Status begin(std::string_view backup);

  // A member of the tarball and the lines of the objects in it.
  Status add_member(const MemberRange& range, const IndexLines& objects);

  Status finish(const ArchiveTotals& totals);

 private:
  Status flush();
  Status write(BytesView member);

  ByteSink& sink_;
  GzipCompressor compressor_;
  std::string pending_;       // lines of the block
  std::string fingerprints_;  // of the block's objects
  std::string lookup_;        // a line for each block before
  ByteCount written_ = 0;
  std::uint64_t members_ = 0;
};

}  // namespace lateen::archive
