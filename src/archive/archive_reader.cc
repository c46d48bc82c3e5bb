#include "archive/archive_reader.h"

#include <algorithm>
#include <list>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include "archive/archive_index.h"
#include "archive/archive_scan.h"
#include "base/encoding.h"
#include "base/gzip.h"
#include "base/hash.h"
#include "base/tar.h"
#include "base/temp.h"
#include "base/thread.h"

namespace lateen::archive {

namespace {

constexpr std::size_t kSpoolBuffer = 1 << 20;

// Unpacked members that were read last: objects of one kind lie side by side and are restored side
// by side, so each member is unpacked about once. Holds up to kCapacity members of at most 1 MiB.
// Thread-safe.
class MemberCache {
 public:
  using Unpacked = std::shared_ptr<const Bytes>;

  Unpacked find(std::uint32_t member) {
    const Lock lock(mu_);
    const auto at = std::ranges::find(recent_, member, &Entry::first);
    if (at == recent_.end()) return nullptr;
    recent_.splice(recent_.begin(), recent_, at);
    return at->second;
  }

  void put(std::uint32_t member, Unpacked unpacked) {
    if (unpacked->size() > 1_MiB) return;
    const Lock lock(mu_);
    recent_.emplace_front(member, std::move(unpacked));
    if (recent_.size() > kCapacity) recent_.pop_back();
  }

 private:
  using Entry = std::pair<std::uint32_t, Unpacked>;
  static constexpr std::size_t kCapacity = 32;

  Mutex mu_;
  std::list<Entry> recent_ LATEEN_GUARDED_BY(mu_);
};

// The objects' JSON one after the other in a file without a name. Not thread-safe while it is
// written.
class Spool {
 public:
  static Result<Spool> create(const FilePath& parent) {
    return Spool(TRY(TempFile::create(parent)));
  }

  // Says where it lies.
  Result<ByteCount> append(BytesView json) {
    const ByteCount at = size_;
    size_ += json.size();
    pending_ += json;
    if (pending_.size() >= kSpoolBuffer) TRY(flush());
    return at;
  }

  Status flush() {
    Status written = file_.write(pending_);
    pending_.clear();
    if (!written) {
      return std::move(written)
          .error()
          .wrap("unpacking the tarball")
          .with_hint(
              "It needs as much room in the folder for temporary files as its objects have; point "
              "TMPDIR elsewhere.");
    }
    return {};
  }

  int fd() const { return file_.fd(); }

 private:
  explicit Spool(TempFile file) : file_(std::move(file)) {}

  TempFile file_;
  Bytes pending_;
  ByteCount size_ = 0;
};

// Digests what passes through. Not thread-safe.
class HashingSource final : public ByteSource {
 public:
  explicit HashingSource(ByteSource& source) : source_(source) {}

  Result<std::size_t> read(std::span<char> room) override {
    const std::size_t n = TRY(source_.read(room));
    digest_.update({room.data(), n});
    return n;
  }

  std::string finish_hex() { return digest_.finish_hex(); }

 private:
  ByteSource& source_;
  Sha256 digest_;
};

Result<ArchiveIndex> read_index(const FilePath& path,
                                ByteCount tarball_size,
                                const ArchiveLimits& limits) {
  const UniqueFd fd = TRY(open_for_reading(path));
  FdSource source(fd.get(), path.string());
  ArchiveIndex index = TRY(ArchiveIndex::parse(source, limits));
  if (index.tarball_size() != tarball_size) {
    return Error(Code::Conflict, "the index {} is of a tarball of {} bytes, this one has {}",
                 path.string(), index.tarball_size(), tarball_size);
  }
  return index;
}

Result<ByteCount> size_of(int fd) {
  struct stat info = {};
  if (::fstat(fd, &info) != 0) return errno_error(errno, "asking for the size of a tarball");
  return static_cast<ByteCount>(info.st_size);
}

// What verify() saw of one object.
struct Seen {
  bool plain = false;  // its plain or versioned entry
  bool plain_ok = false;
  bool second = false;  // its copy under <version>-preferredversion
  bool second_ok = false;

