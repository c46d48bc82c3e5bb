// copy_tree of copy.h. Everything goes through open folders and names relative to them, so that a
// symbolic link that appears while we copy can't lead out of either tree.
#include <cerrno>
#include <climits>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/copy_content.h"

namespace lateen {

namespace {

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

// One entry: where it is, and what it was when we looked.
struct Entry {
  int from;  // the folder that has it
  int to;    // the folder that shall have it
  const char* name;
  FilePath path;  // from the trees' roots
  struct stat info;
};

UniqueFd open_folder(int parent, const char* name) {
  return UniqueFd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

std::vector<char> attribute_names(int fd) {
  const ssize_t size = ::flistxattr(fd, nullptr, 0);
  std::vector<char> names(size > 0 ? static_cast<std::size_t>(size) : 0);
  const ssize_t got = names.empty() ? 0 : ::flistxattr(fd, names.data(), names.size());
  names.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return names;
}

// Best effort: the file system or our rights may refuse any of them.
void copy_attributes(int from, int to) {
  const std::vector<char> names = attribute_names(from);
  for (std::size_t at = 0; at < names.size();) {
    const std::string name(names.data() + at);
    at += name.size() + 1;
    Bytes value(XATTR_SIZE_MAX, '\0');
    const ssize_t size = ::fgetxattr(from, name.c_str(), value.data(), value.size());
    if (size < 0) continue;
    (void)::fsetxattr(to, name.c_str(), value.data(), static_cast<std::size_t>(size), 0);
  }
}

class TreeCopier {
 public:
  TreeCopier(UniqueFd target, std::stop_token stop)
      : target_(std::move(target)), stop_(std::move(stop)) {}

  Status copy_folder(UniqueFd from, int to, const FilePath& path) {
    const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(from.get()));
    if (!dir) return failure("listing", path);
    (void)from.release();
    for (;;) {
      if (stop_.stop_requested()) return Error(Code::Canceled, "copying was stopped");
      errno = 0;
      const dirent* const found = ::readdir(dir.get());  // NOLINT(concurrency-mt-unsafe): our own
      if (found == nullptr) return errno == 0 ? Status() : failure("listing", path);
      const std::string_view name = found->d_name;
      if (name == "." || name == "..") continue;
      Entry entry{.from = ::dirfd(dir.get()),
                  .to = to,
                  .name = found->d_name,
                  .path = path / found->d_name,
                  .info = {}};
      TRY(copy_entry(entry));
    }
  }

  // Modes, owners and times last: writing into a folder would change them again.
  Status finish(int from, int to, const struct stat& info, const FilePath& path) {
    copy_attributes(from, to);
    // Only root may give files away; others own what they copy.
    if (::geteuid() == 0 && ::fchown(to, info.st_uid, info.st_gid) != 0) {
      return failure("setting the owner of", path);
    }
    if (::fchmod(to, info.st_mode & 07777) != 0) return failure("setting the mode of", path);
    const timespec times[] = {info.st_atim, info.st_mtim};
    if (::futimens(to, times) != 0) return failure("setting the times of", path);
    return {};
  }

  CopiedTree copied() const { return copied_; }

 private:
  static Error failure(std::string_view verb, const FilePath& path) {
    const int number = errno;
    return errno_error(number, fmt::format("{} {}", verb, path.native()));
  }

  // A live volume changes under our hands: what has gone since it was listed is not missing from
  // the copy.
  Status copy_entry(Entry& entry) {
    if (::fstatat(entry.from, entry.name, &entry.info, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno == ENOENT ? Status() : failure("looking at", entry.path);
    }
    const mode_t mode = entry.info.st_mode;
    if (S_ISDIR(mode)) return copy_subfolder(entry);
    if (entry.info.st_nlink > 1 && TRY(linked_again(entry))) return {};
    if (S_ISREG(mode)) return copy_file(entry);
    if (S_ISLNK(mode)) return copy_link(entry);
    if (S_ISFIFO(mode)) return copy_fifo(entry);
    ++copied_.skipped;
    return {};
  }

  Status copy_subfolder(const Entry& entry) {
    UniqueFd from = open_folder(entry.from, entry.name);
    if (!from) return errno == ENOENT ? Status() : failure("opening", entry.path);
    if (::mkdirat(entry.to, entry.name, 0700) != 0 && errno != EEXIST) {
      return failure("making", entry.path);
    }
    const UniqueFd to = open_folder(entry.to, entry.name);
    if (!to) return failure("opening the copy of", entry.path);
    const UniqueFd source(::fcntl(from.get(), F_DUPFD_CLOEXEC, 0));
    if (!source) return failure("opening", entry.path);
    TRY(copy_folder(std::move(from), to.get(), entry.path));
    return finish(source.get(), to.get(), entry.info, entry.path);
  }

  // Whether it is a second name of what has been copied already, which the copy then gets too.
  Result<bool> linked_again(const Entry& entry) {
    const auto [known, first] =
        links_.try_emplace({entry.info.st_dev, entry.info.st_ino}, entry.path);
    if (first) return false;
    if (::linkat(target_.get(), known->second.c_str(), entry.to, entry.name, 0) != 0) {
      // The first name may have gone before it could be copied.
      if (errno == ENOENT) return false;
      return failure("linking", entry.path);
    }
    return true;
  }

  Status copy_file(const Entry& entry) {
    const UniqueFd from(
        ::openat(entry.from, entry.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!from) return errno == ENOENT ? Status() : failure("opening", entry.path);
    const UniqueFd to(
        ::openat(entry.to, entry.name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!to) return failure("making", entry.path);
    auto cloned = copy_content(from.get(), to.get(), stop_);
    if (!cloned) return std::move(cloned).error().wrap("copying {}", entry.path.native());
    ++copied_.files;
    copied_.bytes += static_cast<ByteCount>(entry.info.st_size);
    copied_.all_cloned = copied_.all_cloned && *cloned;
    return finish(from.get(), to.get(), entry.info, entry.path);
  }

  Status copy_link(const Entry& entry) {
    std::string target(PATH_MAX, '\0');
    const ssize_t size = ::readlinkat(entry.from, entry.name, target.data(), target.size());
    if (size < 0) return errno == ENOENT ? Status() : failure("reading the link", entry.path);
    target.resize(static_cast<std::size_t>(size));
    if (::symlinkat(target.c_str(), entry.to, entry.name) != 0) {
      return failure("making the link", entry.path);
    }
    return finish_by_name(entry);
  }

  Status copy_fifo(const Entry& entry) {
    if (::mkfifoat(entry.to, entry.name, entry.info.st_mode & 07777) != 0) {
      return failure("making the FIFO", entry.path);
    }
    return finish_by_name(entry);
  }

  Status finish_by_name(const Entry& entry) {
    const auto& info = entry.info;
    if (::geteuid() == 0 &&
        ::fchownat(entry.to, entry.name, info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
      return failure("setting the owner of", entry.path);
    }
    const timespec times[] = {info.st_atim, info.st_mtim};
    if (::utimensat(entry.to, entry.name, times, AT_SYMLINK_NOFOLLOW) != 0) {
      return failure("setting the times of", entry.path);
    }
    return {};
  }

  const UniqueFd target_;
  const std::stop_token stop_;
  CopiedTree copied_;
  // Only files with several names are remembered.
  std::map<std::pair<dev_t, ino_t>, FilePath> links_;
};

}  // namespace

Result<CopiedTree> copy_tree(const FilePath& from, const FilePath& to, std::stop_token stop) {
  UniqueFd source = open_folder(AT_FDCWD, from.c_str());
  if (!source) return errno_error(errno, fmt::format("opening {}", from.native()));
  struct stat info{};
  if (::fstat(source.get(), &info) != 0) {
    return errno_error(errno, fmt::format("looking at {}", from.native()));
  }
  TRY(make_dirs(to));
  UniqueFd target = open_folder(AT_FDCWD, to.c_str());
  if (!target) return errno_error(errno, fmt::format("opening {}", to.native()));
  const UniqueFd source_again(::fcntl(source.get(), F_DUPFD_CLOEXEC, 0));
  if (!source_again) return errno_error(errno, fmt::format("opening {}", from.native()));

  const int root = target.get();
  TreeCopier copier(std::move(target), std::move(stop));
  TRY(copier.copy_folder(std::move(source), root, {}).wrap("copying {}", from.native()));
  TRY(copier.finish(source_again.get(), root, info, to));
  return copier.copied();
}

}  // namespace lateen
