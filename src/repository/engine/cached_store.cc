#include "repository/engine/cached_store.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>
#include <unordered_set>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/thread.h"
#include "objects/range_reader.h"
#include "repository/crypto/keyed_hash.h"

namespace lateen::repository {

namespace {

// Thread-safe.
class CachedStore final : public objects::ObjectStore, public objects::RangeReader {
 public:
  // `owned` is `store`, or nothing.
  CachedStore(objects::ObjectStore& store,
              std::unique_ptr<objects::ObjectStore> owned,
              CachedStoreOptions options)
      : owned_(std::move(owned)), store_(store), options_(std::move(options)) {
    usable_ = make_dirs(options_.dir, 0700).has_value();
    if (usable_) make_room();
  }

  Result<Bytes> get(std::string_view key, ByteCount max, std::stop_token stop) override {
    if (!kept(key)) return store_.get(key, max, std::move(stop));
    const FilePath file = file_of(key);
    const Turn turn(*this, file, stop);
    auto cached = read_checked(file);
    if (cached && cached->size() <= max) {
      touch(file);
      return std::move(*cached);
    }
    Bytes bytes = TRY(store_.get(key, max, std::move(stop)));
    keep(file, bytes);
    return bytes;
  }

  Result<Bytes> get_range(std::string_view key,
                          ByteCount offset,
                          ByteCount length,
                          std::stop_token stop) override {
    if (!kept(key)) return store_.get_range(key, offset, length, std::move(stop));
    const FilePath file = file_of(key);
    if (auto range = cached_range(file, offset, length)) return std::move(*range);
    const Turn turn(*this, file, stop);
    if (auto range = cached_range(file, offset, length)) return std::move(*range);
    // The rest of a metadata pack is wanted soon: one request brings all of it.
    Bytes bytes = TRY(store_.get(key, kMaxWhole, std::move(stop)));
    keep(file, bytes);
    if (offset >= bytes.size()) return Bytes();
    return bytes.substr(offset, length);
  }

  Result<BytesView> read_range(std::string_view key,
                               ByteCount offset,
                               ByteCount length,
                               std::span<char> room,
                               std::stop_token stop) override {
    if (!kept(key)) {
      return objects::read_range(store_, key, offset, length, room, std::move(stop));
    }
    const Bytes bytes = TRY(get_range(key, offset, length, std::move(stop)));
    std::memcpy(room.data(), bytes.data(), bytes.size());
    return BytesView(room.data(), bytes.size());
  }

  Result<std::unique_ptr<objects::ObjectReader>> open_read(std::string_view key,
                                                           std::stop_token stop) override {
    return store_.open_read(key, std::move(stop));
  }

  Result<objects::ObjectInfo> head(std::string_view key, std::stop_token stop) override {
    return store_.head(key, std::move(stop));
  }

  Status put(std::string_view key, BytesView bytes, std::stop_token stop) override {
    TRY(store_.put(key, bytes, std::move(stop)));
    // What was written now is read at the next run.
    if (kept(key)) keep(file_of(key), bytes);
    return {};
  }

  Result<std::unique_ptr<objects::Upload>> begin_upload(std::string_view key,
                                                        std::stop_token stop) override {
    return store_.begin_upload(key, std::move(stop));
  }

  Status remove(std::string_view key, std::stop_token stop) override {
    if (kept(key)) (void)remove_file(file_of(key));  // a hint less
    return store_.remove(key, std::move(stop));
  }

  Result<objects::ListPage> list(std::string_view prefix,
                                 std::string_view after,
                                 std::stop_token stop) override {
    return store_.list(prefix, after, std::move(stop));
  }

  Result<std::vector<std::string>> list_prefixes(std::string_view prefix,
                                                 std::stop_token stop) override {
    return store_.list_prefixes(prefix, std::move(stop));
  }

  Result<std::string> signed_url(std::string_view key,
                                 Duration ttl,
                                 std::stop_token stop) override {
    return store_.signed_url(key, ttl, std::move(stop));
  }

 private:
  static constexpr ByteCount kMaxWhole = 256_MiB;
  static constexpr std::size_t kDigest = 32;

  // One thread at a time fetches an object; the others find it in the cache then.
  class Turn {
   public:
    Turn(CachedStore& store, const FilePath& file, const std::stop_token& stop)
        : store_(store), name_(file.native()) {
      Lock lock(store_.mu_);
      mine_ = store_.changed_.wait(
          store_.mu_, Deadline::never(), stop,
          [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return !store_.fetching_.contains(name_); });
      if (mine_) store_.fetching_.insert(name_);
    }

    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    ~Turn() {
      if (!mine_) return;
      Lock lock(store_.mu_);
      store_.fetching_.erase(name_);
      store_.changed_.notify_all();
    }

   private:
    CachedStore& store_;
    const std::string name_;
    bool mine_ = false;  // false: told to stop, as the store will be
  };

  bool kept(std::string_view key) const { return usable_ && options_.keep && options_.keep(key); }

  // Keys may be longer than names of files may be.
  FilePath file_of(std::string_view key) const {
    const HashBytes digest = sha256(key);
    return options_.dir / hex_encode({reinterpret_cast<const char*>(digest.data()), 20});
  }

