#include "base/temp.h"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/environment.h"

namespace lateen {

Result<TempDir> TempDir::create(std::string_view prefix, const FilePath& parent) {
  const FilePath place = parent.empty() ? temp_dir() : parent;
  std::string name = (place / fmt::format("{}-XXXXXX", prefix)).native();
  if (::mkdtemp(name.data()) == nullptr) {
    return errno_error(errno, fmt::format("making a folder in {}", place.native()));
  }
  return TempDir(name);
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  // What was ours goes with the moved-from one's end.
  std::swap(path_, other.path_);
  return *this;
}

TempDir::~TempDir() {
  // What can't be removed (another user's files) stays behind in a temporary place; nobody waits
  // for the answer.
  if (!path_.empty()) (void)remove_tree(path_);
}

Result<TempFile> TempFile::create(const FilePath& parent) {
  const FilePath place = parent.empty() ? temp_dir() : parent;
  UniqueFd fd(::open(place.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd) return TempFile(std::move(fd));
  // Not every file system makes files without names (overlayfs on old kernels, NFS).
  std::string name = (place / std::string(kTemporaryPrefix)).native() + "XXXXXX";
  fd = UniqueFd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) return errno_error(errno, fmt::format("making a file in {}", place.native()));
  ::unlink(name.c_str());
  return TempFile(std::move(fd));
}

Result<ByteCount> TempFile::size() const {
  struct stat s{};
  if (::fstat(fd_.get(), &s) != 0) return errno_error(errno, "looking at a temporary file");
  return static_cast<ByteCount>(s.st_size);
}

Status TempFile::seek(ByteCount offset) {
  if (::lseek(fd_.get(), static_cast<off_t>(offset), SEEK_SET) < 0) {
    return errno_error(errno, "seeking in a temporary file");
  }
  return {};
}

}  // namespace lateen
