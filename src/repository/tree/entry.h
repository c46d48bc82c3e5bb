// A file, directory, link or device as the file system shows it. Names and targets are bytes: Linux
// promises no encoding.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/bytes.h"
#include "base/clock.h"

namespace lateen::repository {

enum class EntryType : std::uint8_t {
  File,
  Directory,
  Symlink,
  Fifo,
  Socket,
  CharDevice,
  BlockDevice,
  Unknown
};

std::string_view to_string(EntryType type);

// S_IFDIR and the like; S_IFREG for what is not known.
mode_t type_bits(EntryType type);

// An extended attribute; POSIX ACLs are such too (system.posix_acl_access, …_default).
struct ExtendedAttribute {
  Bytes name = {};
  Bytes value = {};

  bool operator==(const ExtendedAttribute&) const = default;
};

struct Entry {
  Bytes name = {};  // one component, without '/'
  EntryType type = EntryType::Unknown;
  std::uint16_t mode = 0;  // the low 12 bits of st_mode: permissions, setuid, setgid, sticky
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  ByteCount size = 0;  // st_size
  TimePoint mtime = {};
  TimePoint ctime = {};
  TimePoint atime = {};
  std::uint64_t inode = 0;
  std::uint64_t device = 0;   // st_dev
  std::uint64_t rdevice = 0;  // st_rdev, of devices
  std::uint64_t links = 1;    // st_nlink
  bool sparse = false;        // a file with holes
  Bytes link_target = {};
  std::vector<ExtendedAttribute> xattrs = {};  // in the order in which the kernel lists them
};

// What lies below a directory; without the directory's own size and times.
struct DirectorySummary {
  struct Problem {
    std::string path = {};
    std::string error = {};
  };

  ByteCount size = 0;       // of regular files
  std::uint64_t files = 0;  // regular ones
  std::uint64_t symlinks = 0;
  std::uint64_t dirs = 0;     // including itself
  TimePoint max_mtime = {};   // of all entries below, not before 1970; its own if there are none
  bool has_entries = false;   // whether max_mtime means anything
  std::uint64_t failed = 0;   // entries that could not be saved
  std::uint64_t ignored = 0;  // the same, of kinds that are told to be passed over
  std::vector<Problem> problems = {};  // the first of them, at most kMaxProblems, sorted by path
  static constexpr std::size_t kMaxProblems = 10;
  bool partial = false;  // of a checkpoint: there may be more

  // Takes in what lies below a subdirectory.
  void add(const DirectorySummary& below);
};

// An entry that is in a repository. `object` is the format's own reference to its content: kopia's
// object ID as text; restic's blob IDs (32 bytes each, one after the other) of a file, or the tree
// ID of a directory. Nobody but the format looks into it.
struct StoredEntry {
  Entry entry = {};
  Bytes object = {};
  std::shared_ptr<const DirectorySummary> summary = {};  // of directories, if the format keeps one
  // What the format read and must write again unchanged when it reuses the entry (restic's user and
  // group names, unknown fields).
  Bytes extra = {};
};

// Counts an entry of the folder that `summary` is of, with what lies below it.
void add_child(DirectorySummary& summary, const StoredEntry& child);

}  // namespace lateen::repository
