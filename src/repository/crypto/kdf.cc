#define OPENSSL_SUPPRESS_DEPRECATED  // AES_encrypt: one block, no context
#include "repository/crypto/kdf.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <openssl/aes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "repository/crypto/keyed_hash.h"
#include "repository/crypto/openssl_digest.h"
#include "repository/crypto/scrypt_mix.h"

namespace lateen::repository {

namespace {

const unsigned char* bytes_of(BytesView text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

constexpr std::size_t kShaBlock = 64;
constexpr std::size_t kShaSize = 32;

// Around a mixing of our own.
Result<Bytes> mixed_scrypt(const Secret& password,
                           BytesView salt,
                           const ScryptCost& cost,
                           std::size_t size) {
  const std::size_t length = 128 * cost.r * cost.p;
  const Secret first(TRY(pbkdf2_sha256(password, salt, 1, length)));
  std::string blocks(first.reveal());
  TRY(mix_scrypt({reinterpret_cast<std::uint8_t*>(blocks.data()), blocks.size()}, cost.n, cost.r));
  const Secret mixed(std::move(blocks));
  return pbkdf2_sha256(password, mixed.reveal(), 1, size);
}

}  // namespace

Result<Bytes> scrypt(const Secret& password,
                     BytesView salt,
                     const ScryptCost& cost,
                     std::size_t size) {
  constexpr std::uint64_t kMaxMemory = 1_GiB;
  const bool sane = std::has_single_bit(cost.n) && cost.n > 1 && cost.n <= (1ULL << 24) &&
                    cost.r > 0 && cost.r <= 1024 && cost.p > 0 && cost.p <= 1024;
  if (!sane || 128 * cost.r * (cost.n + cost.p) > kMaxMemory) {
    return Error(Code::InvalidArgument, "scrypt cannot be run with N={} r={} p={}", cost.n, cost.r,
                 cost.p);
  }
  if (can_mix_scrypt()) return mixed_scrypt(password, salt, cost, size);
  Bytes key(size, '\0');
  const int done = EVP_PBE_scrypt(
      password.reveal().data(), password.reveal().size(), bytes_of(salt), salt.size(), cost.n,
      cost.r, cost.p, 2 * kMaxMemory, reinterpret_cast<unsigned char*>(key.data()), size);
  if (done != 1) {
    return Error(Code::Internal, "scrypt with N={} r={} p={} failed", cost.n, cost.r, cost.p)
        .with_hint("It needs 128·N·r bytes of memory: is there that much?");
  }
  return key;
}

Result<Bytes> pbkdf2_sha256(const Secret& password,
                            BytesView salt,
                            std::uint32_t rounds,
                            std::size_t size) {
  if (rounds == 0 || rounds > 100'000'000) {
    return Error(Code::InvalidArgument, "PBKDF2 cannot be run with {} rounds", rounds);
  }
  Bytes key(size, '\0');
  const std::string_view text = password.reveal();
  const int done =
      PKCS5_PBKDF2_HMAC(text.data(), static_cast<int>(text.size()), bytes_of(salt),
                        static_cast<int>(salt.size()), static_cast<int>(rounds), EVP_sha256(),
                        static_cast<int>(size), reinterpret_cast<unsigned char*>(key.data()));
  if (done != 1) return Error(Code::Internal, "PBKDF2 with {} rounds failed", rounds);
  return key;
}

HmacSha256::HmacSha256(BytesView key) {
  std::uint8_t block[kShaBlock] = {};
  if (key.size() > kShaBlock) {
    const HashBytes hashed = sha256(key);
    std::copy(hashed.begin(), hashed.end(), block);
  } else {
    std::copy(key.begin(), key.end(), block);
  }
  std::uint8_t pad[kShaBlock];
  for (std::size_t i = 0; i < kShaBlock; ++i)
    pad[i] = block[i] ^ 0x36;
  sha256_block_state(pad, inner_);
  for (std::size_t i = 0; i < kShaBlock; ++i)
    pad[i] = block[i] ^ 0x5c;
  sha256_block_state(pad, outer_);
}

void HmacSha256::compute(BytesView data, std::uint8_t* out) const {
  std::uint8_t inner[kShaSize];
  sha256_from(inner_, kShaBlock, data, inner);
  sha256_from(outer_, kShaBlock, {reinterpret_cast<const char*>(inner), kShaSize}, out);
}

Bytes hkdf_sha256(BytesView key, BytesView salt, BytesView info, std::size_t size) {
  std::uint8_t extracted[kShaSize];
  HmacSha256(salt).compute(key, extracted);
  const HmacSha256 expand({reinterpret_cast<const char*>(extracted), kShaSize});
  Bytes out;
  Bytes block;
  for (char counter = 1; out.size() < size; ++counter) {
    block += info;
    block += counter;
    std::uint8_t next[kShaSize];
    expand.compute(block, next);
    block.assign(reinterpret_cast<const char*>(next), kShaSize);
    out += block;
  }
  out.resize(size);
  return out;
}

void aes128_block(BytesView key, BytesView block, std::uint8_t* out) {
  LATEEN_ASSERT(key.size() == 16 && block.size() == 16, "one block under a key of 128 bits");
  AES_KEY schedule;
  AES_set_encrypt_key(bytes_of(key), 128, &schedule);
  AES_encrypt(bytes_of(block), out, &schedule);
}

bool equal_in_constant_time(BytesView a, BytesView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace lateen::repository
