#include "objects/fs_upload.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/direct_io.h"
#include "objects/fs_dir.h"

namespace lateen::objects::fs {

namespace {

// Smaller pieces are gathered by the page cache.
constexpr std::size_t kDirectFrom = 1_MiB;

}  // namespace

FsUpload::FsUpload(UniqueFd root, std::string key, std::string name, std::stop_token stop)
    : root_(std::move(root)),
      key_(std::move(key)),
      name_(std::move(name)),
      stop_(std::move(stop)) {}

FsUpload::~FsUpload() {
  if (file_) unlinkat(temporary_dir_.get(), name_.c_str(), 0);
  temporary_dir_.reset();
  // Leaves the bucket tidy; fails, as it should, while others are writing.
  unlinkat(root_.get(), std::string(kTemporaryDir).c_str(), AT_REMOVEDIR);
}

Result<std::unique_ptr<FsUpload>> FsUpload::create(int root,
                                                   std::string key,
                                                   std::string name,
                                                   std::stop_token stop) {
  UniqueFd own_root(fcntl(root, F_DUPFD_CLOEXEC, 0));
  if (!own_root) return errno_error(errno, "duplicating the bucket's descriptor");
  auto upload = std::make_unique<FsUpload>(std::move(own_root), std::move(key), std::move(name),
                                           std::move(stop));
  TRY(upload->open_temporary());
  return upload;
}

Status FsUpload::open_temporary() {
  const std::string folder(kTemporaryDir);
  for (int race = 0;; ++race) {
    temporary_dir_ = TRY(open_dir(root_.get(), folder, IfAbsent::Create));
    file_ = UniqueFd(openat(temporary_dir_.get(), name_.c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (file_) return {};
    if (errno != ENOENT || race == kRaces)
      return errno_error(errno, fmt::format("creating {}/{}", folder, name_));
  }
}

// Whole blocks of a large piece, past the page cache: it would have to go to the disk at complete()
// anyway, and nobody reads it again soon. Says how many bytes that were; 0 where it cannot be done.
Result<std::size_t> FsUpload::write_directly(BytesView bytes) {
  if (!at_block_ || bytes.size() < kDirectFrom || !is_aligned(bytes.data())) return 0;
  if (!allows_direct_io(file_.get()) || !set_direct_io(file_.get(), true)) return 0;
  const auto blocks = static_cast<std::size_t>(align_down(bytes.size()));
  std::size_t done = 0;
  while (done < blocks) {
    const ssize_t wrote = ::write(file_.get(), bytes.data() + done, blocks - done);
    if (wrote < 0 && errno == EINTR) continue;
    const bool refused = wrote < 0 && errno == EINVAL && done == 0;
    if (wrote < 0 && !refused) return errno_error(errno, "writing it");
    if (wrote > 0) done += static_cast<std::size_t>(wrote);
    if (refused || static_cast<std::size_t>(wrote) % kDirectAlignment != 0) break;
  }
  if (!set_direct_io(file_.get(), false))
    return errno_error(errno, "going on with it through the page cache");
  return done;
}

Status FsUpload::write(BytesView bytes) {
  if (stop_.stop_requested()) return Error(Code::Canceled, "writing {} was stopped", key_);
  if (!file_) return Error(Code::Internal, "writing to {} after its end", key_);
  bytes.remove_prefix(TRY(write_directly(bytes).wrap("writing {}", key_)));
  at_block_ = at_block_ && bytes.empty();
  return write_all(file_.get(), bytes).wrap("writing {}", key_);
}

Status FsUpload::complete() {
  return sync_and(Publish::Replace);
}

Status FsUpload::complete_if_absent() {
  return sync_and(Publish::IfAbsent);
}

Status FsUpload::sync_and(Publish how) {
  if (stop_.stop_requested()) return Error(Code::Canceled, "writing {} was stopped", key_);
  if (!file_) return Error(Code::Internal, "completing {} twice", key_);
  if (fsync(file_.get()) != 0) return errno_error(errno, fmt::format("syncing {}", key_));
  TRY(publish(how).wrap("publishing {}", key_));
  file_.reset();
  return {};
}

int FsUpload::enter(int parent, const std::string& leaf, Publish how) const {
  const int temporary = temporary_dir_.get();
  if (how == Publish::Replace)
    return renameat(temporary, name_.c_str(), parent, leaf.c_str()) == 0 ? 0 : errno;
  if (linkat(temporary, name_.c_str(), parent, leaf.c_str(), 0) != 0) return errno;
  unlinkat(temporary, name_.c_str(), 0);
  return 0;
}

Status FsUpload::publish(Publish how) {
  for (int race = 0;; ++race) {
    Result<KeyPath> path = open_key_path(root_.get(), key_, IfAbsent::Create);
    if (!path && (path.error().code() != Code::NotFound || race == kRaces))
      return std::move(path).error();
    if (!path) continue;
    const int parent = path->parent(root_.get());
    const int failed = enter(parent, path->leaf, how);
    if (failed == 0) {
      if (fsync(parent) != 0) return errno_error(errno, "syncing its folder");
      return {};
    }
    const bool no_links = failed == EPERM || failed == ENOTSUP || failed == ENOSYS;
    if (no_links && how == Publish::IfAbsent)
      return Error(Code::Unsupported, "the file system has no links");
    if (failed != ENOENT || race == kRaces) return errno_error(failed, "renaming");
  }
}

void FsUpload::purge_older_than(Duration age) const {
  struct stat mine = {};
  if (fstat(file_.get(), &mine) != 0) return;
  const Result<std::vector<Entry>> entries = read_dir(temporary_dir_.get());
  if (!entries) return;
  const TimePoint now = object_info({}, mine).modified;
  for (const Entry& entry : *entries) {
    struct stat status = {};
    const bool known =
        fstatat(temporary_dir_.get(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (known && !entry.is_folder && object_info({}, status).modified < now - age) {
      unlinkat(temporary_dir_.get(), entry.name.c_str(), 0);
    }
  }
}

}  // namespace lateen::objects::fs
