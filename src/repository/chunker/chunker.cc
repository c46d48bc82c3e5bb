#include "repository/chunker/chunker.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "repository/chunker/buzhash_avx512.h"
#include "repository/chunker/buzhash_roll.h"
#include "repository/chunker/rabin.h"
#include "repository/chunker/rabin_gfni.h"
#include "repository/crypto/simd.h"

namespace lateen::repository {

std::size_t Chunker::find_end(BytesView data, std::size_t& scanned, bool at_end) const {
  const std::size_t to = std::min(data.size(), max_size());
  const std::size_t from = std::max(min_size(), scanned + 1);
  if (from <= to && from < max_size()) {
    const std::size_t found = find_candidate(data, from, to);
    if (found != 0) return found;
    scanned = to;
  }
  if (to == max_size()) return to;
  return at_end ? data.size() : 0;
}

std::vector<std::size_t> Chunker::cut(BytesView whole) const {
  std::vector<std::size_t> lengths;
  while (!whole.empty()) {
    std::size_t scanned = 0;
    lengths.push_back(find_end(whole, scanned, true));
    whole.remove_prefix(lengths.back());
  }
  return lengths;
}

namespace {

struct Sizes {
  std::size_t min;
  std::size_t max;
};

class FixedChunker final : public Chunker {
 public:
  explicit FixedChunker(std::size_t size) : size_(size) {}

  std::size_t min_size() const override { return size_; }

  std::size_t max_size() const override { return size_; }

 private:
  std::size_t find_candidate(BytesView /*data*/,
                             std::size_t /*from*/,
                             std::size_t /*to*/) const override {
    return 0;
  }

  const std::size_t size_;
};

const std::uint8_t* bytes_of(BytesView data) {
  return reinterpret_cast<const std::uint8_t*>(data.data());
}

class BuzhashChunker final : public Chunker {
 public:
  BuzhashChunker(Sizes sizes, std::uint32_t mask, ChunkerCode code)
      : sizes_(sizes), mask_(mask), code_(code) {}

  std::size_t min_size() const override { return sizes_.min; }

  std::size_t max_size() const override { return sizes_.max; }

 private:
  std::size_t find_candidate(BytesView data, std::size_t from, std::size_t to) const override {
    const BuzhashRoll roll{mask_};
    switch (code_) {
      case ChunkerCode::Avx512:
        return find_buzhash_avx512(bytes_of(data), from, to, mask_);
      case ChunkerCode::Interleaved:
        return find_in_stripes<4>(roll, bytes_of(data), from, to);
      case ChunkerCode::Plain:
        break;
    }
    return find_in_one_stripe(roll, bytes_of(data), from, to);
  }

  const Sizes sizes_;
  const std::uint32_t mask_;
  const ChunkerCode code_;
};

class RabinChunker final : public Chunker {
 public:
  RabinChunker(Sizes sizes, std::uint64_t polynomial, std::uint64_t mask, ChunkerCode code)
      : sizes_(sizes), tables_(polynomial), matrices_(polynomial), mask_(mask), code_(code) {}

  std::size_t min_size() const override { return sizes_.min; }

  std::size_t max_size() const override { return sizes_.max; }

 private:
  std::size_t find_candidate(BytesView data, std::size_t from, std::size_t to) const override {
    const RabinRoll roll{tables_, mask_};
    if (code_ == ChunkerCode::Avx512 && cpu_features().avx512_gfni) {
      std::size_t looked = 0;
      const std::size_t found = find_rabin_gfni(matrices_, bytes_of(data), from, to, mask_, looked);
      if (found != 0 || looked == to) return found;
      from = looked + 1;
    }
    if (code_ == ChunkerCode::Plain) return find_in_one_stripe(roll, bytes_of(data), from, to);
    return find_in_stripes<8>(roll, bytes_of(data), from, to);
  }

  const Sizes sizes_;
  const RabinTables tables_;
  const RabinMatrices matrices_;
  const std::uint64_t mask_;
  const ChunkerCode code_;
};

constexpr std::uint64_t kKopiaPolynomial = 0x2e3e3e4a305605;

std::optional<std::size_t> size_of(std::string_view text) {
  for (std::size_t size = 128_KiB; size <= 8_MiB; size *= 2) {
    const bool mebi = size >= 1_MiB;
    const std::size_t number = mebi ? size >> 20 : size >> 10;
    if (text == fmt::format("{}{}", number, mebi ? 'M' : 'K')) return size;
  }
  return std::nullopt;
}

// Rolling BUZHASH waits for two instructions only: stripes gain nothing, and lose registers.
ChunkerCode fastest_code(std::string_view name) {
  if (name.ends_with("RABINKARP")) {
    return cpu_features().avx512_gfni ? ChunkerCode::Avx512 : ChunkerCode::Interleaved;
  }
  return cpu_features().avx512_vbmi ? ChunkerCode::Avx512 : ChunkerCode::Plain;
}

std::unique_ptr<Chunker> dynamic_chunker(std::size_t average,
                                         std::string_view kind,
                                         ChunkerCode code) {
  const Sizes sizes{.min = average / 2, .max = 2 * average};
  if (kind == "BUZHASH") {
    return std::make_unique<BuzhashChunker>(sizes, static_cast<std::uint32_t>(average - 1), code);
  }
  if (kind == "RABINKARP") {
    return std::make_unique<RabinChunker>(sizes, kKopiaPolynomial, average - 1, code);
  }
  return nullptr;
}

}  // namespace

bool chunker_code_runs(ChunkerCode code) {
  return code != ChunkerCode::Avx512 || cpu_features().avx512_vbmi;
}

Result<std::unique_ptr<Chunker>> make_kopia_chunker(std::string_view name) {
  return make_kopia_chunker(name, fastest_code(name));
}

Result<std::unique_ptr<Chunker>> make_kopia_chunker(std::string_view name, ChunkerCode code) {
  std::unique_ptr<Chunker> chunker;
  if (name == "FIXED") name = "FIXED-4M";
  if (name == "DYNAMIC") name = "DYNAMIC-4M-BUZHASH";
  if (name.starts_with("FIXED-")) {
    const auto size = size_of(name.substr(6));
    if (size) chunker = std::make_unique<FixedChunker>(*size);
  } else if (name.starts_with("DYNAMIC-")) {
    const std::string_view rest = name.substr(8);
    const std::size_t dash = rest.find('-');
    const auto size = dash == rest.npos ? std::nullopt : size_of(rest.substr(0, dash));
    if (size) chunker = dynamic_chunker(*size, rest.substr(dash + 1), code);
  }
  if (chunker == nullptr) return Error(Code::Unsupported, "there is no splitter \"{}\"", name);
  return chunker;
}

Result<std::unique_ptr<Chunker>> make_restic_chunker(std::uint64_t polynomial) {
  return make_restic_chunker(polynomial, fastest_code("RABINKARP"));
}

Result<std::unique_ptr<Chunker>> make_restic_chunker(std::uint64_t polynomial, ChunkerCode code) {
  if ((polynomial >> kRabinDegree) != 1 || !is_irreducible(polynomial)) {
    return Error(Code::InvalidArgument, "the chunker polynomial {:x} is not irreducible",
                 polynomial)
        .with_hint("The repository's config is damaged, or was not written by restic.");
  }
  const Sizes sizes{.min = 512_KiB, .max = 8_MiB};
  return std::unique_ptr<Chunker>(
      std::make_unique<RabinChunker>(sizes, polynomial, (1ULL << 20) - 1, code));
}

}  // namespace lateen::repository
