// What the index says of each pack as a whole, to be held against a listing of the store.
#pragma once

#include <cstdint>
#include <vector>

#include "repository/engine/content_index.h"
#include "repository/engine/live_set.h"
#include "repository/restic/files.h"

namespace lateen::repository::restic {

struct SurveyedPack {
  Id id = {};
  std::uint32_t number = 0;  // in the index' PackTable
  bool in_index = false;
  bool has_data = false;
  bool has_trees = false;
  bool has_plain_trees = false;  // not compressed
  bool has_plain_data = false;
  bool on_disk = false;
  ByteCount size_on_disk = 0;
  ByteCount size_by_index = 0;  // blobs, header and its length

  // Without a LiveSet all blobs count as live. Of a blob with several copies one is live.
  std::uint64_t live_blobs = 0;
  std::uint64_t dead_blobs = 0;
  ByteCount live_bytes = 0;  // as stored
  ByteCount dead_bytes = 0;

  bool is_mixed() const { return has_data && has_trees; }
};

// Of all packs that the index or the listing names, sorted by ID.
std::vector<SurveyedPack> survey_packs(const ContentIndex& index,
                                       std::span<const ListedFile> listed,
                                       const LiveSet* live);

}  // namespace lateen::repository::restic
