// The file in which a merged index waits for the next process:
//
//   magic 8 | hash size 4 | rule 4 | rows 8 | bytes of names 8 | BLAKE3 of what follows 32
//   pad to 4096 | rows | names of packs, each with its length (u32) before it
//
// It is written beside its name and renamed; whoever finds it broken passes over it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/result.h"
#include "repository/engine/content_index.h"
#include "repository/engine/index_segment.h"

namespace lateen::repository {

struct CachedIndex {
  std::shared_ptr<const IndexSegment> rows = {};
};

// Names go into `packs` in their order. Nothing if there is no such file or it is not whole.
std::optional<CachedIndex> read_cached_index(const FilePath& path,
                                             std::size_t hash_size,
                                             DuplicateRule rule,
                                             PackTable& packs);

Status write_cached_index(const FilePath& path,
                          DuplicateRule rule,
                          const IndexSegment& rows,
                          const PackTable& packs);

}  // namespace lateen::repository
