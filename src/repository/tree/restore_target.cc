#include "repository/tree/restore_target.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "repository/tree/directory_reader.h"

namespace lateen::repository {

namespace {

// A path below `root`, none of whose components is a link. Old kernels and some sandboxes have no
// openat2: then component by component.
Result<UniqueFd> open_beneath(int root, const std::string& path, int flags) {
  const std::string relative = path.empty() ? "." : path;
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const long fd = syscall(SYS_openat2, root, relative.c_str(), &how, sizeof how);
  if (fd >= 0) return UniqueFd(static_cast<int>(fd));
  if (errno != ENOSYS && errno != EPERM) return errno_error(errno, fmt::format("opening {}", path));
  UniqueFd at(fcntl(root, F_DUPFD_CLOEXEC, 0));
  for (std::size_t from = 0; from < relative.size();) {
    const std::size_t slash = std::min(relative.find('/', from), relative.size());
    const std::string part = relative.substr(from, slash - from);
    const bool last = slash == relative.size();
    const int next = ::openat(at.get(), part.c_str(),
                              O_CLOEXEC | O_NOFOLLOW | (last ? flags : O_PATH | O_DIRECTORY));
    if (next < 0) return errno_error(errno, fmt::format("opening {}", path));
    at = UniqueFd(next);
    from = slash + 1;
  }
  return at;
}

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

// Whatever has the name goes: a file, a link (not what it leads to), a folder with all in it.
Status remove_at(int parent_fd, const std::string& name) {
  if (unlinkat(parent_fd, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) {
    return errno_error(errno, fmt::format("removing what is called {}", name));
  }
  if (unlinkat(parent_fd, name.c_str(), AT_REMOVEDIR) == 0) return {};
  if (errno != ENOTEMPTY && errno != EEXIST) {
    return errno_error(errno, fmt::format("removing the folder {}", name));
  }
  const UniqueFd folder = TRY(open_directory(parent_fd, name));
  const DirectoryListing inside = TRY(read_directory(folder.get(), name, false));
  for (const Entry& entry : inside.entries)
    TRY(remove_at(folder.get(), entry.name));
  if (unlinkat(parent_fd, name.c_str(), AT_REMOVEDIR) == 0) return {};
  return errno_error(errno, fmt::format("removing the folder {}", name));
}

// Runs `make` and, if the name is taken, once more after removing what has it.
template <typename Make>
Status make_anew(int parent_fd, const std::string& name, const Make& make) {
  TRY(check_entry_name(name));
  if (make() == 0) return {};
  if (errno == EEXIST) {
    TRY(remove_at(parent_fd, name));
    if (make() == 0) return {};
  }
  return errno_error(errno, fmt::format("creating {}", name));
}

struct Times {
  timespec both[2];
};

timespec spec_of(TimePoint t) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(t);
  timespec spec{};
  spec.tv_sec = seconds.time_since_epoch().count();
  spec.tv_nsec = (t - seconds).count();
  return spec;
}

Times times_of(const Entry& entry) {
  const TimePoint atime = entry.atime == TimePoint() ? entry.mtime : entry.atime;
  return {.both = {spec_of(atime), spec_of(entry.mtime)}};
}

bool forgivable(const MetadataOptions& options) {
  return errno == EPERM && !options.strict_ownership;
}

// The security and trusted ones that we may not set are passed over unless ownership is strict:
// they need capabilities, as chown does.
Status set_xattrs(const std::string& proc_path,
                  const Entry& entry,
                  const MetadataOptions& options) {
  for (const ExtendedAttribute& attribute : entry.xattrs) {
    if (setxattr(proc_path.c_str(), attribute.name.c_str(), attribute.value.data(),
                 attribute.value.size(), 0) == 0) {
      continue;
    }
    const bool pass = errno == ENOTSUP || forgivable(options);
    if (!pass) return errno_error(errno, fmt::format("setting its attribute {}", attribute.name));
  }
  return {};
}

Status set_owner_and_mode(int fd, const Entry& entry, const MetadataOptions& options) {
  if (options.ownership && fchown(fd, entry.uid, entry.gid) != 0 && !forgivable(options)) {
    return errno_error(errno,
                       fmt::format("giving it to user {} and group {}", entry.uid, entry.gid));
  }
  if (options.permissions && fchmod(fd, entry.mode) != 0) {
    return errno_error(errno, "setting its permissions");
  }
  return {};
}

}  // namespace

Status check_entry_name(BytesView name) {
  const bool sound = !name.empty() && name != "." && name != ".." && name.size() <= 255 &&
                     name.find('/') == name.npos && name.find('\0') == name.npos;
  if (sound) return {};
  return Error(Code::Corrupt, "\"{}\" cannot be the name of a file", name.substr(0, 300));
}

Result<RestoreTarget> RestoreTarget::open(const FilePath& root) {
  TRY(make_dirs(root));
  return RestoreTarget(TRY(repository::open_directory(root)));
}

Result<UniqueFd> RestoreTarget::open_directory(const std::string& path) const {
  return open_beneath(root_.get(), path, kFolderFlags);
}

Status RestoreTarget::make_directory(const std::string& path, bool replace) const {
  if (path.empty()) return {};
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == path.npos ? "" : path.substr(0, slash);
  const std::string name = slash == path.npos ? path : path.substr(slash + 1);
  TRY(check_entry_name(name));
  const UniqueFd fd = TRY(open_directory(parent));
  if (mkdirat(fd.get(), name.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return errno_error(errno, fmt::format("creating the folder {}", path));
  struct stat info{};
  if (fstatat(fd.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode)) {
    // One that we may not write into is opened up; its own mode comes last.
    if ((info.st_mode & 0700) != 0700) fchmodat(fd.get(), name.c_str(), 0700, 0);
    return {};
  }
  if (!replace) return Error(Code::AlreadyExists, "{} is there, and is not a folder", path);
  TRY(remove_at(fd.get(), name));
  if (mkdirat(fd.get(), name.c_str(), 0700) == 0) return {};
  return errno_error(errno, fmt::format("creating the folder {}", path));
}

Result<UniqueFd> RestoreTarget::create_file(int parent_fd, const std::string& name) const {
  int fd = -1;
  TRY(make_anew(parent_fd, name, [&] {
    fd = ::openat(parent_fd, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                  0600);
    return fd < 0 ? -1 : 0;
  }));
  return UniqueFd(fd);
}

Result<UniqueFd> RestoreTarget::reopen_file(int parent_fd, const std::string& name) const {
  TRY(check_entry_name(name));
  const int fd = ::openat(parent_fd, name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return errno_error(errno, fmt::format("opening {}", name));
  return UniqueFd(fd);
}

Status RestoreTarget::make_symlink(int parent_fd, const std::string& name, BytesView target) const {
  const Bytes text(target);
  return make_anew(parent_fd, name,
                   [&] { return symlinkat(text.c_str(), parent_fd, name.c_str()); });
}

Status RestoreTarget::make_special(int parent_fd, const Entry& entry) const {
  mode_t type = 0;
  switch (entry.type) {
    case EntryType::Fifo:
      type = S_IFIFO;
      break;
    case EntryType::Socket:
      type = S_IFSOCK;
      break;
    case EntryType::CharDevice:
      type = S_IFCHR;
      break;
    case EntryType::BlockDevice:
      type = S_IFBLK;
      break;
    default:
      return Error(Code::Internal, "{} is not a device, fifo or socket", entry.name);
  }
  return make_anew(parent_fd, entry.name, [&] {
    return mknodat(parent_fd, entry.name.c_str(), type | 0600, static_cast<dev_t>(entry.rdevice));
  });
}

Status RestoreTarget::make_hard_link(int parent_fd,
                                     const std::string& name,
                                     int existing_parent_fd,
                                     const std::string& existing) const {
  TRY(check_entry_name(existing));
  return make_anew(parent_fd, name, [&] {
    return linkat(existing_parent_fd, existing.c_str(), parent_fd, name.c_str(), 0);
  });
}

Status RestoreTarget::remove(int parent_fd, const std::string& name) const {
  TRY(check_entry_name(name));
  return remove_at(parent_fd, name);
}

Result<Entry> RestoreTarget::stat(int parent_fd, const std::string& name) const {
  TRY(check_entry_name(name));
  const int fd = ::openat(parent_fd, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return errno_error(errno, fmt::format("looking at {}", name));
  const UniqueFd owner(fd);
  return stat_entry(fd, name, false);
}

Status RestoreTarget::set_metadata(int fd,
                                   const Entry& entry,
                                   const MetadataOptions& options) const {
  TRY(set_owner_and_mode(fd, entry, options));
  if (options.xattrs && !entry.xattrs.empty()) {
    TRY(set_xattrs(fmt::format("/proc/self/fd/{}", fd), entry, options));
  }
  if (options.times) {
    const Times times = times_of(entry);
    if (futimens(fd, times.both) != 0) return errno_error(errno, "setting its times");
  }
  return {};
}

Status RestoreTarget::set_metadata_at(int parent_fd,
                                      const Entry& entry,
                                      const MetadataOptions& options) const {
  const char* const name = entry.name.c_str();
  if (options.ownership &&
      fchownat(parent_fd, name, entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0 &&
      !forgivable(options)) {
    return errno_error(errno,
                       fmt::format("giving it to user {} and group {}", entry.uid, entry.gid));
  }
  const bool link = entry.type == EntryType::Symlink;
  // We made it, and it is no link: its name leads to it.
  if (options.permissions && !link && fchmodat(parent_fd, name, entry.mode, 0) != 0) {
    return errno_error(errno, "setting its permissions");
  }
  if (options.times) {
    const Times times = times_of(entry);
    if (utimensat(parent_fd, name, times.both, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error(errno, "setting its times");
    }
  }
  return {};
}

Status RestoreTarget::sync() const {
  if (syncfs(root_.get()) != 0) return errno_error(errno, "writing what was restored to the disk");
  return {};
}

}  // namespace lateen::repository
