#include "repository/tree/directory_reader.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <numeric>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "repository/buffer.h"

namespace lateen::repository {

namespace {

constexpr ByteCount kLeastHole = 64_KiB;
constexpr std::size_t kNamesAtOnce = 64 * 1024;
constexpr ssize_t kMaxXattrs = 1 << 20;  // the kernel's own bounds are 64 KiB each

// struct linux_dirent64, which no header has.
struct KernelName {
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t size;
  std::uint8_t type;
  char name[1];
};

struct Name {
  Bytes name;
  std::uint64_t inode;
};

Result<std::vector<Name>> read_names(int fd, const std::string& path) {
  std::vector<Name> names;
  Buffer buffer(kNamesAtOnce);
  while (true) {
    const long got = syscall(SYS_getdents64, fd, buffer.data(), kNamesAtOnce);
    if (got < 0) return errno_error(errno, fmt::format("reading the folder {}", path));
    if (got == 0) return names;
    for (long at = 0; at < got;) {
      const char* const record = buffer.data() + at;
      std::uint64_t inode = 0;
      std::uint16_t size = 0;
      std::memcpy(&inode, record + offsetof(KernelName, inode), sizeof inode);
      std::memcpy(&size, record + offsetof(KernelName, size), sizeof size);
      const std::string_view name = record + offsetof(KernelName, name);
      if (name != "." && name != "..") names.push_back({.name = Bytes(name), .inode = inode});
      at += size;
    }
  }
}

TimePoint time_of(const statx_timestamp& t) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max() / 1'000'000'000 - 1;
  const std::int64_t seconds = std::clamp<std::int64_t>(t.tv_sec, -kMax, kMax);
  return TimePoint(std::chrono::seconds(seconds) + std::chrono::nanoseconds(t.tv_nsec));
}

EntryType type_of(unsigned mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return EntryType::File;
    case S_IFDIR:
      return EntryType::Directory;
    case S_IFLNK:
      return EntryType::Symlink;
    case S_IFIFO:
      return EntryType::Fifo;
    case S_IFSOCK:
      return EntryType::Socket;
    case S_IFCHR:
      return EntryType::CharDevice;
    case S_IFBLK:
      return EntryType::BlockDevice;
    default:
      return EntryType::Unknown;
  }
}

Entry entry_of(const struct statx& info, Bytes name) {
  Entry entry;
  entry.name = std::move(name);
  entry.type = type_of(info.stx_mode);
  entry.mode = static_cast<std::uint16_t>(info.stx_mode & 07777);
  entry.uid = info.stx_uid;
  entry.gid = info.stx_gid;
  entry.size = info.stx_size;
  entry.mtime = time_of(info.stx_mtime);
  entry.ctime = time_of(info.stx_ctime);
  entry.atime = time_of(info.stx_atime);
  entry.inode = info.stx_ino;
  entry.device = makedev(info.stx_dev_major, info.stx_dev_minor);
  entry.rdevice = makedev(info.stx_rdev_major, info.stx_rdev_minor);
  entry.links = info.stx_nlink;
  // A little less than its size is what a file system may save without a hole.
  const ByteCount there = ByteCount{info.stx_blocks} * 512;
  entry.sparse = entry.type == EntryType::File && there + kLeastHole <= entry.size;
  return entry;
}

constexpr unsigned kWanted = STATX_BASIC_STATS;

Result<Bytes> read_link(int fd, const char* name, const std::string& what) {
  Bytes target(256, '\0');
  while (true) {
    const ssize_t got = readlinkat(fd, name, target.data(), target.size());
    if (got < 0) return errno_error(errno, fmt::format("reading the link {}", what));
    if (static_cast<std::size_t>(got) < target.size()) {
      target.resize(static_cast<std::size_t>(got));
      return target;
    }
    target.resize(2 * target.size());
  }
}

bool no_attributes(int number) {
  return number == ENOTSUP || number == ENOSYS || number == ENODATA || number == EPERM;
}

// By a path, since links and devices cannot be opened for it. Only a descriptor's own name in /proc
// is followed.
Result<std::vector<ExtendedAttribute>> xattrs_of(const std::string& path, bool follow) {
  const auto list = follow ? listxattr : llistxattr;
  const auto get = follow ? getxattr : lgetxattr;
  std::vector<ExtendedAttribute> out;
  ssize_t size = list(path.c_str(), nullptr, 0);
  if (size < 0 && !no_attributes(errno)) return errno_error(errno, "listing its attributes");
  if (size <= 0) return out;
  Bytes names(static_cast<std::size_t>(std::min(size + 4096, kMaxXattrs)), '\0');
  size = list(path.c_str(), names.data(), names.size());
  if (size < 0) return errno_error(errno, "listing its attributes");
  names.resize(static_cast<std::size_t>(size));
  for (std::size_t at = 0; at < names.size();) {
    const Bytes name = names.c_str() + at;
    at += name.size() + 1;
    const ssize_t length = get(path.c_str(), name.c_str(), nullptr, 0);
    if (length < 0 && no_attributes(errno)) continue;  // gone again, or not ours to read
    if (length < 0) return errno_error(errno, fmt::format("reading its attribute {}", name));
    Bytes value(static_cast<std::size_t>(length), '\0');
    const ssize_t got = get(path.c_str(), name.c_str(), value.data(), value.size());
    if (got < 0 && no_attributes(errno)) continue;
    if (got < 0) return errno_error(errno, fmt::format("reading its attribute {}", name));
    value.resize(static_cast<std::size_t>(got));
    out.push_back({.name = name, .value = std::move(value)});
  }
  return out;
}

