// What file.h offers for folders, and for telling what a path is.
#include <algorithm>
#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

namespace lateen {

namespace {

Error path_error(std::string_view verb, const FilePath& path) {
  const int number = errno;
  return errno_error(number, fmt::format("{} {}", verb, path.native()));
}

FileKind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::Regular;
  if (S_ISDIR(mode)) return FileKind::Directory;
  if (S_ISLNK(mode)) return FileKind::Symlink;
  return FileKind::Other;
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

using OpenDir = std::unique_ptr<DIR, CloseDir>;

// Takes the descriptor over.
OpenDir open_dir(UniqueFd fd) {
  OpenDir dir(::fdopendir(fd.get()));
  if (dir) (void)fd.release();
  return dir;
}

bool is_dots(std::string_view name) {
  return name == "." || name == "..";
}

// "a/b/" as "a/b": with the slash at its end the kernel would follow a symbolic link.
FilePath without_slash(const FilePath& path) {
  FilePath plain = path;
  while (!plain.has_filename() && plain.has_relative_path())
    plain = plain.parent_path();
  return plain;
}

Status empty_folder(UniqueFd fd, const FilePath& path);

// Removes `name` in the open folder, whatever it is.
Status remove_entry(int folder, const char* name, const FilePath& path) {
  if (::unlinkat(folder, name, 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return path_error("removing", path);
  UniqueFd inner(::openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!inner) return errno == ENOENT ? Status() : path_error("removing", path);
  TRY(empty_folder(std::move(inner), path));
  if (::unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  return path_error("removing", path);
}

Status empty_folder(UniqueFd fd, const FilePath& path) {
  const OpenDir dir = open_dir(std::move(fd));
  if (!dir) return path_error("listing", path);
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(dir.get());  // NOLINT(concurrency-mt-unsafe): our own DIR
    if (entry == nullptr) return errno == 0 ? Status() : path_error("listing", path);
    if (is_dots(entry->d_name)) continue;
    TRY(remove_entry(::dirfd(dir.get()), entry->d_name, path / entry->d_name));
  }
}

}  // namespace

Result<FileInfo> file_info(const FilePath& path) {
  struct stat s{};
  if (::lstat(path.c_str(), &s) != 0) return path_error("looking at", path);
  const auto modified =
      std::chrono::seconds(s.st_mtim.tv_sec) + std::chrono::nanoseconds(s.st_mtim.tv_nsec);
  return FileInfo{.kind = kind_of(s.st_mode),
                  .size = static_cast<ByteCount>(s.st_size),
                  .mode = s.st_mode & 07777,
                  .modified = TimePoint(modified)};
}

bool path_exists(const FilePath& path) {
  struct stat s{};
  return ::lstat(path.c_str(), &s) == 0;
}

Result<std::vector<DirEntry>> list_dir(const FilePath& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return path_error("listing", path);
  const OpenDir dir = open_dir(std::move(fd));
  if (!dir) return path_error("listing", path);
  std::vector<DirEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(dir.get());  // NOLINT(concurrency-mt-unsafe): our own DIR
    if (entry == nullptr && errno != 0) return path_error("listing", path);
    if (entry == nullptr) break;
    if (is_dots(entry->d_name)) continue;
    struct stat s{};
    // NOLINTNEXTLINE(clang-analyzer-unix.StdCLibraryFunctions): an open DIR has its descriptor
    if (::fstatat(::dirfd(dir.get()), entry->d_name, &s, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      return path_error("looking at", path / entry->d_name);
    }
    entries.push_back({.name = entry->d_name, .kind = kind_of(s.st_mode)});
  }
  std::sort(entries.begin(), entries.end(),
            [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
  return entries;
}

Status make_dirs(const FilePath& path, mode_t mode) {
  const FilePath plain = without_slash(path);
  if (plain.empty() || ::mkdir(plain.c_str(), mode) == 0) return {};
  if (errno == ENOENT && plain.has_parent_path() && plain.parent_path() != plain) {
    TRY(make_dirs(plain.parent_path(), mode));
    if (::mkdir(plain.c_str(), mode) == 0) return {};
  }
  const int failure = errno;
  struct stat s{};
  if (failure == EEXIST && ::stat(plain.c_str(), &s) == 0 && S_ISDIR(s.st_mode)) return {};
  return errno_error(failure, fmt::format("making the folder {}", path.native()));
}

Status remove_tree(const FilePath& path) {
  const FilePath plain = without_slash(path);
  if (!plain.has_filename() || is_dots(plain.filename().native())) {
    return Error(Code::InvalidArgument, "refusing to remove \"{}\"", path.native());
  }
  return remove_entry(AT_FDCWD, plain.c_str(), plain);
}

}  // namespace lateen
