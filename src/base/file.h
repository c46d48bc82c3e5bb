// Files, read and written whole or through descriptors. Everything is opened close-on-exec; every
// error names the path. copy.h copies, temp.h makes temporary ones.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace lateen {

using FilePath = std::filesystem::path;

// Owns a file descriptor. Not thread-safe.
class UniqueFd {
 public:
  UniqueFd() = default;

  explicit UniqueFd(int fd) : fd_(fd) {}

  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  UniqueFd& operator=(UniqueFd&& other) noexcept;
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;

  ~UniqueFd() { reset(); }

  int get() const { return fd_; }

  bool valid() const { return fd_ >= 0; }

  explicit operator bool() const { return valid(); }

  int release() { return std::exchange(fd_, -1); }

  void reset();

 private:
  int fd_ = -1;
};

// An Error for errno `number`: NotFound, AlreadyExists, Forbidden or Io, "doing WHAT: No such file
// or directory".
Error errno_error(int number, std::string_view what);

Result<UniqueFd> open_for_reading(const FilePath& path);
// Creates or empties it.
Result<UniqueFd> open_for_writing(const FilePath& path, mode_t mode = 0644);
Result<UniqueFd> open_for_appending(const FilePath& path, mode_t mode = 0644);

// All of it; Corrupt if it is longer than `max`.
Result<Bytes> read_file(const FilePath& path, ByteCount max = 256_MiB);
Result<Bytes> read_all(int fd, ByteCount max);
// What is there now, up to `max` bytes; empty at the end of the file. EINTR is not seen.
Result<Bytes> read_some(int fd, std::size_t max);
// Exactly `length` bytes from `offset`; Corrupt if the file ends before.
Result<Bytes> read_at(int fd, ByteCount offset, std::size_t length);
Status write_all(int fd, BytesView bytes);

Status write_file(const FilePath& path, BytesView bytes, mode_t mode = 0644);
// By a temporary name beside it, fsync and rename: a reader sees the old or the new content, even
// after a crash.
Status write_file_atomic(const FilePath& path, BytesView bytes, mode_t mode = 0644);

// How the names of unfinished files begin. Whoever lists a folder that others write to passes over
// these.
inline constexpr std::string_view kTemporaryPrefix = ".lateen-tmp-";

// A file written in pieces that appears under its name, whole and synced, at commit(); otherwise
// nothing is left of it. Not thread-safe.
class AtomicFile {
 public:
  static Result<AtomicFile> create(const FilePath& path, mode_t mode = 0644);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  Status write(BytesView bytes) { return write_all(fd_.get(), bytes); }

  Status commit();

  int fd() const { return fd_.get(); }

 private:
  AtomicFile(UniqueFd fd, FilePath temporary, FilePath path);
  void abandon();

  UniqueFd fd_;
  FilePath temporary_;  // empty once committed or moved from
  FilePath path_;
};

enum class FileKind { Regular, Directory, Symlink, Other };

struct FileInfo {
  FileKind kind;
  ByteCount size;
  mode_t mode;  // permission bits
  TimePoint modified;
};

// About the thing itself: a symbolic link is not followed.
Result<FileInfo> file_info(const FilePath& path);
bool path_exists(const FilePath& path);

struct DirEntry {
  std::string name;
  FileKind kind;
};

// Sorted by name, without . and ..
Result<std::vector<DirEntry>> list_dir(const FilePath& path);

// mkdir -p; existing folders are fine.
Status make_dirs(const FilePath& path, mode_t mode = 0755);
Status remove_file(const FilePath& path);
// rm -rf, but a symbolic link is removed and never followed. What isn't there is fine.
Status remove_tree(const FilePath& path);
Status rename_file(const FilePath& from, const FilePath& to);
// Makes a rename or creation in this folder survive a crash.
Status sync_dir(const FilePath& path);

// root/relative, refused (InvalidArgument) if `relative` is empty, absolute, or has a "..", "." or
// NUL in it. Looks at names only: whoever lets strangers create symbolic links under `root` must
// check for those as well.
Result<FilePath> safe_join(const FilePath& root, std::string_view relative);

// Held while it lives, and freed by the kernel when the process dies, however it dies. Not
// thread-safe.
class FileLock {
 public:
  // AlreadyExists if another process holds it.
  static Result<FileLock> try_acquire(const FilePath& path);

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace lateen