// What nearly all have, where the kernel can be asked by a folder and a name (6.13): most of the
// time goes into the path otherwise. False if it cannot say.
bool has_no_xattrs(int fd, const char* name, unsigned flags) {
  constexpr long kListXattrAt = 465;  // no header has it yet
  return syscall(kListXattrAt, fd, name, flags, nullptr, 0) == 0;
}

std::string proc_path(int fd) {
  return fmt::format("/proc/self/fd/{}", fd);
}

Result<UniqueFd> open_at(int parent_fd, const char* name, int flags, std::string_view what) {
  const int fd = ::openat(parent_fd, name, flags | O_CLOEXEC);
  if (fd < 0) return errno_error(errno, fmt::format("opening the {} {}", what, name));
  return UniqueFd(fd);
}

Result<Entry> look_at(int fd, const char* name, Bytes entry_name, bool xattrs) {
  struct statx info{};
  const int flags = AT_SYMLINK_NOFOLLOW | (*name == '\0' ? AT_EMPTY_PATH : 0);
  if (statx(fd, name, flags | AT_NO_AUTOMOUNT, kWanted, &info) != 0)
    return errno_error(errno, "looking at it");
  Entry entry = entry_of(info, std::move(entry_name));
  if (entry.type == EntryType::Symlink) entry.link_target = TRY(read_link(fd, name, entry.name));
  if (xattrs && !has_no_xattrs(fd, name, static_cast<unsigned>(flags))) {
    const std::string at = proc_path(fd);
    entry.xattrs =
        TRY(*name == '\0' ? read_xattrs(fd) : xattrs_of(fmt::format("{}/{}", at, name), false));
  }
  return entry;
}

}  // namespace

Result<UniqueFd> open_directory(int parent_fd, const std::string& name) {
  return open_at(parent_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW, "folder");
}

Result<UniqueFd> open_directory(const FilePath& path) {
  return open_at(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY, "folder");
}

Result<UniqueFd> open_file(int parent_fd, const std::string& name) {
  // O_NONBLOCK: should it have become a fifo meanwhile, opening must not wait for a writer.
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  int fd = ::openat(parent_fd, name.c_str(), kFlags | O_NOATIME);
  // Only the owner may leave the access time alone.
  if (fd < 0 && errno == EPERM) fd = ::openat(parent_fd, name.c_str(), kFlags);
  if (fd < 0) return errno_error(errno, fmt::format("opening {}", name));
  return UniqueFd(fd);
}

Result<DirectoryListing> read_directory(int fd, const std::string& path, bool xattrs) {
  std::vector<Name> names = TRY(read_names(fd, path));
  std::vector<std::uint32_t> order(names.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&names](auto a, auto b) { return names[a].inode < names[b].inode; });
  DirectoryListing listing;
  listing.entries.reserve(names.size());
  for (const std::uint32_t i : order) {
    auto entry = look_at(fd, names[i].name.c_str(), names[i].name, xattrs);
    if (entry) {
      listing.entries.push_back(std::move(*entry));
    } else if (!entry.error().is(Code::NotFound)) {
      listing.failed.emplace_back(std::move(names[i].name), std::move(entry).error());
    }
  }
  std::sort(listing.entries.begin(), listing.entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return listing;
}

Result<Entry> stat_entry(int fd, const std::string& name_for_errors, bool xattrs) {
  return look_at(fd, "", {}, xattrs).wrap("{}", name_for_errors);
}

Result<Entry> stat_path(const FilePath& path, bool follow, bool xattrs) {
  const int flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
  const int fd = ::open(path.c_str(), flags);
  if (fd < 0) return errno_error(errno, fmt::format("opening {}", path.native()));
  const UniqueFd owner(fd);
  Entry entry = TRY(look_at(fd, "", {}, xattrs).wrap("{}", path.native()));
  entry.name = path.filename().native();
  return entry;
}

Result<std::vector<ExtendedAttribute>> read_xattrs(int fd) {
  return xattrs_of(proc_path(fd), true);
}

std::optional<Extent> next_extent(int fd, ByteCount offset, ByteCount size) {
  if (offset >= size) return std::nullopt;
  const off_t from = lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
  if (from < 0 && errno == ENXIO) return std::nullopt;
  if (from < 0) return Extent{.offset = offset, .length = size - offset};
  const off_t to = lseek(fd, from, SEEK_HOLE);
  const ByteCount end = to < 0 ? size : std::min<ByteCount>(size, static_cast<ByteCount>(to));
  const auto start = static_cast<ByteCount>(from);
  if (start >= end) return std::nullopt;
  return Extent{.offset = start, .length = end - start};
}

}  // namespace lateen::repository
