#include "repository/engine/index_segment.h"

#include <algorithm>
#include <bit>

#include <sys/mman.h>

namespace lateen::repository {

namespace {

__extension__ using Wide = unsigned __int128;

// The eight bytes behind the prefix, as a number that orders like them.
std::uint64_t leading_bits(const char* row) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, row + 1, sizeof bits);
  return __builtin_bswap64(bits);
}

// Four bits of one word, chosen by bits of the hash that do not choose the word.
std::uint64_t filter_bits(std::uint64_t mixed) {
  std::uint64_t bits = 0;
  for (int i = 0; i < 4; ++i)
    bits |= 1ULL << ((mixed >> (6 * i)) & 63);
  return bits;
}

// The first eight bytes, the prefix among them.
std::uint64_t first_bits(const char* row) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, row, sizeof bits);
  return __builtin_bswap64(bits);
}

std::uint64_t mix(std::uint64_t fingerprint) {
  fingerprint *= 0x9e3779b97f4a7c15ULL;
  return fingerprint ^ (fingerprint >> 29);
}

std::size_t word_of(std::uint64_t mixed, std::size_t words) {
  return static_cast<std::size_t>((static_cast<Wide>(mixed) * words) >> 64);
}

}  // namespace

std::shared_ptr<const IndexSegment> IndexSegment::in_memory(std::size_t hash_size, Buffer rows) {
  const auto segment = std::make_shared<IndexSegment>(hash_size);
  segment->memory_ = std::move(rows);
  segment->bytes_ = segment->memory_.data();
  segment->rows_ = segment->memory_.size() / segment->layout_.size();
  segment->prepare();
  return segment;
}

Result<std::shared_ptr<const IndexSegment>> IndexSegment::mapped(std::size_t hash_size,
                                                                 int fd,
                                                                 std::uint64_t rows,
                                                                 ByteCount offset) {
  const auto segment = std::make_shared<IndexSegment>(hash_size);
  segment->rows_ = rows;
  segment->map_size_ = rows * segment->layout_.size();
  if (rows > 0) {
    void* const map =
        mmap(nullptr, segment->map_size_, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (map == MAP_FAILED) return errno_error(errno, "mapping an index into memory");
    segment->map_ = map;
    segment->bytes_ = static_cast<const char*>(map);
  }
  segment->prepare();
  // Lookups are spread evenly: reading ahead would only fill memory.
  if (rows > 0) madvise(segment->map_, segment->map_size_, MADV_RANDOM);
  segment->forget_pages();
  return std::shared_ptr<const IndexSegment>(segment);
}

IndexSegment::~IndexSegment() {
  if (map_ != nullptr) munmap(map_, map_size_);
}

void IndexSegment::forget_pages() const {
  if (map_ != nullptr) madvise(map_, map_size_, MADV_DONTNEED);
}

void IndexSegment::enter_window(std::uint64_t first, std::uint64_t count) const {
  if (map_ == nullptr) return;
  forget_pages();
  constexpr std::size_t kPage = 4096;
  const std::size_t from = std::min(first, rows_) * layout_.size() / kPage * kPage;
  const std::size_t to = std::min(first + count, rows_) * layout_.size();
  if (from < to) madvise(static_cast<char*>(map_) + from, to - from, MADV_WILLNEED);
}

void IndexSegment::prepare() {
  constexpr std::uint64_t kForgetEvery = 1U << 20U;  // 40 MB of rows
  filter_.assign(rows_ / 6 + 1, 0);
  samples_.clear();
  samples_.reserve(rows_ / kSampleEvery + 1);
  for (std::uint64_t i = 0; i < rows_; ++i) {
    if (i % kForgetEvery == kForgetEvery - 1) forget_pages();
    const char* const at = row(i);
    const auto prefix = static_cast<std::uint8_t>(at[0]);
    if (i % kSampleEvery == 0) samples_.push_back(first_bits(at));
    std::uint64_t first = 0;
    std::memcpy(&first, at + 1, sizeof first);
    const std::uint64_t mixed = mix(first ^ (std::uint64_t{prefix} << 56));
    filter_[word_of(mixed, filter_.size())] |= filter_bits(mixed);
  }
}

bool IndexSegment::may_have(const ContentId& id) const {
  const std::uint64_t mixed = mix(id.fingerprint());
  const std::uint64_t bits = filter_bits(mixed);
  return (filter_[word_of(mixed, filter_.size())] & bits) == bits;
}

// In memory to within a few rows. Hashes are even over their range, so that the row is near where
// its share of the range is: it is bracketed from there, and found by halving. A lookup in a mapped
// file touches a page or two.
std::uint64_t IndexSegment::lower_bound(const char* key) const {
  const std::uint64_t wanted = first_bits(key);
  const auto sample = std::lower_bound(samples_.begin(), samples_.end(), wanted);
  const bool found = sample != samples_.end() && *sample == wanted;
  const auto beyond = found ? std::upper_bound(sample, samples_.end(), wanted) : sample;
  const auto row_of = [this](auto at) {
    return static_cast<std::uint64_t>(at - samples_.begin()) * kSampleEvery;
  };
  std::uint64_t from = sample == samples_.begin() ? 0 : row_of(sample - 1);
  std::uint64_t to = beyond == samples_.end() ? rows_ : row_of(beyond);
  if (found || sample == samples_.begin() || sample == samples_.end())
    return lower_bound(key, from, to);
  const std::uint64_t low = *(sample - 1);
  const Wide share = static_cast<Wide>(wanted - low) * (to - from) / (*sample - low);
  const std::uint64_t guess = from + std::min(static_cast<std::uint64_t>(share), to - from - 1);
  const auto narrow = [&](std::uint64_t at) {
    const std::uint64_t bits = first_bits(row(at));
    if (bits < wanted) from = at + 1;
    if (bits > wanted) to = at;
    return bits < wanted;
  };
  const bool below = narrow(guess);
  for (std::uint64_t step = 2;; step *= 2) {
    const bool beside = below ? guess + step < to : step <= guess && guess - step >= from;
    if (!beside || narrow(below ? guess + step : guess - step) != below) break;
  }
  return lower_bound(key, from, to);
}

std::uint64_t IndexSegment::lower_bound(const char* key,
                                        std::uint64_t from,
                                        std::uint64_t to) const {
  while (from < to) {
    const std::uint64_t middle = from + (to - from) / 2;
    if (std::memcmp(row(middle), key, layout_.key_size()) < 0) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from;
}

std::pair<std::uint64_t, std::size_t> IndexSegment::find(const ContentId& id) const {
  if (rows_ == 0 || !may_have(id)) return {0, 0};
  note_lookup();
  char key[1 + kMaxHashSize];
  layout_.write_key(id, key);
  const std::uint64_t first = lower_bound(key);
  std::size_t count = 0;
  while (first + count < rows_ && std::memcmp(row(first + count), key, layout_.key_size()) == 0) {
    ++count;
  }
  return {count == 0 ? 0 : first, count};
}

RowMerge::RowMerge(std::size_t hash_size, std::vector<Source> sources)
    : layout_(hash_size), sources_(std::move(sources)) {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i].count > 0) heap_.push_back(i);
  }
  std::make_heap(heap_.begin(), heap_.end(), [this](auto a, auto b) { return less(b, a); });
}

