#include "sandbox/runtime/mount_tree.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/runtime/mount_calls.h"

namespace lateen::sandbox {
namespace {

// Where the original of an unfolded directory stays in reach.
constexpr std::string_view kUnfolded = "/.lateen";

// What the container has of its own.
constexpr std::array<std::string_view, 6> kOwn{"proc", "sys", "dev", "run", "tmp", ".lateen"};

// A detached copy of the mount and of what is mounted below it.
Result<UniqueFd> clone_tree(const std::string& source) {
  const int fd =
      call_open_tree(AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (fd < 0) return errno_error(errno, fmt::format("mounting {}", source));
  return UniqueFd(fd);
}

Status make_read_only(const UniqueFd& tree, const std::string& name) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  return check(call_mount_setattr(tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, attributes),
               fmt::format("making {} read-only", name));
}

// One entry of `from` appears, read-only, in the writable directory `to`.
Status show_entry(const FilePath& from, const FilePath& to, const DirEntry& entry) {
  const FilePath source = from / entry.name;
  const FilePath target = to / entry.name;
  if (entry.kind == FileKind::Symlink) {
    std::error_code problem;
    std::filesystem::copy_symlink(source, target, problem);
    if (problem)
      return Error(Code::Io, "copying the link {}: {}", source.string(), problem.message());
    return Status();
  }
  const bool is_directory = entry.kind == FileKind::Directory;
  if (is_directory) {
    TRY(make_dirs(target));
  } else {
    TRY(write_file(target, ""));
  }
  auto mount = prepare(source.string(), target.string(), true);
  // What we may not even mount we could not have read either.
  if (!mount) return Status();
  return place(mount->tree, mount->target);
}

Status show_all(const FilePath& from, const FilePath& to) {
  for (const DirEntry& entry : TRY(list_dir(from))) {
    const bool own = from == "/" && std::find(kOwn.begin(), kOwn.end(), entry.name) != kOwn.end();
    if (own && entry.kind == FileKind::Directory) {
      TRY(make_dirs(to / entry.name));
    } else if (!own) {
      TRY(show_entry(from, to, entry));
    }
  }
  return Status();
}

// `directory` becomes a tmpfs that shows what was in it.
Status unfold(const FilePath& directory) {
  const UniqueFd original = TRY(clone_tree(directory.string()));
  std::size_t number = 0;
  while (path_exists(FilePath(kUnfolded) / fmt::format("{}", number)))
    ++number;
  const FilePath kept = FilePath(kUnfolded) / fmt::format("{}", number);
  TRY(make_dirs(kept));
  TRY(place(original, kept.string()));
  TRY(mount_fs("tmpfs", directory.string(), MS_NOSUID | MS_NODEV, "mode=0755"));
  return show_all(kept, directory);
}

Status make_one(const FilePath& path, bool is_directory) {
  if (is_directory) return make_dirs(path);
  return write_file(path, "");
}

}  // namespace

Status check(int result, std::string_view what) {
  if (result == 0) return Status();
  return errno_error(errno, what);
}

Status mount_fs(const char* type,
                const std::string& target,
                unsigned long flags,
                const std::string& options) {
  return check(mount(type, target.c_str(), type, flags, options.c_str()),
               fmt::format("mounting {} on {}", type, target));
}

Result<PreparedMount> prepare(const std::string& source,
                              const std::string& target,
                              bool read_only) {
  UniqueFd tree = TRY(clone_tree(source));
  if (read_only) TRY(make_read_only(tree, source));
  struct stat info{};
  TRY(check(fstat(tree.get(), &info), source));
  return PreparedMount{
      .tree = std::move(tree), .target = target, .is_directory = S_ISDIR(info.st_mode)};
}

Status place(const UniqueFd& tree, const std::string& target) {
  return check(call_move_mount(tree.get(), AT_FDCWD, target.c_str(),
                               MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS),
               fmt::format("mounting on {}", target));
}

Status put_in_place(const PreparedMount& mount) {
  TRY(make_mount_path(mount.target, mount.is_directory));
  return place(mount.tree, mount.target);
}

Status make_mount_path(const std::string& path, bool is_directory) {
  std::error_code problem;
  // Its existing beginning without symbolic links, so that the parent below is the real one.
  const FilePath target = std::filesystem::weakly_canonical(path, problem);
  if (problem)
    return Error(Code::InvalidArgument, "the mount path {}: {}", path, problem.message());
  FilePath at = "/";
  for (const FilePath& part : target.relative_path()) {
    if (part.empty()) continue;
    const FilePath parent = at;
    at /= part;
    if (path_exists(at)) continue;
    const bool last = at == target;
    if (make_one(at, is_directory || !last)) continue;
    TRY(unfold(parent).wrap("making the mount path {}", path));
    TRY(make_one(at, is_directory || !last).wrap("making the mount path {}", path));
  }
  return Status();
}

Status build_skeleton(const std::string& root) {
  // A mount of its own, as pivot_root wants it.
  TRY(mount_fs("tmpfs", root, MS_NOSUID | MS_NODEV, "mode=0755,size=1g"));
  TRY(make_dirs(FilePath(root) / ".lateen"));
  return show_all("/", root);
}

}  // namespace lateen::sandbox
