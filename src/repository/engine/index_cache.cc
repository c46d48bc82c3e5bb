#include "repository/engine/index_cache.h"

#include <algorithm>
#include <cstring>

#include <sys/stat.h>

#include "repository/crypto/blake3.h"

namespace lateen::repository {

namespace {

constexpr std::size_t kHeaderSize = 4096;  // a page, so that the rows can be mapped
constexpr char kMagic[9] = "LATNIDX1";
constexpr ByteCount kMaxNames = 1_GiB;

struct Header {
  char magic[8];
  std::uint32_t hash_size;
  std::uint32_t rule;
  std::uint64_t rows;
  std::uint64_t names;
  std::uint8_t rows_digest[32];
  std::uint8_t names_digest[32];
};

// Only against damage: whoever can write the cache could write anything else of ours.
HashBytes digest(BytesView bytes) {
  static const Blake3Key kKey = blake3_key("lateen's cache of merged indexes");
  return blake3_keyed(kKey, bytes);
}

// Calls `use` for runs of rows, 16 MB each, whose memory is given back behind it: an index of ten
// million contents is 400 MB.
template <typename Use>
Status for_each_run(const IndexSegment& rows, Use use) {
  constexpr std::uint64_t kRun = 400'000;
  const std::size_t row_size = rows.layout().size();
  for (std::uint64_t at = 0; at < rows.rows(); at += kRun) {
    const std::uint64_t count = std::min(kRun, rows.rows() - at);
    TRY(use(BytesView(rows.row(at), count * row_size)));
    rows.forget_pages();
  }
  return {};
}

// The digest of the digests of the runs.
HashBytes digest(const IndexSegment& rows) {
  Bytes digests;
  (void)for_each_run(rows, [&](BytesView run) -> Status {  // it cannot fail
    const HashBytes one = digest(run);
    digests.append(reinterpret_cast<const char*>(one.data()), one.size());
    return {};
  });
  return digest(digests);
}

bool same(const std::uint8_t* stored, const HashBytes& computed) {
  return std::memcmp(stored, computed.data(), computed.size()) == 0;
}

bool take_names(BytesView names, PackTable& packs) {
  while (names.size() >= 4) {
    std::uint32_t length = 0;
    std::memcpy(&length, names.data(), sizeof length);
    names.remove_prefix(4);
    if (names.size() < length) return false;
    packs.intern(names.substr(0, length));
    names.remove_prefix(length);
  }
  return names.empty();
}

}  // namespace

std::optional<CachedIndex> read_cached_index(const FilePath& path,
                                             std::size_t hash_size,
                                             DuplicateRule rule,
                                             PackTable& packs) {
  const auto fd = open_for_reading(path);
  if (!fd) return std::nullopt;
  const auto start = read_at(fd->get(), 0, sizeof(Header));
  if (!start) return std::nullopt;
  Header header;
  std::memcpy(&header, start->data(), sizeof header);
  struct stat info{};
  if (fstat(fd->get(), &info) != 0) return std::nullopt;
  const std::size_t row_size = IndexRow(hash_size).size();
  const auto size = static_cast<std::uint64_t>(info.st_size);
  const bool sound = std::memcmp(header.magic, kMagic, sizeof header.magic) == 0 &&
                     header.hash_size == hash_size &&
                     header.rule == static_cast<std::uint32_t>(rule) && header.names < kMaxNames &&
                     header.rows < size &&
                     size == kHeaderSize + header.rows * row_size + header.names;
  if (!sound) return std::nullopt;
  const auto names = read_at(fd->get(), size - header.names, header.names);
  if (!names || !same(header.names_digest, digest(*names))) return std::nullopt;
  auto rows = IndexSegment::mapped(hash_size, fd->get(), header.rows, kHeaderSize);
  if (!rows) return std::nullopt;
  if (!same(header.rows_digest, digest(**rows)) || !take_names(*names, packs)) return std::nullopt;
  return CachedIndex{.rows = std::move(*rows)};
}

Status write_cached_index(const FilePath& path,
                          DuplicateRule rule,
                          const IndexSegment& rows,
                          const PackTable& packs) {
  Bytes names;
  for (std::uint32_t i = 0; i < packs.size(); ++i) {
    const std::string_view name = packs.name(i);
    const auto length = static_cast<std::uint32_t>(name.size());
    names.append(reinterpret_cast<const char*>(&length), sizeof length);
    names += name;
  }
  Header header{};
  header.hash_size = static_cast<std::uint32_t>(rows.layout().hash_size());
  header.rule = static_cast<std::uint32_t>(rule);
  header.rows = rows.rows();
  header.names = names.size();
  std::memcpy(header.magic, kMagic, sizeof header.magic);
  const HashBytes rows_digest = digest(rows);
  const HashBytes names_digest = digest(names);
  std::memcpy(header.rows_digest, rows_digest.data(), rows_digest.size());
  std::memcpy(header.names_digest, names_digest.data(), names_digest.size());
  Bytes start(kHeaderSize, '\0');
  std::memcpy(start.data(), &header, sizeof header);
  AtomicFile file = TRY(AtomicFile::create(path, 0600));
  TRY(file.write(start));
  TRY(for_each_run(rows, [&](BytesView run) { return file.write(run); }));
  TRY(file.write(names));
  return file.commit();
}

}  // namespace lateen::repository
