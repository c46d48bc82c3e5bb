// Writes a backup's tarball: Velero's format in many gzip members, compressed on all cores, written
// in order. To everyone else it is one ordinary .tar.gz. Beside it an index says in which member
// each object lies.
//
//   ArchiveWriter archive(upload, &index_file, clock, {.backup = "nightly"});
//   TRY(archive.add({.group_resource = "pods", .ns = "shop", .name = "db", .version = "v1"},
//   item.raw, stop)); const ArchiveTotals totals = TRY(archive.finish(stop));
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "archive/archive_paths.h"
#include "base/byte_source.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/thread.h"

namespace lateen::archive {

struct ArchiveWriterOptions {
  std::string backup;                        // its name, into the index
  std::size_t threads = hardware_threads();  // that compress
  ByteCount member_size = 256_KiB;           // uncompressed; small enough to be read for one object
};

struct ArchiveTotals {
  std::uint64_t items = 0;  // objects; each has one or two entries
  std::uint64_t entries = 0;
  std::uint64_t members = 0;
  ByteCount unpacked_size = 0;  // of the tar
  ByteCount size = 0;           // of the tarball
  std::string sha256;           // of the tarball, hex
};

// Memory in flight: (2 × threads + 2) members of member_size, and what they compress to; an object
// larger than a member is one by itself. Without finish() the tarball is left without its end: a
// reader sees that it is broken. Thread-safe.
class ArchiveWriter {
 public:
  // `tarball` and `index` (may be null: no index) outlive the writer and are written to from one
  // thread of its own.
  ArchiveWriter(ByteSink& tarball,
                ByteSink* index,
                const Clock& clock,
                ArchiveWriterOptions options);
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;
  ~ArchiveWriter();

  // Puts the object in, twice if it is in its preferred version. Calls keep their order. Waits
  // while the pipeline is full. An error of the sink comes back from here or from finish().
  Status add(const ItemKey& item, BytesView json, std::stop_token stop);

  // Writes the rest and the end. Once.
  Result<ArchiveTotals> finish(std::stop_token stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lateen::archive
