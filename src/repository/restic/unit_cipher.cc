#include "repository/restic/unit_cipher.h"

#include <algorithm>
#include <cstring>

namespace lateen::repository::restic {
namespace {

template <std::size_t N>
void copy_key(std::array<std::uint8_t, N>& to, const Secret& from) {
  LATEEN_ASSERT(from.reveal().size() == N, "decode_master_key has looked at the sizes");
  std::memcpy(to.data(), from.reveal().data(), N);
}

}  // namespace

CtrPolyKey to_cipher_key(const MasterKey& key) {
  CtrPolyKey out;
  copy_key(out.encrypt, key.encrypt);
  copy_key(out.mac_k, key.mac_k);
  copy_key(out.mac_r, key.mac_r);
  return out;
}

FreshIv::FreshIv(Rng& rng) {
  do {
    rng.fill(std::as_writable_bytes(std::span(bytes_)));
  } while (std::all_of(bytes_.begin(), bytes_.end(), [](char c) { return c == '\0'; }));
}

Bytes seal_unit(const CtrPolyKey& key, BytesView plain, Rng& rng) {
  Bytes out(plain.size() + kCtrPolyOverhead, '\0');
  CtrPoly1305(key).seal(FreshIv(rng).view(), plain, out.data());
  return out;
}

Result<Bytes> open_unit(const CtrPolyKey& key, BytesView unit) {
  if (unit.size() < kCtrPolyOverhead) {
    return Error(Code::Corrupt, "only {} bytes: too short to be encrypted", unit.size());
  }
  Bytes out(unit.size() - kCtrPolyOverhead, '\0');
  if (!CtrPoly1305(key).open(unit, out.data())) {
    return Error(Code::Corrupt, "the bytes are not authentic: damaged, or of another repository");
  }
  return out;
}

}  // namespace lateen::repository::restic