bool RowMerge::less(std::size_t a, std::size_t b) const {
  const int order = std::memcmp(sources_[a].rows, sources_[b].rows, layout_.key_size());
  return order != 0 ? order < 0 : a < b;
}

std::span<const char* const> RowMerge::next() {
  const auto greater = [this](auto a, auto b) { return less(b, a); };
  same_.clear();
  while (!heap_.empty()) {
    const std::size_t first = heap_.front();
    const char* const row = sources_[first].rows;
    if (!same_.empty() && std::memcmp(row, same_.front(), layout_.key_size()) != 0) break;
    same_.push_back(row);
    std::pop_heap(heap_.begin(), heap_.end(), greater);
    sources_[first].rows += layout_.size();
    if (--sources_[first].count == 0) {
      heap_.pop_back();
    } else {
      std::push_heap(heap_.begin(), heap_.end(), greater);
    }
  }
  return same_;
}

void sort_rows(std::size_t hash_size, Buffer& rows, Buffer& scratch) {
  const IndexRow layout(hash_size);

  struct Place {
    std::uint64_t bits;
    std::uint32_t row;
  };

  const std::size_t count = rows.size() / layout.size();
  std::vector<Place> places(count);
  for (std::size_t i = 0; i < count; ++i) {
    places[i] = {.bits = leading_bits(rows.data() + i * layout.size()),
                 .row = static_cast<std::uint32_t>(i)};
  }
  const char* const base = rows.data();
  std::sort(places.begin(), places.end(), [&](const Place& a, const Place& b) {
    const char* const x = base + a.row * layout.size();
    const char* const y = base + b.row * layout.size();
    if (x[0] != y[0]) return static_cast<unsigned char>(x[0]) < static_cast<unsigned char>(y[0]);
    if (a.bits != b.bits) return a.bits < b.bits;
    const int order = std::memcmp(x, y, layout.key_size());
    return order != 0 ? order < 0 : a.row < b.row;
  });
  scratch.clear();
  scratch.reserve(rows.size());
  for (const Place& place : places) {
    scratch.append({base + place.row * layout.size(), layout.size()});
  }
  std::swap(rows, scratch);
}

}  // namespace lateen::repository
