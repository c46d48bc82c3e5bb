// The files of a mounted repository, by numbers as the kernel has them: folders of snapshots above,
// the snapshots' own trees below. Nothing changes while it is mounted.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/thread.h"
#include "cli/repo/mount_names.h"
#include "repository/repository.h"

namespace lateen::cli::repo {

using NodeNumber = std::uint64_t;
inline constexpr NodeNumber kRootNode = 1;

struct MountNode {
  NodeNumber number = 0;
  std::uint64_t inode = 0;
  repository::Entry entry = {};  // as stat shows it
};

struct MountListing {
  struct Name {
    Bytes name = {};
    std::uint64_t inode = 0;
    repository::EntryType type = {};
  };

  std::uint64_t inode = 0;  // of the folder
  std::vector<Name> names = {};
};

// Thread-safe; a workspace belongs to one thread.
class MountTree {
 public:
  struct Options {
    bool owner_root = false;    // everything belongs to root
    ByteCount memory = 64_MiB;  // of pieces of files
  };

  // `repo` outlives it.
  MountTree(repository::Repository& repo,
            std::vector<repository::Snapshot> snapshots,
            MountEntry layout,
            const Options& options);

  // Counts: the kernel says by forget() when it does not need the number any more.
  Result<MountNode> look_up(NodeNumber folder, const Bytes& name, repository::Workspace& workspace);
  void forget(NodeNumber number, std::uint64_t count);

  Result<MountNode> node(NodeNumber number) const;
  Result<std::shared_ptr<const MountListing>> list(NodeNumber folder,
                                                   repository::Workspace& workspace);
  Result<Bytes> link_target(NodeNumber link, repository::Workspace& workspace);
  Result<std::vector<repository::ExtendedAttribute>> attributes(NodeNumber number) const;

  // A file that is being read, and its bytes; fewer at its end.
  Result<std::uint64_t> open(NodeNumber file, repository::Workspace& workspace);
  void close(std::uint64_t handle);
  Result<Bytes> read(std::uint64_t handle,
                     ByteCount offset,
                     std::size_t length,
                     repository::Workspace& workspace);

 private:
  // One of the two.
  struct Place {
    const MountEntry* above = nullptr;
    repository::StoredEntry stored = {};
  };

  struct Known {
    Place place = {};
    std::uint64_t inode = 0;
    std::uint64_t references = 0;
    std::pair<NodeNumber, Bytes> key = {};
  };

  struct OpenFile {
    std::vector<repository::ChunkRef> pieces = {};
  };

  using Folder = std::shared_ptr<const std::vector<repository::StoredEntry>>;
  using Piece = std::shared_ptr<const repository::Buffer>;

  Result<Place> place_of(NodeNumber number) const;
  Place place_at(const MountEntry& entry) const;
  repository::Entry shown(const Place& place) const;
  Result<Folder> folder(const repository::StoredEntry& stored, repository::Workspace& workspace);
  Result<Place> child(const Place& folder, const Bytes& name, repository::Workspace& workspace);
  Result<Piece> piece(const repository::ChunkRef& ref, repository::Workspace& workspace);

  repository::Repository& repo_;
  const std::vector<repository::Snapshot> snapshots_;
  const MountEntry layout_;
  const Options options_;

  mutable Mutex mu_;
  std::unordered_map<NodeNumber, Known> nodes_ LATEEN_GUARDED_BY(mu_);
  std::map<std::pair<NodeNumber, Bytes>, NodeNumber> by_name_ LATEEN_GUARDED_BY(mu_);
  NodeNumber next_node_ LATEEN_GUARDED_BY(mu_) = kRootNode + 1;
  std::unordered_map<std::uint64_t, std::shared_ptr<const OpenFile>> files_ LATEEN_GUARDED_BY(mu_);
  std::uint64_t next_file_ LATEEN_GUARDED_BY(mu_) = 1;
  // The latest used first.
  std::list<std::pair<Bytes, Folder>> folders_ LATEEN_GUARDED_BY(mu_);
  std::list<std::pair<repository::ContentId, Piece>> pieces_ LATEEN_GUARDED_BY(mu_);
  ByteCount piece_bytes_ LATEEN_GUARDED_BY(mu_) = 0;
};

}  // namespace lateen::cli::repo
