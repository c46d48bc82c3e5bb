// Files, links and directories as kopia's objects: one content, or a list of contents that is an
// object itself.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "repository/engine/content_reader.h"
#include "repository/engine/content_writer.h"
#include "repository/engine/format.h"
#include "repository/kopia/content_format.h"
#include "repository/kopia/object_id.h"

namespace lateen::repository::kopia {

// A row of an indirect object's list.
struct ListedPiece {
  ByteCount offset = 0;
  ByteCount length = 0;
  ObjectId object = {};

  bool operator==(const ListedPiece&) const = default;
};

// Corrupt if it is not a list.
Result<std::vector<ListedPiece>> parse_list(BytesView json);
std::string write_list(std::span<const ChunkRef> pieces);

// Thread-safe.
class KopiaTreeFormat final : public TreeFormat {
 public:
  // `contents` and `index` outlive it. `index` takes the pieces that version 1 compressed.
  static Result<std::unique_ptr<KopiaTreeFormat>> create(std::string_view splitter,
                                                         const KopiaContentFormat& contents,
                                                         ContentIndex& index);

  KopiaTreeFormat(std::unique_ptr<Chunker> chunker,
                  const KopiaContentFormat& contents,
                  ContentIndex& index)
      : chunker_(std::move(chunker)), contents_(contents), index_(index) {}

  EntryNeeds needs() const override { return needs_; }

  // For who backs up, before it begins: asking for attributes takes as long as all else that is
  // asked of a file, and kopia itself keeps none.
  void set_needs(EntryNeeds needs) { needs_ = needs; }

  bool stores(EntryType type) const override;

  const Chunker& chunker() const override { return *chunker_; }

  // What kopia and Velero have by default: an object's list depends on it.
  std::optional<ByteCount> part_size() const override { return 2_GiB; }

  bool unchanged(const Entry& now, const StoredEntry& before) const override;
  Result<Bytes> write_file(std::span<const ChunkRef> pieces,
                           ContentWriter& writer,
                           Workspace& workspace) const override;
  Result<Bytes> write_symlink(const Entry& link,
                              ContentWriter& writer,
                              Workspace& workspace) const override;
  Result<Bytes> write_directory(std::span<const StoredEntry> entries,
                                const DirectorySummary& summary,
                                ContentWriter& writer,
                                Workspace& workspace) const override;
  Result<std::vector<StoredEntry>> read_directory(BytesView object,
                                                  ContentReader& reader,
                                                  Workspace& workspace) const override;
  Result<std::vector<ChunkRef>> file_pieces(const StoredEntry& file,
                                            ContentReader& reader,
                                            Workspace& workspace) const override;
  Result<Bytes> link_target(const StoredEntry& link,
                            ContentReader& reader,
                            Workspace& workspace) const override;
  Status contents_of(const StoredEntry& entry,
                     ContentReader& reader,
                     Workspace& workspace,
                     std::vector<ContentId>& out) const override;

  // All bytes of an object; Corrupt if there are more than `max`.
  Result<Bytes> read_object(const ObjectId& object,
                            ByteCount max,
                            ContentReader& reader,
                            Workspace& workspace) const;

 private:
  // Pieces of an object, each one content; appends those of lists to `contents` if it is given.
  Status collect(const ObjectId& object,
                 ByteCount offset,
                 std::optional<ByteCount> length,
                 ContentReader& reader,
                 Workspace& workspace,
                 std::vector<ListedPiece>& pieces,
                 std::vector<ContentId>* lists) const;
  Result<ObjectId> write_object(std::uint8_t prefix,
                                BytesView bytes,
                                ContentWriter& writer,
                                Workspace& workspace) const;
  Result<ObjectId> write_pieces(std::span<const ChunkRef> pieces,
                                std::uint8_t prefix,
                                ContentWriter& writer,
                                Workspace& workspace) const;
  Result<ContentId> plain_piece(const ListedPiece& piece,
                                ContentReader& reader,
                                Workspace& workspace) const;

  EntryNeeds needs_ = {};
  const std::unique_ptr<Chunker> chunker_;
  const KopiaContentFormat& contents_;
  ContentIndex& index_;
};

}  // namespace lateen::repository::kopia
