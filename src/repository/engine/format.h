// What a repository format gives to the engine. The engine moves contents: it finds them, hashes
// and deduplicates, seals, verifies, packs, uploads, indexes, fetches and writes them, on all cores
// and in bounded memory. The format says what their bytes look like. It is three interfaces:
//
//   ContentFormat   pure: hash, seal, open; where a pack lies. Made once when a repository is
//   opened. PackSession     one writer's session: the frame of packs, index blobs. Made for each
//   ContentWriter. TreeFormat      directories, files and links as contents.
//
// A content goes: hash → known? → seal → open what was sealed and hash it again → pack → store pack
// → PackSession::store_index. Snapshots (manifests) are written by the format itself, after
// ContentWriter::flush(), so that nothing is ever named before it is there.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "repository/buffer.h"
#include "repository/chunker/chunker.h"
#include "repository/compress/codec.h"
#include "repository/engine/content_id.h"
#include "repository/engine/pack_table.h"
#include "repository/engine/workspace.h"
#include "repository/tree/entry.h"

namespace lateen::repository {

class ContentReader;
class ContentWriter;

// How a content came out of seal(): what its index entry says.
struct SealedForm {
  std::uint16_t codec = 0;
  std::uint8_t version = 0;
};

// Thread-safe: immutable.
class ContentFormat {
 public:
  ContentFormat() = default;
  ContentFormat(const ContentFormat&) = delete;
  ContentFormat& operator=(const ContentFormat&) = delete;
  virtual ~ContentFormat() = default;

  // Of the plain bytes. The prefix is not hashed.
  virtual const KeyedHash& hash() const = 0;

  virtual PackKind kind_of(const ContentId& id) const = 0;

  // Compresses with `codec` if that pays (or if the format always does), encrypts, and appends the
  // stored form to `out`. May use workspace.scratch.
  virtual Result<SealedForm> seal(const ContentId& id,
                                  BytesView plain,
                                  Codec codec,
                                  Workspace& workspace,
                                  Buffer& out) const = 0;

  // Appends entry.length plain bytes to `out`; Corrupt if `stored` is not authentic, does not
  // unpack, or has another length. Does not hash: the engine does. May use workspace.scratch.
  virtual Status open(const ContentEntry& entry,
                      BytesView stored,
                      Workspace& workspace,
                      Buffer& out) const = 0;

  // Where the bytes of a content that is not compressed lie, encrypted, in its stored form. Opened
  // to exactly that place they take no other memory.
  virtual std::size_t body_offset() const = 0;

  // The object's key, relative to the repository's store.
  virtual std::string pack_key(std::string_view pack_name) const = 0;

  // A pack is closed when its bytes reach this, or when it holds this many contents.
  virtual ByteCount pack_size() const = 0;
  virtual std::size_t max_pack_contents() const = 0;

  // Whether a whole pack, as it was read, is what its name and its own header say: appends what is
  // wrong. `entries` are the index' rows for it, by offset; each has been opened and hashed
  // already.
  virtual void check_pack(std::string_view pack_name,
                          BytesView pack,
                          std::span<const ContentEntry> entries,
                          Workspace& workspace,
                          std::vector<Error>& wrong) const = 0;
};

// One writer's session. The engine calls begin_pack and finish_pack from several threads (of
// different packs), the others from one at a time.
class PackSession {
 public:
  PackSession() = default;
  PackSession(const PackSession&) = delete;
  PackSession& operator=(const PackSession&) = delete;
  virtual ~PackSession() = default;

  // Once, before the first pack is stored: kopia's session marker.
  virtual Status start(std::stop_token stop) = 0;

  // Appends what a pack starts with to `pack`, which is empty.
  virtual void begin_pack(PackKind kind, Buffer& pack) = 0;

  // Appends what a pack ends with and says its name. `entries` are in order of offset; their `pack`
  // number means nothing yet.
  virtual Result<std::string> finish_pack(PackKind kind,
                                          Buffer& pack,
                                          std::span<const ContentEntry> entries,
                                          Workspace& workspace) = 0;

  // The packs of these entries are stored: makes them findable. All contents of a pack come in one
  // call, packs one after the other.
  virtual Status store_index(std::span<const ContentEntry> entries,
                             const PackTable& packs,
                             std::stop_token stop) = 0;

  // store_index is called when this many entries wait (and at every flush).
  virtual std::size_t index_batch() const = 0;

  // The time for new entries (ContentEntry::time); 0 if the format has none. `replaced` is the
  // entry of the same content that is marked deleted, if there is one: the new time is later than
  // its.
  virtual std::uint32_t entry_time(const ContentEntry* replaced) = 0;
};

// A piece of a file, in order.
struct ChunkRef {
  ContentId id = {};
  ByteCount offset = 0;  // in the file
  ByteCount length = 0;
};

// What is asked of the file system for each entry, beyond stat: asking costs a system call each.
struct EntryNeeds {
  bool xattrs = false;
};

// Thread-safe: immutable, or locked inside.
class TreeFormat {
 public:
  TreeFormat() = default;
  TreeFormat(const TreeFormat&) = delete;
  TreeFormat& operator=(const TreeFormat&) = delete;
  virtual ~TreeFormat() = default;

  virtual EntryNeeds needs() const = 0;

  // Whether the format has a place for such entries; others are passed over and counted.
  virtual bool stores(EntryType type) const = 0;

  // How this repository cuts files. Files larger than part_size(), if there is one, are cut into
  // parts of that size first, and each part by itself.
  virtual const Chunker& chunker() const = 0;
  virtual std::optional<ByteCount> part_size() const = 0;

  // Whether a regular file (same path) need not be read again. Its contents are then looked up too.
  virtual bool unchanged(const Entry& now, const StoredEntry& before) const = 0;

  // The object of a file whose pieces are stored (none for an empty file), of a link, of a
  // directory. `entries` are sorted by the bytes of their names.
  virtual Result<Bytes> write_file(std::span<const ChunkRef> pieces,
                                   ContentWriter& writer,
                                   Workspace& workspace) const = 0;
  virtual Result<Bytes> write_symlink(const Entry& link,
                                      ContentWriter& writer,
                                      Workspace& workspace) const = 0;
  virtual Result<Bytes> write_directory(std::span<const StoredEntry> entries,
                                        const DirectorySummary& summary,
                                        ContentWriter& writer,
                                        Workspace& workspace) const = 0;

  // Sorted by the bytes of their names. A name that is empty, "." or "..", or has a '/' or NUL in
  // it, is Corrupt.
  virtual Result<std::vector<StoredEntry>> read_directory(BytesView object,
                                                          ContentReader& reader,
                                                          Workspace& workspace) const = 0;

  // The pieces of a file, in order and without gaps; together entry.size bytes, or Corrupt.
  virtual Result<std::vector<ChunkRef>> file_pieces(const StoredEntry& file,
                                                    ContentReader& reader,
                                                    Workspace& workspace) const = 0;

  // Target of a link: in the entry already, or read from its object.
  virtual Result<Bytes> link_target(const StoredEntry& link,
                                    ContentReader& reader,
                                    Workspace& workspace) const = 0;

  // All contents that an object needs itself (pieces, lists of pieces, the parts of a directory),
  // not those of entries below it: for liveness. Appends.
  virtual Status contents_of(const StoredEntry& entry,
                             ContentReader& reader,
                             Workspace& workspace,
                             std::vector<ContentId>& out) const = 0;
};

}  // namespace lateen::repository