  bool ok() const { return (plain || second) && plain == plain_ok && second == second_ok; }
};

}  // namespace

struct ArchiveReader::State {
  FilePath path;
  UniqueFd fd;
  RangeFetch fetch;  // instead of the file
  ArchiveLimits limits;
  ScanResult scan;  // of an indexed tarball only the version
  std::optional<ArchiveIndex> index;
  std::optional<Error> index_problem;
  std::optional<ItemTable> table;  // without an index
  std::optional<Spool> spool;      // the same
  MemberCache cache;

  const ItemTable& items() const { return index ? index->table() : *table; }

  Result<Bytes> packed(const MemberRange& range) const {
    return fetch ? fetch(range.offset, range.length)
                 : read_at(fd.get(), range.offset, range.length);
  }

  // Straight out of the first member.
  Status read_version() {
    if (index->members().empty()) return Error(Code::Corrupt, "an index without members");
    const MemberRange& first = index->members().front();
    const Bytes member = TRY(packed(first));
    const Bytes unpacked = TRY(gunzip_member(member, first.unpacked_size));
    ViewSource source(unpacked);
    TarReader tar(source);
    const auto entry = TRY(tar.next());
    if (!entry || entry->name != kVersionEntry) {
      return Error(Code::Corrupt, "the first member is not what the index says");
    }
    scan.format_version = TRY(tar.read_all(1_KiB));
    while (scan.format_version.ends_with('\n'))
      scan.format_version.pop_back();
    return {};
  }

  Status unpack(const FilePath& temp_dir, std::stop_token stop) {
    table.emplace(limits.max_items);
    spool.emplace(TRY(Spool::create(temp_dir)));
    const auto keep = [this](const ParsedEntryName& entry, TarReader& tar) -> Status {
      ItemLocation location;
      if (table->wants(entry)) {
        const Bytes json = TRY(tar.read_all(limits.max_item_size));
        location = {
            .offset = TRY(spool->append(json)), .size = json.size(), .sha256 = sha256_digest(json)};
      }
      return table->put(entry, location);
    };
    FdSource source(fd.get(), path.string());
    scan = TRY(scan_tarball(source, limits, keep, std::move(stop)));
    return spool->flush();
  }

  Result<MemberCache::Unpacked> unpacked_member(std::uint32_t number) {
    if (auto known = cache.find(number)) return known;
    const MemberRange& range = index->members()[number];
    const Bytes member = TRY(packed(range));
    Bytes unpacked =
        TRY(gunzip_member(member, range.unpacked_size).wrap("the member at byte {}", range.offset));
    auto shared = std::make_shared<const Bytes>(std::move(unpacked));
    cache.put(number, shared);
    return shared;
  }

  Result<Bytes> read(const ArchivedItem& item) {
    if (!index) {
      Bytes json = TRY(read_at(spool->fd(), item.location.offset, item.location.size));
      TRY(cut_item(
          {.key = item.key, .location = {.size = json.size(), .sha256 = item.location.sha256}},
          json));
      return json;
    }
    const MemberCache::Unpacked member = TRY(unpacked_member(item.location.member));
    return Bytes(TRY(cut_item(item, *member)));
  }

