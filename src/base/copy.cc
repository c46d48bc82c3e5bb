#include "base/copy.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/copy_content.h"

namespace lateen {

namespace {

constexpr std::size_t kBlock = std::size_t{1} << 20U;

bool unsupported(int number) {
  return number == EXDEV || number == EINVAL || number == ENOSYS || number == EOPNOTSUPP ||
         number == ENOTTY || number == EPERM;
}

Status copy_by_reading(int from, int to, off_t offset, off_t length) {
  while (length > 0) {
    const auto wanted = static_cast<std::size_t>(std::min<off_t>(length, kBlock));
    Bytes block(wanted, '\0');
    const ssize_t got = ::pread(from, block.data(), wanted, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(errno, "reading");
    if (got == 0) return {};  // it has shrunk since; what is left of it is copied
    BytesView rest(block.data(), static_cast<std::size_t>(got));
    offset += got;
    length -= got;
    off_t at = offset - got;
    while (!rest.empty()) {
      const ssize_t put = ::pwrite(to, rest.data(), rest.size(), at);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return errno_error(errno, "writing");
      rest.remove_prefix(static_cast<std::size_t>(put));
      at += put;
    }
  }
  return {};
}

// One run of data, in the kernel where it can.
Status copy_run(int from, int to, off_t offset, off_t length, const std::stop_token& stop) {
  while (length > 0) {
    if (stop.stop_requested()) return Error(Code::Canceled, "copying was stopped");
    off_t in = offset;
    off_t out = offset;
    // In steps, so that a stop is heard within a large file.
    const auto step =
        static_cast<std::size_t>(std::min<off_t>(length, 64 * static_cast<off_t>(kBlock)));
    const ssize_t copied = ::copy_file_range(from, &in, to, &out, step, 0);
    if (copied < 0 && errno == EINTR) continue;
    if (copied == 0) return {};
    if (copied < 0) {
      if (!unsupported(errno)) return errno_error(errno, "copying");
      TRY(copy_by_reading(from, to, offset, static_cast<off_t>(step)));
    }
    const off_t done = copied < 0 ? static_cast<off_t>(step) : copied;
    offset += done;
    length -= done;
  }
  return {};
}

// The runs of data, leaving holes where the source has them.
Status copy_runs(int from, int to, off_t size, const std::stop_token& stop) {
  if (::ftruncate(to, size) != 0) return errno_error(errno, "setting the size");
  off_t offset = 0;
  while (offset < size) {
    off_t data = ::lseek(from, offset, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return {};  // nothing but a hole up to the end
    off_t hole = data < 0 ? -1 : ::lseek(from, data, SEEK_HOLE);
    if (data < 0 || hole < 0) {
      // A file system that can't tell: all is data.
      data = offset;
      hole = size;
    }
    hole = std::min(hole, size);
    TRY(copy_run(from, to, data, hole - data, stop));
    offset = hole;
  }
  return {};
}

}  // namespace

Result<bool> copy_content(int from, int to, const std::stop_token& stop) {
  if (::ioctl(to, FICLONE, from) == 0) return true;
  struct stat s{};
  if (::fstat(from, &s) != 0) return errno_error(errno, "looking at the source");
  TRY(copy_runs(from, to, s.st_size, stop));
  return false;
}

Status copy_regular_file(const FilePath& from, const FilePath& to) {
  const auto what = [&] { return fmt::format("copying {} to {}", from.native(), to.native()); };
  const UniqueFd source = TRY(open_for_reading(from));
  struct stat s{};
  if (::fstat(source.get(), &s) != 0) return errno_error(errno, what());
  if (!S_ISREG(s.st_mode)) {
    return Error(Code::InvalidArgument, "{}: not a regular file", what());
  }
  const UniqueFd target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!target) return errno_error(errno, what());
  auto copied = copy_content(source.get(), target.get(), {});
  if (!copied) return std::move(copied).error().wrap("{}", what());
  if (::fchmod(target.get(), s.st_mode & 07777) != 0) return errno_error(errno, what());
  return {};
}

}  // namespace lateen
