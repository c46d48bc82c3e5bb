// Contents into packs. Any thread adds; sealed bytes are copied into the open pack of their kind;
// full packs are finished and stored by threads of the writer's own, and then indexed in batches.
// Memory: `pack_memory` for packs, whatever happens; who adds waits while all of it is being
// stored.
//
// Nothing is named before it is there: packs are stored before the index that names them, and
// flush() returns when all of that is done; then the format may write a snapshot that refers to it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>

#include "base/bytes.h"
#include "base/result.h"
#include "objects/object_store.h"
#include "repository/engine/content_index.h"
#include "repository/engine/format.h"

namespace lateen::repository {

struct ContentWriterOptions {
  Codec data_codec = {};
  Codec metadata_codec = {.algorithm = Algorithm::Zstd, .level = 1};
  ByteCount pack_memory = 64_MiB;
  std::size_t uploads = 3;  // packs being stored at once
  bool dry_run = false;     // everything but storing
  // Opens and hashes again what was sealed, before it is packed. Off only for measuring its cost.
  bool verify = true;
};

// What was new, in numbers. Thread-safe.
struct WriteCounters {
  std::atomic<std::uint64_t> data_contents = 0;
  std::atomic<std::uint64_t> metadata_contents = 0;
  std::atomic<ByteCount> data_bytes = 0;      // before compression
  std::atomic<ByteCount> metadata_bytes = 0;  // before compression
  std::atomic<ByteCount> packed_bytes = 0;    // as stored
  std::atomic<ByteCount> stored_bytes = 0;    // already in the store
  std::atomic<std::uint64_t> packs = 0;
};

// Thread-safe.
class ContentWriter {
 public:
  // All outlive the writer.
  ContentWriter(objects::ObjectStore& store,
                const ContentFormat& format,
                PackSession& session,
                ContentIndex& index,
                const ContentWriterOptions& options);
  ContentWriter(const ContentWriter&) = delete;
  ContentWriter& operator=(const ContentWriter&) = delete;
  // Without a flush() what was not stored is dropped: garbage at worst.
  ~ContentWriter();

  // Its ID; stored (or about to be) unless it was known. The error of any pack that could not be
  // stored is returned by every call after it.
  Result<ContentId> add(std::uint8_t prefix, BytesView plain, Workspace& workspace);

  // Several at a time: their hashes in SIMD lanes. `ids` is as long as `plain`.
  Status add_many(std::uint8_t prefix,
                  std::span<const BytesView> plain,
                  std::span<ContentId> ids,
                  Workspace& workspace);

  // The same for large pieces in memory that the caller is done with: it is overwritten with what
  // is opened of the sealed pieces, so that these, too, can be hashed in lanes without more memory.
  Status add_pieces(std::uint8_t prefix,
                    std::span<const std::span<char>> pieces,
                    std::span<ContentId> ids,
                    Workspace& workspace);

  // The same with another codec than the options': kopia's manifests.
  Result<ContentId> add_with(std::uint8_t prefix,
                             BytesView plain,
                             Codec codec,
                             Workspace& workspace);

  // Writes a content that lies elsewhere already, or is marked deleted, once more: for repacking.
  // The content must be what `entry` says (it is hashed).
  Status add_again(const ContentEntry& entry, BytesView plain, Workspace& workspace);

  // Hands an index entry to the next store_index() as it is (kopia's marks of deletion).
  Status add_entry(const ContentEntry& entry);

  // Everything added before is stored and indexed when this returns.
  Status flush(std::stop_token stop);

  // What was added by calls that have come back is stored and indexed when this returns, while
  // others go on adding.
  Status checkpoint(std::stop_token stop);

  const WriteCounters& counters() const;

 private:
  class Packing;
  std::unique_ptr<Packing> packing_;
};

}  // namespace lateen::repository
