#include "repository/engine/index_cache.h"

#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "repository/crypto/blake3.h"

namespace lateen::repository {

namespace {

constexpr char kMagic[9] = "LATNIDX2";
constexpr ByteCount kMaxNames = 1_GiB;

struct Header {
  char magic[8];
  std::uint32_t hash_size;
  std::uint32_t rule;
  std::uint64_t rows;
  std::uint64_t names;
  std::uint64_t sources;
  std::uint64_t left_out;
  std::uint8_t rows_digest[32];
  std::uint8_t texts_digest[32];
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

void append_text(Bytes& out, std::string_view text) {
  const auto length = static_cast<std::uint32_t>(text.size());
  out.append(reinterpret_cast<const char*>(&length), sizeof length);
  out += text;
}

// False if what is left of `texts` is none.
bool take_text(BytesView& texts, std::string_view& text) {
  std::uint32_t length = 0;
  if (texts.size() < sizeof length) return false;
  std::memcpy(&length, texts.data(), sizeof length);
  if (texts.size() - sizeof length < length) return false;
  text = texts.substr(sizeof length, length);
  texts.remove_prefix(sizeof length + length);
  return true;
}

// The sources, if the file is of the wanted ones, or of some of them.
std::optional<std::vector<std::string>> sources_of(const Header& header,
                                                   BytesView texts,
                                                   const IndexOrigin& wanted) {
  std::string_view text;
  if (!take_text(texts, text) || text != wanted.variant) return std::nullopt;
  std::vector<std::string> sources;
  while (take_text(texts, text))
    sources.emplace_back(text);
  const bool usable = header.left_out == 0 ? std::ranges::includes(wanted.sources, sources)
                                           : wanted.sources == sources;
  if (!texts.empty() || !usable) return std::nullopt;
  return sources;
}

std::optional<Header> header_of(int fd, const IndexOrigin& wanted) {
  const auto start = read_at(fd, 0, sizeof(Header));
  if (!start) return std::nullopt;
  Header header;
  std::memcpy(&header, start->data(), sizeof header);
  struct stat info{};
  if (fstat(fd, &info) != 0) return std::nullopt;
  const std::size_t row_size = IndexRow(wanted.hash_size).size();
  const auto size = static_cast<std::uint64_t>(info.st_size);
  const bool sound =
      std::memcmp(header.magic, kMagic, sizeof header.magic) == 0 &&
      header.hash_size == wanted.hash_size &&
      header.rule == static_cast<std::uint32_t>(wanted.rule) && header.names < kMaxNames &&
      header.sources < kMaxNames && header.rows < size &&
      size == kIndexCacheHeader + header.rows * row_size + header.names + header.sources;
  if (!sound) return std::nullopt;
  return header;
}

// In place of what had the name, if anything did. False where files without a name cannot get one
// (NFS).
bool give_name(int fd, const FilePath& path) {
  const std::string itself = fmt::format("/proc/self/fd/{}", fd);
  const auto link = [&] {
    return ::linkat(AT_FDCWD, itself.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0;
  };
  if (link()) return true;
  if (errno != EEXIST || ::unlink(path.c_str()) != 0) return false;
  // Another process may be quicker: its file is as good.
  return link() || errno == EEXIST;
}

Status copy_to(TempFile& file, const FilePath& path) {
  constexpr std::size_t kAtOnce = 1_MiB;
  AtomicFile copy = TRY(AtomicFile::create(path, 0600));
  TRY(file.seek(0));
  while (true) {
    const Bytes bytes = TRY(read_some(file.fd(), kAtOnce));
    if (bytes.empty()) return copy.commit();
    TRY(copy.write(bytes));
  }
}

}  // namespace

std::optional<CachedIndex> read_cached_index(const FilePath& path,
                                             const IndexOrigin& wanted,
                                             PackTable& packs) {
  const auto fd = open_for_reading(path);
  if (!fd) return std::nullopt;
  const auto header = header_of(fd->get(), wanted);
  if (!header) return std::nullopt;
  const ByteCount behind = kIndexCacheHeader + header->rows * IndexRow(wanted.hash_size).size();
  const auto texts = read_at(fd->get(), behind, header->names + header->sources);
  if (!texts || !same(header->texts_digest, digest(*texts))) return std::nullopt;
  auto sources = sources_of(*header, BytesView(*texts).substr(header->names), wanted);
  if (!sources) return std::nullopt;
  auto rows = IndexSegment::mapped(wanted.hash_size, fd->get(), header->rows, kIndexCacheHeader);
  if (!rows || !same(header->rows_digest, digest(**rows))) return std::nullopt;
  BytesView names = BytesView(*texts).substr(0, header->names);
  std::string_view name;
  while (take_text(names, name))
    packs.intern(name);
  return CachedIndex{.rows = std::move(*rows), .sources = std::move(*sources)};
}

Status keep_index(TempFile& file,
                  const FilePath& path,
                  const IndexOrigin& origin,
                  const IndexSegment& rows,
                  const PackTable& packs,
                  std::uint64_t left_out) {
  Bytes texts;
  for (std::uint32_t i = 0; i < packs.size(); ++i)
    append_text(texts, packs.name(i));
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof header.magic);
  header.hash_size = static_cast<std::uint32_t>(origin.hash_size);
  header.rule = static_cast<std::uint32_t>(origin.rule);
  header.rows = rows.rows();
  header.names = texts.size();
  header.left_out = left_out;
  append_text(texts, origin.variant);
  for (const std::string& source : origin.sources)
    append_text(texts, source);
  header.sources = texts.size() - header.names;
  const HashBytes rows_digest = digest(rows);
  const HashBytes texts_digest = digest(texts);
  std::memcpy(header.rows_digest, rows_digest.data(), rows_digest.size());
  std::memcpy(header.texts_digest, texts_digest.data(), texts_digest.size());
  TRY(file.write(texts));
  TRY(file.seek(0));
  TRY(file.write({reinterpret_cast<const char*>(&header), sizeof header}));
  return give_name(file.fd(), path) ? Status() : copy_to(file, path);
}

}  // namespace lateen::repository
