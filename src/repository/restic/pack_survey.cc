#include "repository/restic/pack_survey.h"

#include <algorithm>
#include <unordered_map>

#include "repository/restic/content_format.h"
#include "repository/restic/pack_header.h"

namespace lateen::repository::restic {
namespace {

void take_in(const ContentEntry& entry, SurveyedPack& pack) {
  const bool compressed = entry.codec == kCompressedCodec;
  if (!pack.in_index) pack.size_by_index = kCryptoOverhead + kHeaderLengthSize;
  pack.in_index = true;
  pack.size_by_index += entry.packed_length + header_entry_size(compressed);
  if (type_of(entry.id) == BlobType::Tree) {
    pack.has_trees = true;
    pack.has_plain_trees = pack.has_plain_trees || !compressed;
  } else {
    pack.has_data = true;
    pack.has_plain_data = pack.has_plain_data || !compressed;
  }
}

}  // namespace

std::vector<SurveyedPack> survey_packs(const ContentIndex& index,
                                       std::span<const ListedFile> listed,
                                       const LiveSet* live) {
  std::vector<SurveyedPack> packs(index.packs().size());
  for (RowScan scan(index); scan.next();) {
    const ContentEntry& entry = scan.entry();
    SurveyedPack& pack = packs.at(entry.pack);
    take_in(entry, pack);
    if (live == nullptr) {
      ++pack.live_blobs;
      pack.live_bytes += entry.packed_length;
    }
  }
  if (live != nullptr) {
    for (const PackUse& use : pack_use(*live, true)) {
      SurveyedPack& pack = packs.at(use.pack);
      pack.live_blobs = use.live_contents;
      pack.dead_blobs = use.dead_contents;
      pack.live_bytes = use.live_bytes;
      pack.dead_bytes = use.dead_bytes;
    }
  }
  std::unordered_map<Id, std::size_t, IdHash> places;
  for (std::uint32_t number = 0; number < packs.size(); ++number) {
    const auto id = parse_id(index.packs().name(number));
    if (id) packs[number].id = *id;
    packs[number].number = number;
    places.emplace(packs[number].id, number);
  }
  for (const ListedFile& file : listed) {
    const auto [place, is_new] = places.emplace(file.id, packs.size());
    if (is_new) packs.push_back({.id = file.id});
    packs[place->second].on_disk = true;
    packs[place->second].size_on_disk = file.size;
  }
  std::erase_if(packs, [](const SurveyedPack& pack) { return !pack.in_index && !pack.on_disk; });
  std::sort(packs.begin(), packs.end(),
            [](const SurveyedPack& a, const SurveyedPack& b) { return a.id < b.id; });
  return packs;
}

}  // namespace lateen::repository::restic