  // A file holds the object's bytes, then their digest.
  static Bytes digest_of(BytesView bytes) {
    const HashBytes digest = sha256(bytes);
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
  }

  // Nothing if it is not there or not what was written; what is broken is removed.
  static std::optional<Bytes> read_checked(const FilePath& file) {
    auto whole = read_file(file, kMaxWhole);
    if (!whole) return std::nullopt;
    if (whole->size() >= kDigest) {
      const BytesView bytes = BytesView(*whole).substr(0, whole->size() - kDigest);
      if (digest_of(bytes) == BytesView(*whole).substr(bytes.size())) {
        whole->resize(bytes.size());
        return std::move(*whole);
      }
    }
    (void)remove_file(file);
    return std::nullopt;
  }

  // Each file is looked through once a process.
  bool is_sound(const FilePath& file) {
    {
      Lock lock(mu_);
      if (sound_.contains(file.native())) return true;
    }
    if (!read_checked(file)) return false;
    touch(file);
    Lock lock(mu_);
    sound_.insert(file.native());
    return true;
  }

  static Result<Bytes> range_of(int fd, ByteCount offset, ByteCount length) {
    struct stat info{};
    if (fstat(fd, &info) != 0) return errno_error(errno, "reading the cache");
    const ByteCount size = static_cast<ByteCount>(info.st_size) - kDigest;
    length = offset >= size ? 0 : std::min(length, size - offset);
    Bytes out(length, '\0');
    std::size_t have = 0;
    while (have < length) {
      const ssize_t got =
          pread(fd, out.data() + have, length - have, static_cast<off_t>(offset + have));
      if (got < 0) return errno_error(errno, "reading the cache");
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    out.resize(have);
    return out;
  }

  // Nothing if it is not there, or was shortened since it was looked through.
  std::optional<Bytes> cached_range(const FilePath& file, ByteCount offset, ByteCount length) {
    if (!is_sound(file)) return std::nullopt;
    const auto fd = open_for_reading(file);
    if (!fd) return std::nullopt;
    auto range = range_of(fd->get(), offset, length);
    if (!range) return std::nullopt;
    return std::move(*range);
  }

  static void touch(const FilePath& file) { utimensat(AT_FDCWD, file.c_str(), nullptr, 0); }

  // By a rename, so that other processes see all of it or nothing; without fsync, since what is
  // read is verified.
  void keep(const FilePath& file, BytesView bytes) {
    if (bytes.size() > options_.max_bytes) return;
    const FilePath temporary =
        FilePath(file).concat(fmt::format(".{}.{}", getpid(), next_temporary_.fetch_add(1)));
    Bytes whole(bytes);
    whole += digest_of(bytes);
    if (!write_file(temporary, whole, 0600) || !rename_file(temporary, file)) {
      (void)remove_file(temporary);
      // A full disk, say: fetching whole objects for a range of each would only be slower.
      usable_ = false;
      return;
    }
    {
      Lock lock(mu_);
      sound_.insert(file.native());
    }
    if (added_.fetch_add(bytes.size()) + bytes.size() > options_.max_bytes / 8) make_room();
  }

  // The least recently used go until a tenth is free.
  void make_room() {
    added_ = 0;
    auto names = list_dir(options_.dir);
    if (!names) return;

    struct Kept {
      FilePath file;
      FileInfo info;
    };

    std::vector<Kept> files;
    ByteCount total = 0;
    for (const DirEntry& entry : *names) {
      const FilePath file = options_.dir / entry.name;
      auto info = file_info(file);
      if (!info || info->kind != FileKind::Regular) continue;
      total += info->size;
      files.push_back({.file = file, .info = *info});
    }
    if (total <= options_.max_bytes) return;
    std::sort(files.begin(), files.end(),
              [](const Kept& a, const Kept& b) { return a.info.modified < b.info.modified; });
    for (const Kept& kept : files) {
      if (total <= options_.max_bytes / 10 * 9) return;
      if (remove_file(kept.file)) total -= kept.info.size;
    }
  }

  const std::unique_ptr<objects::ObjectStore> owned_;
  objects::ObjectStore& store_;
  const CachedStoreOptions options_;
  std::atomic<bool> usable_ = false;
  std::atomic<std::uint64_t> next_temporary_ = 0;
  std::atomic<ByteCount> added_ = 0;
  Mutex mu_;
  Condition changed_;
  std::unordered_set<std::string> sound_ LATEEN_GUARDED_BY(mu_);
  std::unordered_set<std::string> fetching_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace

std::unique_ptr<objects::ObjectStore> make_cached_store(std::unique_ptr<objects::ObjectStore> store,
                                                        CachedStoreOptions options) {
  objects::ObjectStore& inner = *store;
  return std::make_unique<CachedStore>(inner, std::move(store), std::move(options));
}

std::unique_ptr<objects::ObjectStore> make_cached_store(objects::ObjectStore& store,
                                                        CachedStoreOptions options) {
  return std::make_unique<CachedStore>(store, nullptr, std::move(options));
}

}  // namespace lateen::repository
