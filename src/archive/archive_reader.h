// Reads a backup's tarball from a local file: Velero's or ours. With our index it goes straight to
// each object; without one it unpacks the tarball once into a temporary file. With the index it may
// also stay where it is: then each member that is read is one ranged GET. Memory grows with the
// number of objects, never with their size.
//
//   const ArchiveReader archive = TRY(ArchiveReader::open(path, {.temp_dir = scratch}, stop));
//   for (const ArchivedItem& item : archive.items()) …archive.read(item)…
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "archive/archive_limits.h"
#include "archive/item_table.h"
#include "archive/refused_entry.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"

namespace lateen::archive {

class ArchiveIndex;

// Reads a part of a tarball that is elsewhere. Called from several threads at once.
using RangeFetch = std::function<Result<Bytes>(ByteCount offset, ByteCount length)>;

struct ArchiveReaderOptions {
  std::optional<FilePath> index = {};  // not used if it is broken or of another tarball
  FilePath temp_dir =
      {};  // for what is unpacked when there is no index (empty: the system's place)
  ArchiveLimits limits = {};
};

// Movable. read() is thread-safe.
class ArchiveReader {
 public:
  // Corrupt says where the tarball is broken: truncated, a bad checksum, not gzip. With an index
  // the tarball is not read here, but object by object. Entries whose names lead elsewhere, and
  // what is no object, are passed over.
  static Result<ArchiveReader> open(const FilePath& tarball,
                                    ArchiveReaderOptions options,
                                    std::stop_token stop);

  // The tarball that the index describes, member by member as objects are read. `name` is for
  // errors. The caller has made sure that the index is of this tarball: its size is the index's.
  static ArchiveReader over(ArchiveIndex index, std::string_view name, RangeFetch fetch);

  ArchiveReader(ArchiveReader&&) noexcept;
  ArchiveReader& operator=(ArchiveReader&&) noexcept;
  ~ArchiveReader();

  // Of metadata/version: "1.1.0"; empty in backups of before Velero 1.4.
  const std::string& format_version() const;

  // Every object once (and once for each version that is not preferred), in the order of the
  // archive.
  std::span<const ArchivedItem> items() const;

  // The object in its preferred version; null when there is none.
  const ArchivedItem* find(std::string_view group_resource,
                           std::string_view ns,
                           std::string_view name) const;

  // The object's JSON, checked against its digest.
  Result<Bytes> read(const ArchivedItem& item) const;

  // Entries that nothing was read from: their names lead out of the archive or are none of
  // Kubernetes', or they are links or devices. At most 20; none where the index was used.
  const std::vector<RefusedEntry>& refused_entries() const;

  // Whether the index was used; if one was given and not used, why not.
  bool indexed() const;
  const std::optional<Error>& index_problem() const;

  // Reads the whole tarball again and holds it against what open() found: every entry, both copies
  // of each object. Unsupported where the tarball is elsewhere.
  Status verify(std::stop_token stop) const;

 private:
  struct State;
  explicit ArchiveReader(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace lateen::archive
