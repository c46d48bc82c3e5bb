// Where a restore writes: a folder that nothing leads out of. Every path is walked by descriptors
// without following links (openat2 RESOLVE_BENEATH, or component by component), so that neither a
// name in a hostile repository nor a link planted while we write can reach beyond it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "repository/tree/entry.h"

namespace lateen::repository {

struct MetadataOptions {
  bool ownership = true;
  bool strict_ownership = false;
  bool permissions = true;
  bool times = true;
  bool xattrs = true;
};

// Paths are relative, of components without "", ".", "..", joined by '/'; "" is the target itself.
// Thread-safe.
class RestoreTarget {
 public:
  static Result<RestoreTarget> open(const FilePath& root);

  // Makes it, or takes the one that is there (anything else of that name is removed if `replace`).
  Status make_directory(const std::string& path, bool replace) const;
  Result<UniqueFd> open_directory(const std::string& path) const;

  // A new file, empty; what had the name before is removed. By its parent's descriptor, which the
  // caller keeps for all files of a folder.
  Result<UniqueFd> create_file(int parent_fd, const std::string& name) const;
  Result<UniqueFd> reopen_file(int parent_fd, const std::string& name) const;
  Status make_symlink(int parent_fd, const std::string& name, BytesView target) const;
  // Fifo, device or socket.
  Status make_special(int parent_fd, const Entry& entry) const;
  Status make_hard_link(int parent_fd,
                        const std::string& name,
                        int existing_parent_fd,
                        const std::string& existing) const;

  // With all in it, if it is a folder. A link itself, not what it leads to.
  Status remove(int parent_fd, const std::string& name) const;

  // What is there under this name, if anything (not followed).
  Result<Entry> stat(int parent_fd, const std::string& name) const;

  // Owner, then mode (chown clears setuid), attributes, times last.
  Status set_metadata(int fd, const Entry& entry, const MetadataOptions& options) const;
  // Of what cannot be opened: links, devices.
  Status set_metadata_at(int parent_fd, const Entry& entry, const MetadataOptions& options) const;

  // Everything written so far is on the disk.
  Status sync() const;

 private:
  explicit RestoreTarget(UniqueFd root) : root_(std::move(root)) {}

  UniqueFd root_;
};

// A name that may become a file's: not empty, "." or "..", without '/' and NUL, at most 255 bytes.
Status check_entry_name(BytesView name);

}  // namespace lateen::repository
