// The file in which a merged index waits for the next process:
//
//   magic 8 | hash size 4 | rule 4 | rows 8 | bytes of names 8 | bytes of sources 8 | left out 8
//   BLAKE3 of the rows 32 | BLAKE3 of what is behind them 32 | pad to 4096
//   rows | names of packs | variant | names of sources       each text with its length (u32) before
//
// It has one name, and is written without one until it is whole. Nobody waits until it is on the
// disk: whoever finds it broken passes over it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/temp.h"
#include "repository/engine/content_index.h"
#include "repository/engine/index_segment.h"

namespace lateen::repository {

// Where the rows begin in the file.
inline constexpr std::size_t kIndexCacheHeader = 4096;

// What an index is made of.
struct IndexOrigin {
  std::size_t hash_size = 0;
  DuplicateRule rule = DuplicateRule::Newest;
  std::string variant = {};
  std::vector<std::string> sources = {};  // sorted
};

struct CachedIndex {
  std::shared_ptr<const IndexSegment> rows = {};
  std::vector<std::string> sources = {};
};

// What is kept of these sources, or of some of them if nothing was left out of its rows. Names go
// into `packs` in their order. Nothing if there is no such file, it is of others, or not whole.
std::optional<CachedIndex> read_cached_index(const FilePath& path,
                                             const IndexOrigin& wanted,
                                             PackTable& packs);

// Makes a file of rows, written behind room for the header, the one that is kept. `left_out` rows
// are not in it that its sources have.
Status keep_index(TempFile& file,
                  const FilePath& path,
                  const IndexOrigin& origin,
                  const IndexSegment& rows,
                  const PackTable& packs,
                  std::uint64_t left_out);

}  // namespace lateen::repository
