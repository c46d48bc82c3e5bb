#include "objects/fs_store.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "objects/fs_dir.h"
#include "objects/fs_upload.h"

namespace lateen::objects {
namespace {

// An upload that nobody has written to for so long belongs to a process that died.
constexpr Duration kAbandoned = std::chrono::hours(24);

// No bucket is that deep; whoever made such a tree means harm.
constexpr int kMaxDepth = 64;

class FsReader final : public ObjectReader {
 public:
  FsReader(UniqueFd fd, ByteCount size, std::string key, std::stop_token stop)
      : fd_(std::move(fd)), size_(size), key_(std::move(key)), stop_(std::move(stop)) {}

  ByteCount size() const override { return size_; }

  Result<std::size_t> read(std::span<char> room) override {
    if (stop_.stop_requested()) return Error(Code::Canceled, "reading {} was stopped", key_);
    for (;;) {
      const ssize_t got = ::read(fd_.get(), room.data(), room.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return errno_error(errno, fmt::format("reading {}", key_));
    }
  }

 private:
  UniqueFd fd_;
  ByteCount size_;
  std::string key_;
  std::stop_token stop_;
};

Result<struct stat> status_of(const UniqueFd& fd, std::string_view key) {
  struct stat status = {};
  if (fstat(fd.get(), &status) != 0) return errno_error(errno, fmt::format("looking at {}", key));
  return status;
}

Status check_fs_key(std::string_view key) {
  TRY(check_key(key));
  if (key.substr(0, key.find('/')) == fs::kTemporaryDir) {
    return Error(Code::InvalidArgument, "key {} is reserved for objects being written", key);
  }
  return {};
}

Error no_object(std::string_view key, const FilePath& root) {
  return Error(Code::NotFound, "object {} is not in {}", key, root.string());
}

// Below this the page cache is quicker than the disk, whatever it has.
constexpr ByteCount kDirectFrom = 256_KiB;

// Until there are `least` bytes, or the file ends.
Result<std::size_t> read_into(int fd, ByteCount offset, std::span<char> room, std::size_t least) {
  std::size_t have = 0;
  while (have < least) {
    const ssize_t got =
        pread(fd, room.data() + have, room.size() - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(errno, "reading it");
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  return have;
}

// One call of FsStore::list.
class Listing {
 public:
  Listing(std::string_view prefix,
          std::string_view after,
          std::size_t page_size,
          std::stop_token stop)
      : prefix_(prefix), after_(after), page_size_(page_size), stop_(std::move(stop)) {}

  // Adds what is below `folder`, whose keys start with `path`, until the page is full.
  Status walk(int folder, const std::string& path, int depth) {
    if (depth > kMaxDepth) return Error(Code::Corrupt, "{} is nested too deeply", path);
    if (stop_.stop_requested()) return Error(Code::Canceled, "listing was stopped");
    const std::vector<fs::Entry> entries = TRY(fs::read_dir(folder));
    for (const fs::Entry& entry : entries) {
      if (page_.more) return {};
      const std::string key = path + entry.name;
      if (entry.is_folder) {
        if (!may_hold_more(key)) continue;
        Result<UniqueFd> below = fs::open_dir(folder, entry.name.substr(0, entry.name.size() - 1));
        if (!below && below.error().code() == Code::NotFound)
          continue;  // removed since it was listed
        if (!below) return std::move(below).error();
        TRY(walk(below->get(), key, depth + 1));
      } else if (key > after_ && key.starts_with(prefix_)) {
        add(folder, entry.name, key);
      }
    }
    return {};
  }

  ListPage take() { return std::move(page_); }

 private:
  bool may_hold_more(std::string_view folder) const {
    const bool in_prefix = folder.starts_with(prefix_) || prefix_.starts_with(folder);
    return in_prefix && (folder > after_ || after_.starts_with(folder));
  }

  void add(int folder, const std::string& name, const std::string& key) {
    struct stat status = {};
    if (fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return;  // removed since it was listed
    if (page_.objects.size() == page_size_) {
      page_.more = true;
      return;
    }
    page_.objects.push_back(fs::object_info(key, status));
  }

  std::string_view prefix_;
  std::string_view after_;
  std::size_t page_size_;
  std::stop_token stop_;
  ListPage page_;
};

// Whether any object is in the folder or below it.
Result<bool> holds_object(int folder, int depth) {
  if (depth > kMaxDepth) return Error(Code::Corrupt, "folders are nested too deeply");
  const std::vector<fs::Entry> entries = TRY(fs::read_dir(folder));
  if (std::ranges::any_of(entries, [](const fs::Entry& entry) { return !entry.is_folder; }))
    return true;
  for (const fs::Entry& entry : entries) {
    Result<UniqueFd> below = fs::open_dir(folder, entry.name.substr(0, entry.name.size() - 1));
    if (!below) continue;  // gone, or not ours to read: it shows nothing
    if (TRY(holds_object(below->get(), depth + 1))) return true;
  }
  return false;
}

// The folder in which all keys of the prefix are: "a/b/" of "a/b/c". NotFound if it isn't there.
Result<UniqueFd> open_prefix(int root, std::string_view prefix) {
  const std::size_t slash = prefix.rfind('/');
  if (slash == std::string_view::npos) return fs::open_dir(root, ".");
  const std::string_view folder = prefix.substr(0, slash);
  TRY(check_fs_key(folder));
  const fs::KeyPath path = TRY(fs::open_key_path(root, folder, fs::IfAbsent::Fail));
  return fs::open_dir(path.parent(root), path.leaf);
}

}  // namespace

FsStore::FsStore(FilePath root, UniqueFd root_fd, std::size_t page_size)
    : root_(std::move(root)), root_fd_(std::move(root_fd)), page_size_(page_size) {}

Result<std::unique_ptr<ObjectStore>> FsStore::open(const FsStoreOptions& options) {
  if (options.create) TRY(make_dirs(options.root));
  UniqueFd root(::open(options.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) {
    return errno_error(errno, fmt::format("opening bucket {}", options.root.string()))
        .with_hint("Is it mounted? A bucket that is a folder must exist.");
  }
  std::unique_ptr<ObjectStore> store =
      std::make_unique<FsStore>(options.root, std::move(root), options.page_size);
  return store;
}

Result<UniqueFd> FsStore::open_object(std::string_view key) const {
  TRY(check_fs_key(key));
  Result<fs::KeyPath> path = fs::open_key_path(root_fd_.get(), key, fs::IfAbsent::Fail);
  if (!path && path.error().code() == Code::NotFound) return no_object(key, root_);
  if (!path) return std::move(path).error();
  // Not blocking: a FIFO in the bucket must not hang us.
  UniqueFd fd(openat(path->parent(root_fd_.get()), path->leaf.c_str(),
                     O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd && (errno == ENOENT || errno == ELOOP)) return no_object(key, root_);
  if (!fd) return errno_error(errno, fmt::format("opening object {}", key));
  const struct stat status = TRY(status_of(fd, key));
  if (!S_ISREG(status.st_mode)) return no_object(key, root_);
  return fd;
}

Result<Bytes> FsStore::get(std::string_view key, ByteCount max, std::stop_token) {
  const UniqueFd fd = TRY(open_object(key));
  const struct stat status = TRY(status_of(fd, key));
  const ByteCount size = static_cast<ByteCount>(status.st_size);
  if (size > max) {
    return Error(Code::InvalidArgument, "object {} has {} bytes, more than the {} expected", key,
                 size, max);
  }
  return read_all(fd.get(), max).wrap("reading {}", key);
}

Result<Bytes> FsStore::get_range(std::string_view key,
                                 ByteCount offset,
                                 ByteCount length,
                                 std::stop_token) {
  const UniqueFd fd = TRY(open_object(key));
  const struct stat status = TRY(status_of(fd, key));
  const ByteCount size = static_cast<ByteCount>(status.st_size);
  if (offset >= size) return Bytes();
  return read_at(fd.get(), offset, static_cast<std::size_t>(std::min(length, size - offset)))
      .wrap("reading {}", key);
}

Result<BytesView> FsStore::read_range(std::string_view key,
                                      ByteCount offset,
                                      ByteCount length,
                                      std::span<char> room,
                                      std::stop_token) {
  const UniqueFd fd = TRY(open_object(key));
  const struct stat status = TRY(status_of(fd, key));
  const ByteCount size = static_cast<ByteCount>(status.st_size);
  if (offset >= size) return BytesView();
  length = std::min(length, size - offset);
  const bool direct = length >= kDirectFrom && is_aligned(room.data()) &&
                      allows_direct_io(fd.get()) && !is_cached(fd.get(), offset, length) &&
                      set_direct_io(fd.get(), true);
  if (direct) {
    const ByteCount start = align_down(offset);
    const auto whole = static_cast<std::size_t>(align_up(offset + length) - start);
    const auto skip = static_cast<std::size_t>(offset - start);
    const auto got = read_into(fd.get(), start, room.first(whole), skip + length);
    if (got && *got >= skip + length) return BytesView(room.data() + skip, length);
    // A disk with larger blocks than we know of, a bad sector: the plain way says what it is.
    set_direct_io(fd.get(), false);
  }
  const std::size_t got =
      TRY(read_into(fd.get(), offset, room.first(length), length).wrap("reading {}", key));
  if (got < length) return Error(Code::Corrupt, "reading {}: it became shorter", key);
  return BytesView(room.data(), length);
}

Result<std::unique_ptr<ObjectReader>> FsStore::open_read(std::string_view key,
                                                         std::stop_token stop) {
  UniqueFd fd = TRY(open_object(key));
  const struct stat status = TRY(status_of(fd, key));
  std::unique_ptr<ObjectReader> reader = std::make_unique<FsReader>(
      std::move(fd), static_cast<ByteCount>(status.st_size), std::string(key), std::move(stop));
  return reader;
}

Result<ObjectInfo> FsStore::head(std::string_view key, std::stop_token) {
  const UniqueFd fd = TRY(open_object(key));
  const struct stat status = TRY(status_of(fd, key));
  return fs::object_info(std::string(key), status);
}

Status FsStore::put(std::string_view key, BytesView bytes, std::stop_token stop) {
  const std::unique_ptr<Upload> upload = TRY(begin_upload(key, std::move(stop)));
  TRY(upload->write(bytes));
  return upload->complete();
}

Status FsStore::put_if_absent(std::string_view key, BytesView bytes, std::stop_token stop) {
  const auto upload = TRY(begin(key, std::move(stop)));
  TRY(upload->write(bytes));
  return upload->complete_if_absent();
}

Result<std::unique_ptr<Upload>> FsStore::begin_upload(std::string_view key, std::stop_token stop) {
  return std::unique_ptr<Upload>(TRY(begin(key, std::move(stop))));
}

Result<std::unique_ptr<fs::FsUpload>> FsStore::begin(std::string_view key, std::stop_token stop) {
  TRY(check_fs_key(key));
  for (;;) {
    // In containers every process is number 1: names of others are stepped over.
    std::string name = fmt::format("{}-{}", getpid(), next_temporary_++);
    Result<std::unique_ptr<fs::FsUpload>> upload =
        fs::FsUpload::create(root_fd_.get(), std::string(key), std::move(name), stop);
    if (!upload && upload.error().code() == Code::AlreadyExists) continue;
    if (!upload) return std::move(upload).error().wrap("writing {} to {}", key, root_.string());
    if (!purged_.exchange(true)) (*upload)->purge_older_than(kAbandoned);
    return std::move(*upload);
  }
}

Status FsStore::remove(std::string_view key, std::stop_token) {
  TRY(check_fs_key(key));
  Result<fs::KeyPath> path = fs::open_key_path(root_fd_.get(), key, fs::IfAbsent::Fail);
  if (!path)
    return path.error().code() == Code::NotFound ? Status() : Status(std::move(path).error());
  if (unlinkat(path->parent(root_fd_.get()), path->leaf.c_str(), 0) != 0) {
    if (errno == ENOENT || errno == EISDIR) return {};
    return errno_error(errno, fmt::format("removing object {}", key));
  }
  // Up to the first folder that isn't empty.
  while (!path->folders.empty()) {
    path->folders.pop_back();
    const std::string name = std::move(path->names.back());
    path->names.pop_back();
    if (unlinkat(path->parent(root_fd_.get()), name.c_str(), AT_REMOVEDIR) != 0) break;
  }
  return {};
}

Result<ListPage> FsStore::list(std::string_view prefix,
                               std::string_view after,
                               std::stop_token stop) {
  const Result<UniqueFd> folder = open_prefix(root_fd_.get(), prefix);
  if (!folder) {
    // A prefix that could be no key's, or that nothing is below.
    if (folder.error().is(Code::NotFound) || folder.error().is(Code::InvalidArgument))
      return ListPage();
    return folder.error();
  }
  Listing listing(prefix, after, page_size_, std::move(stop));
  TRY(listing.walk(folder->get(), std::string(prefix.substr(0, prefix.rfind('/') + 1)), 0));
  return listing.take();
}

Result<std::vector<std::string>> FsStore::list_prefixes(std::string_view prefix,
                                                        std::stop_token stop) {
  if (!prefix.empty() && !prefix.ends_with('/')) {
    return Error(Code::InvalidArgument, "prefix {} does not end with a slash", prefix);
  }
  std::vector<std::string> prefixes;
  const Result<UniqueFd> folder = open_prefix(root_fd_.get(), prefix);
  if (!folder && folder.error().is(Code::NotFound)) return prefixes;
  if (!folder) return folder.error();
  const std::vector<fs::Entry> entries = TRY(fs::read_dir(folder->get()));
  for (const fs::Entry& entry : entries) {
    if (stop.stop_requested()) return Error(Code::Canceled, "listing was stopped");
    if (!entry.is_folder) continue;
    const Result<UniqueFd> below =
        fs::open_dir(folder->get(), entry.name.substr(0, entry.name.size() - 1));
    if (!below && below.error().is(Code::NotFound)) continue;
    if (!below) return below.error();
    if (TRY(holds_object(below->get(), 0))) prefixes.push_back(std::string(prefix) + entry.name);
  }
  return prefixes;
}

Result<std::string> FsStore::signed_url(std::string_view key, Duration, std::stop_token) {
  return Error(Code::Unsupported, "object {} is a file in {}: nothing serves it over HTTP", key,
               root_.string());
}

}  // namespace lateen::objects
