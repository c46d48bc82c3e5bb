#include "base/file.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lateen {

namespace {

constexpr std::size_t kReadSize = 256_KiB;

Code code_of(int number) {
  switch (number) {
    case ENOENT:
    case ESRCH:
      return Code::NotFound;
    case EEXIST:
      return Code::AlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::Forbidden;
    default:
      return Code::Io;
  }
}

Error path_error(std::string_view verb, const FilePath& path) {
  const int number = errno;
  return errno_error(number, fmt::format("{} {}", verb, path.native()));
}

Result<UniqueFd> open_file(const FilePath& path, int flags, mode_t mode) {
  for (;;) {
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
    if (fd) return fd;
    if (errno != EINTR) return path_error("opening", path);
  }
}

FilePath folder_of(const FilePath& path) {
  return path.has_parent_path() ? path.parent_path() : FilePath(".");
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void UniqueFd::reset() {
  // On Linux the descriptor is gone even after EINTR. Who must know that the bytes arrived calls
  // fsync before.
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Error errno_error(int number, std::string_view what) {
  const char* const text = strerrordesc_np(number);
  return {code_of(number), "{}: {}", what, text != nullptr ? text : "unknown error"};
}

Result<UniqueFd> open_for_reading(const FilePath& path) {
  return open_file(path, O_RDONLY, 0);
}

Result<UniqueFd> open_for_writing(const FilePath& path, mode_t mode) {
  return open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

Result<UniqueFd> open_for_appending(const FilePath& path, mode_t mode) {
  return open_file(path, O_WRONLY | O_CREAT | O_APPEND, mode);
}

Result<Bytes> read_some(int fd, std::size_t max) {
  Bytes bytes(max, '\0');
  for (;;) {
    const ssize_t got = ::read(fd, bytes.data(), bytes.size());
    if (got >= 0) {
      bytes.resize(static_cast<std::size_t>(got));
      return bytes;
    }
    if (errno != EINTR) return errno_error(errno, "reading");
  }
}

Result<Bytes> read_all(int fd, ByteCount max) {
  Bytes all;
  for (;;) {
    const Bytes more = TRY(read_some(fd, kReadSize));
    if (more.empty()) return all;
    if (all.size() + more.size() > max) {
      return Error(Code::Corrupt, "longer than the {} bytes that are acceptable here", max);
    }
    all += more;
  }
}

Result<Bytes> read_file(const FilePath& path, ByteCount max) {
  const UniqueFd fd = TRY(open_for_reading(path));
  return read_all(fd.get(), max).wrap("reading {}", path.native());
}

Result<Bytes> read_at(int fd, ByteCount offset, std::size_t length) {
  Bytes bytes(length, '\0');
  std::size_t have = 0;
  while (have < length) {
    const ssize_t got =
        ::pread(fd, bytes.data() + have, length - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(errno, "reading");
    if (got == 0) {
      return Error(Code::Corrupt, "ends at byte {}, before byte {}", offset + have,
                   offset + length);
    }
    have += static_cast<std::size_t>(got);
  }
  return bytes;
}

Status write_all(int fd, BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno_error(errno, "writing");
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Status write_file(const FilePath& path, BytesView bytes, mode_t mode) {
  const UniqueFd fd = TRY(open_for_writing(path, mode));
  return write_all(fd.get(), bytes).wrap("writing {}", path.native());
}

Status write_file_atomic(const FilePath& path, BytesView bytes, mode_t mode) {
  AtomicFile file = TRY(AtomicFile::create(path, mode));
  TRY(file.write(bytes).wrap("writing {}", path.native()));
  return file.commit();
}

AtomicFile::AtomicFile(UniqueFd fd, FilePath temporary, FilePath path)
    : fd_(std::move(fd)), temporary_(std::move(temporary)), path_(std::move(path)) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      temporary_(std::exchange(other.temporary_, {})),
      path_(std::move(other.path_)) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  if (this != &other) {
    abandon();
    fd_ = std::move(other.fd_);
    temporary_ = std::exchange(other.temporary_, {});
    path_ = std::move(other.path_);
  }
  return *this;
}

AtomicFile::~AtomicFile() {
  abandon();
}

void AtomicFile::abandon() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

Result<AtomicFile> AtomicFile::create(const FilePath& path, mode_t mode) {
  std::string name = (folder_of(path) / std::string(kTemporaryPrefix)).native() + "XXXXXX";
  UniqueFd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) return path_error("making a file beside", path);
  AtomicFile file(std::move(fd), name, path);
  if (::fchmod(file.fd(), mode) != 0) return path_error("setting the mode of", path);
  return file;
}

Status AtomicFile::commit() {
  if (::fsync(fd_.get()) != 0) return path_error("syncing", path_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return path_error("naming", path_);
  temporary_.clear();
  fd_.reset();
  return sync_dir(folder_of(path_));
}

Status remove_file(const FilePath& path) {
  if (::unlink(path.c_str()) != 0) return path_error("removing", path);
  return {};
}

Status rename_file(const FilePath& from, const FilePath& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return path_error("renaming", from).wrap("to {}", to.native());
  }
  return {};
}

Status sync_dir(const FilePath& path) {
  const UniqueFd fd = TRY(open_file(path, O_RDONLY | O_DIRECTORY, 0));
  // Some file systems (network mounts) know no fsync of folders, and keep their names safe by
  // themselves.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) return path_error("syncing", path);
  return {};
}

Result<FilePath> safe_join(const FilePath& root, std::string_view relative) {
  const auto refuse = [relative](std::string_view why) {
    return Error(Code::InvalidArgument, "the path \"{}\" {}", relative, why);
  };
  if (relative.empty()) return Error(Code::InvalidArgument, "an empty path names nothing");
  if (relative.front() == '/') return refuse("must be relative");
  if (relative.find('\0') != std::string_view::npos) return refuse("has a NUL in it");
  const FilePath path(relative);
  for (const FilePath& part : path) {
    if (part == "..") return refuse("leads out of its folder");
    if (part == ".") return refuse("has a part that is \".\"");
  }
  return root / path;
}

Result<FileLock> FileLock::try_acquire(const FilePath& path) {
  UniqueFd fd = TRY(open_file(path, O_RDWR | O_CREAT, 0600));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return FileLock(std::move(fd));
  if (errno == EWOULDBLOCK) {
    return Error(Code::AlreadyExists, "{} is held by another process", path.native());
  }
  return path_error("locking", path);
}

}  // namespace lateen
