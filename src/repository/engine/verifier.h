// Reads packs whole, each once and in order, and holds everything in them against the index: that
// they are there, that every content opens and is what its ID says. Then snapshots' trees against
// the index (mark_live). Memory: `memory`, however large the repository.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "repository/engine/content_reader.h"
#include "repository/engine/format.h"
#include "repository/engine/progress.h"

namespace lateen::repository {

struct VerifyOptions {
  bool read_data = false;  // otherwise: packs are there and long enough
  // Which packs to read with read_data; all if not given (--read-data-subset).
  std::function<bool(std::string_view pack_name)> choose = {};
  // Deleted entries (kopia) are held to the same if they can still be read.
  bool include_deleted = false;
  std::size_t threads = 0;
  ByteCount memory = 64_MiB;
};

// A pack as a listing of the store shows it.
struct ListedPack {
  std::string name = {};
  ByteCount size = 0;
};

struct VerifyStats {
  std::uint64_t packs = 0;
  std::uint64_t contents = 0;
  ByteCount bytes = 0;  // as stored
  std::uint64_t missing_packs = 0;
  std::uint64_t damaged_contents = 0;
};

// What is wrong is in progress.problems; an Error only if checking itself cannot go on. A damaged
// content is also given to `damaged`, from several threads, so that files can be named.
Result<VerifyStats> verify_packs(const VerifyOptions& options,
                                 std::span<const ListedPack> listed,
                                 ContentReader& reader,
                                 const std::function<void(const ContentEntry&)>& damaged,
                                 Progress& progress,
                                 std::stop_token stop);

// Reads whole packs in order, in parallel and in bounded memory, and hands each wanted content,
// opened and hashed, to `use` (from several threads): for repacking. What cannot be read is in
// progress.problems.
Status read_contents(std::vector<ContentEntry> wanted,
                     ContentReader& reader,
                     const std::function<Status(const ContentEntry&, BytesView, Workspace&)>& use,
                     Progress& progress,
                     std::stop_token stop,
                     std::size_t threads = 0,
                     ByteCount memory = 64_MiB);

}  // namespace lateen::repository
