#include "cli/repo/data_subset.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <span>

#include "base/hash.h"
#include "base/text.h"
#include "cli/repo/settings.h"
#include "repository/engine/pack_part.h"

namespace lateen::cli::repo {
namespace {

Error not_a_subset(std::string_view text) {
  return Error(Code::InvalidArgument, "--read-data-subset {}: not a subset", text)
      .with_hint("Write n/t (1/10), a percentage (2.5%) or a size (50G).");
}

using Choose = std::function<bool(std::string_view pack)>;

void shuffle(std::vector<SizedPack>& packs, Rng& rng) {
  for (std::size_t left = packs.size(); left > 1; --left)
    std::swap(packs[left - 1], packs[random_u64(rng) % left]);
}

Choose only_these(std::span<const SizedPack> packs) {
  auto names = std::make_shared<std::set<std::string, std::less<>>>();
  for (const SizedPack& pack : packs)
    names->insert(pack.name);
  return [names = std::move(names)](std::string_view pack) { return names->contains(pack); };
}

}  // namespace

Result<std::function<bool(std::string_view pack)>> parse_data_subset(std::string_view text,
                                                                     std::vector<SizedPack> packs,
                                                                     Rng& rng) {
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
    shuffle(packs, rng);
    const auto share = static_cast<std::size_t>(static_cast<double>(packs.size()) * percent / 100);
    return only_these(
        std::span(packs).first(std::min(packs.size(), std::max<std::size_t>(share, 1))));
  }
  const auto size = parse_size(text);
  if (!size || *size == 0) return not_a_subset(text);
  shuffle(packs, rng);
  std::size_t count = 0;
  for (ByteCount bytes = 0; count < packs.size() && bytes < *size; ++count)
    bytes += packs[count].size;
  return only_these(std::span(packs).first(count));
}

}  // namespace lateen::cli::repo
