// One file of `index/`: which blobs lie where in which packs. JSON, with up to some 50,000 blobs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "repository/restic/id.h"
#include "repository/restic/pack_header.h"

namespace lateen::repository::restic {

// As restic: an index file with this many blobs is full.
inline constexpr std::size_t kBlobsPerIndex = 50'000;

// A pack as an index file describes it.
struct IndexedPack {
  Id id = {};
  std::vector<PackedBlob> blobs = {};
};

// Calls `visit` for each pack. Corrupt says what is wrong with the document; in version 1 a
// compressed blob is. The IDs under "supersedes", which old writers left, are passed over, as
// restic does: those files were removed by whoever wrote this one.
Status decode_index(BytesView json,
                    int repository_version,
                    const std::function<Status(IndexedPack&)>& visit);

// Builds such a document. Not thread-safe.
class IndexEncoder {
 public:
  void add(const Id& pack, const std::vector<PackedBlob>& blobs);

  std::size_t blob_count() const { return blobs_; }

  bool empty() const { return blobs_ == 0; }

  // The document; the encoder is empty and ready for the next one after it.
  Bytes finish();

 private:
  Bytes text_ = "{\"packs\":[";
  std::size_t blobs_ = 0;
};

}  // namespace lateen::repository::restic
