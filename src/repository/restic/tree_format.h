// Directories and files as restic's tree blobs.
//
// StoredEntry::object is, of a file, the IDs of its data blobs one after the other, of a directory
// the ID of its tree blob, and empty for all else.
#pragma once

#include <memory>

#include "repository/engine/format.h"
#include "repository/restic/account_names.h"
#include "repository/restic/node.h"

namespace lateen::repository::restic {

struct TreeFormatOptions {
  bool ignore_ctime = false;  // a file is unchanged whatever its ctime
  bool ignore_inode = false;  // the same, and whatever its inode
  bool with_atime = false;    // otherwise the access time is written as the modification time
};

// A node and an entry of the engine. What only restic knows (names of accounts, Windows'
// attributes, an error) is in StoredEntry::extra.
StoredEntry to_stored_entry(Node&& node);

class ResticTreeFormat final : public TreeFormat {
 public:
  ResticTreeFormat(std::unique_ptr<Chunker> chunker, const TreeFormatOptions& options)
      : chunker_(std::move(chunker)), options_(options) {}

  EntryNeeds needs() const override { return {.xattrs = true}; }

  bool stores(EntryType type) const override;

  const Chunker& chunker() const override { return *chunker_; }

  std::optional<ByteCount> part_size() const override { return std::nullopt; }

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

  // What to look at in the parent's files from here on. Before a backup, not during one.
  void set_options(const TreeFormatOptions& options) { options_ = options; }

  // The node that an entry is written as.
  Node to_node(const StoredEntry& stored) const;

 private:
  const std::unique_ptr<Chunker> chunker_;
  TreeFormatOptions options_;
  mutable AccountNames names_;  // thread-safe
};

}  // namespace lateen::repository::restic
