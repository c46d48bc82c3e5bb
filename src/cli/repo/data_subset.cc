#include "cli/repo/data_subset.h"

#include <charconv>

#include "base/hash.h"
#include "base/text.h"
#include "cli/repo/settings.h"

namespace lateen::cli::repo {
namespace {
#include "repository/engine/pack_part.h"

Error not_a_subset(std::string_view text) {
  return Error(Code::InvalidArgument, "--read-data-subset {}: not a subset", text)
      .with_hint("Write n/t (1/10), a percentage (2.5%) or a size (50G).");
}

// Packs are chosen by a hash of their names with a number drawn once, so that it does not matter
// who asks in which order.
std::function<bool(std::string_view)> at_random(double share, Rng& rng) {
  const std::string salt = std::to_string(random_u64(rng));
  const auto limit = static_cast<std::uint32_t>(share * 4294967295.0);
  return [salt, limit](std::string_view pack) {
    const Bytes digest = hash(HashAlgorithm::Sha256, salt + std::string(pack));
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
      value = value << 8U | static_cast<unsigned char>(digest[i]);
    return value <= limit;
  };
}

}  // namespace

Result<std::function<bool(std::string_view pack)>> parse_data_subset(std::string_view text,
                                                                     ByteCount total,
                                                                     Rng& rng) {
  using Choose = std::function<bool(std::string_view)>;
  if (const Cut parts = cut(text, "/"); parts.found) {
    const auto n = parse_int(parts.before);
    const auto t = parse_int(parts.after);
    constexpr auto kMost = static_cast<std::int64_t>(repository::kMostPackParts);
    if (!n || !t || *n < 1 || *t < *n || *t > kMost) return not_a_subset(text);
    const auto part = static_cast<std::size_t>(*n);
    const auto count = static_cast<std::size_t>(*t);
    return Choose(
        [part, count](std::string_view pack) { return repository::is_in_part(pack, part, count); });
  }
  if (text.ends_with('%')) {
    double percent = 0;
    const char* const last = text.data() + text.size() - 1;
    const auto [end, failure] = std::from_chars(text.data(), last, percent);
    if (failure != std::errc() || end != last || percent <= 0 || percent > 100) {
      return not_a_subset(text);
    }
    return at_random(percent / 100, rng);
  }
  const auto size = parse_size(text);
  if (!size || *size == 0) return not_a_subset(text);
  if (*size >= total) return Choose([](std::string_view) { return true; });
  return at_random(static_cast<double>(*size) / static_cast<double>(total), rng);
}

}  // namespace lateen::cli::repo