  Status verify(std::stop_token stop) const {
    if (fetch) return Error(Code::Unsupported, "only a tarball that is here can be verified");
    std::vector<Seen> seen(items().items().size());
    const auto compare = [&](const ParsedEntryName& entry, TarReader& tar) -> Status {
      const Bytes json = TRY(tar.read_all(limits.max_item_size));
      const ArchivedItem* item = items().find(entry);
      if (item == nullptr) {
        return Error(Code::Corrupt, "{} is in the tarball but not in the index",
                     entry_name(entry.key, entry.copy));
      }
      Seen& what = seen[static_cast<std::size_t>(item - items().items().data())];
      const bool same = sha256_digest(json) == item->location.sha256;
      // Of several entries of one name the last one counts.
      if (entry.copy == ItemCopy::Preferred) {
        what.second = true;
        what.second_ok = same;
      } else {
        what.plain = true;
        what.plain_ok = same;
      }
      return {};
    };
    const UniqueFd own = TRY(open_for_reading(path));
    FdSource source(own.get(), path.string());
    HashingSource hashed(source);
    TRY(scan_tarball(hashed, limits, compare, std::move(stop)));
    for (std::size_t i = 0; i < seen.size(); ++i) {
      if (seen[i].ok()) continue;
      const ItemKey& key = items().items()[i].key;
      return Error(Code::Corrupt, "{} is {}",
                   entry_name(key, key.preferred ? ItemCopy::Plain : ItemCopy::Versioned),
                   seen[i].plain || seen[i].second ? "not what it was, or its two copies differ"
                                                   : "missing");
    }
    if (index && hashed.finish_hex() != index->tarball_sha256()) {
      return Error(Code::Corrupt,
                   "the tarball is not the one that the index was written for: its digest differs");
    }
    return {};
  }
};

ArchiveReader::ArchiveReader(std::unique_ptr<State> state) : state_(std::move(state)) {}

ArchiveReader::ArchiveReader(ArchiveReader&&) noexcept = default;
ArchiveReader& ArchiveReader::operator=(ArchiveReader&&) noexcept = default;
ArchiveReader::~ArchiveReader() = default;

Result<ArchiveReader> ArchiveReader::open(const FilePath& tarball,
                                          ArchiveReaderOptions options,
                                          std::stop_token stop) {
  auto state = std::make_unique<State>();
  state->path = tarball;
  state->limits = options.limits;
  state->fd = TRY(open_for_reading(tarball));
  if (options.index) {
    auto index = read_index(*options.index, TRY(size_of(state->fd.get())), options.limits);
    Status usable;
    if (index) {
      state->index.emplace(std::move(*index));
      usable = state->read_version();
    } else {
      usable = index.error();
    }
    if (usable) return ArchiveReader(std::move(state));
    state->index.reset();
    state->index_problem = std::move(usable).error();
  }
  TRY(state->unpack(options.temp_dir, std::move(stop))
          .wrap("reading {}", tarball.filename().string()));
  return ArchiveReader(std::move(state));
}

ArchiveReader ArchiveReader::over(ArchiveIndex index, std::string_view name, RangeFetch fetch) {
  auto state = std::make_unique<State>();
  state->path = FilePath(std::string(name));
  state->fetch = std::move(fetch);
  state->scan.format_version = kFormatVersion;  // there is an index beside no other
  state->index.emplace(std::move(index));
  return ArchiveReader(std::move(state));
}

const std::string& ArchiveReader::format_version() const {
  return state_->scan.format_version;
}

std::span<const ArchivedItem> ArchiveReader::items() const {
  return state_->items().items();
}

const ArchivedItem* ArchiveReader::find(std::string_view group_resource,
                                        std::string_view ns,
                                        std::string_view name) const {
  return state_->items().find(group_resource, ns, name);
}

Result<Bytes> ArchiveReader::read(const ArchivedItem& item) const {
  return state_->read(item).wrap("reading {}", state_->path.filename().string());
}

const std::vector<RefusedEntry>& ArchiveReader::refused_entries() const {
  return state_->scan.refused;
}

bool ArchiveReader::indexed() const {
  return state_->index.has_value();
}

const std::optional<Error>& ArchiveReader::index_problem() const {
  return state_->index_problem;
}

Status ArchiveReader::verify(std::stop_token stop) const {
  return state_->verify(std::move(stop)).wrap("verifying {}", state_->path.string());
}

}  // namespace lateen::archive
