#include "objects/fs_dir.h"

#include <algorithm>
#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/text.h"

namespace lateen::objects::fs {
namespace {

constexpr int kOpenDir = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};

// The kind, asked for where the file system doesn't say it in the listing.
bool is_kind(int folder, const dirent& entry, unsigned char kind, mode_t mode) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == kind;
  struct stat status = {};
  return fstatat(folder, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         (status.st_mode & S_IFMT) == mode;
}

}  // namespace

Result<UniqueFd> open_dir(int parent, const std::string& name, IfAbsent if_absent) {
  UniqueFd folder(openat(parent, name.c_str(), kOpenDir));
  for (int race = 0; !folder && errno == ENOENT && if_absent == IfAbsent::Create && race < kRaces;
       ++race) {
    if (mkdirat(parent, name.c_str(), 0755) == 0) {
      // The new name must survive a crash before anything that relies on it.
      if (fsync(parent) != 0)
        return errno_error(errno, fmt::format("syncing the folder above {}", name));
    } else if (errno != EEXIST) {
      return errno_error(errno, fmt::format("making folder {}", name));
    }
    folder = UniqueFd(openat(parent, name.c_str(), kOpenDir));
  }
  if (folder) return folder;
  const int number = errno;
  // A link looked at as a folder is ENOTDIR with O_DIRECTORY, like a file: no object can be below
  // either.
  if (number == ENOTDIR && if_absent == IfAbsent::Fail)
    return Error(Code::NotFound, "{} is not a folder", name);
  return errno_error(number, fmt::format("opening folder {}", name));
}

Result<KeyPath> open_key_path(int root, std::string_view key, IfAbsent if_absent) {
  KeyPath path;
  std::vector<std::string_view> segments = split(key, '/');
  path.leaf = segments.back();
  segments.pop_back();
  for (const std::string_view segment : segments) {
    UniqueFd folder = TRY(open_dir(path.parent(root), std::string(segment), if_absent));
    path.folders.push_back(std::move(folder));
    path.names.emplace_back(segment);
  }
  return path;
}

Result<std::vector<Entry>> read_dir(int folder) {
  // fdopendir takes the descriptor over, and its position is shared with it: read from a fresh one.
  UniqueFd own(openat(folder, ".", kOpenDir));
  if (!own) return errno_error(errno, "opening a folder to list it");
  const std::unique_ptr<DIR, CloseDir> dir(fdopendir(own.get()));
  if (!dir) return errno_error(errno, "listing a folder");
  (void)own.release();  // closed by CloseDir from here on

  std::vector<Entry> entries;
  for (;;) {
    errno = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): each stream is read by the one thread that opened it
    const dirent* entry = readdir(dir.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || name == kTemporaryDir) continue;
    if (is_kind(folder, *entry, DT_DIR, S_IFDIR)) {
      entries.push_back({.name = std::string(name) + '/', .is_folder = true});
    } else if (is_kind(folder, *entry, DT_REG, S_IFREG)) {
      entries.push_back({.name = std::string(name)});
    }
  }
  if (errno != 0) return errno_error(errno, "listing a folder");
  std::ranges::sort(entries, {}, &Entry::name);
  return entries;
}

ObjectInfo object_info(std::string key, const struct stat& status) {
  const auto modified = std::chrono::seconds(status.st_mtim.tv_sec) +
                        std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return {.key = std::move(key),
          .size = static_cast<ByteCount>(status.st_size),
          .modified = TimePoint(modified)};
}

}  // namespace lateen::objects::fs
