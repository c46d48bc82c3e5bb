#include "repository/engine/pack_part.h"

#include "base/encoding.h"
#include "base/hash.h"

namespace lateen::repository {
namespace {

constexpr std::size_t kResticName = 64;

// Even over all packs: restic's names are hashes in hex, kopia's begin with a letter.
std::size_t number_of(std::string_view pack) {
  const auto first = hex_decode(pack.substr(0, 2));
  if (first && pack.size() == kResticName) return static_cast<unsigned char>(first->front());
  return static_cast<unsigned char>(hash(HashAlgorithm::Sha256, pack).front());
}

}  // namespace

bool is_in_part(std::string_view pack, std::size_t part, std::size_t parts) {
  return number_of(pack) % parts == part - 1;
}

}  // namespace lateen::repository
