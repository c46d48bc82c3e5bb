#include "repository/kopia/unit.h"

#include <algorithm>
#include <span>

#include "base/encoding.h"
#include "base/text.h"
#include "repository/kopia/object_id.h"

namespace lateen::repository::kopia {
namespace {

BytesView as_bytes(const std::array<std::uint8_t, 32>& key) {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

}  // namespace

Result<std::unique_ptr<UnitCipher>> UnitCipher::create(const FormatParameters& format, Rng& rng) {
  AeadCipher cipher = AeadCipher::Aes256Gcm;
  if (format.encryption == "CHACHA20-POLY1305-HMAC-SHA256") {
    cipher = AeadCipher::ChaCha20Poly1305;
  } else if (format.encryption != "AES256-GCM-HMAC-SHA256") {
    return Error(Code::Unsupported, "the encryption \"{}\" is not known", format.encryption);
  }
  auto hash = TRY(make_keyed_hash(format.hash, format.hash_secret.reveal()));
  // The purpose goes in as the salt here, and into `info` everywhere else: so kopia has it.
  const Bytes key = hkdf_sha256(format.master_key.reveal(), "encryption", "", kAeadKeySize);
  return std::make_unique<UnitCipher>(std::move(hash), cipher, key, rng);
}

UnitCipher::UnitCipher(std::unique_ptr<KeyedHash> hash, AeadCipher cipher, BytesView key, Rng& rng)
    : hash_(std::move(hash)), cipher_(cipher), unit_keys_(key), rng_(rng) {}

void UnitCipher::seal(BytesView iv, BytesView plain, Aead& aead, Buffer& out) const {
  std::array<std::uint8_t, 32> key{};
  unit_keys_.compute(iv, key.data());
  char* unit = out.extend(plain.size() + kUnitOverhead);
  rng_.fill(std::as_writable_bytes(std::span(unit, kAeadNonceSize)));
  aead.seal(cipher_, as_bytes(key), BytesView(unit, kAeadNonceSize), iv, plain,
            unit + kAeadNonceSize);
}

Status UnitCipher::open(BytesView iv, BytesView unit, Aead& aead, Buffer& out) const {
  if (unit.size() < kUnitOverhead) {
    return Error(Code::Corrupt, "its {} bytes are too few to be encrypted", unit.size());
  }
  std::array<std::uint8_t, 32> key{};
  unit_keys_.compute(iv, key.data());
  const std::size_t before = out.size();
  char* plain = out.extend(unit.size() - kUnitOverhead);
  if (!aead.open(cipher_, as_bytes(key), unit.substr(0, kAeadNonceSize), iv,
                 unit.substr(kAeadNonceSize), plain)) {
    out.resize(before);
    return Error(Code::Corrupt, "it is not what was written: the authentication tag is wrong");
  }
  return {};
}

UnitCipher::WholeBlob UnitCipher::seal_blob(std::string_view prefix,
                                            BytesView plain,
                                            std::string_view suffix) const {
  const HashBytes digest = hash_->hash(plain);
  const BytesView all(reinterpret_cast<const char*>(digest.data()), hash_->size());
  Aead aead;
  Buffer sealed;
  seal(all.substr(all.size() - kIvSize), plain, aead, sealed);
  return {.name = fmt::format("{}{}{}", prefix, hex_encode(all), suffix),
          .bytes = Bytes(sealed.view())};
}

Result<Bytes> UnitCipher::open_blob(std::string_view name, Bytes stored) const {
  const std::string_view head = cut(name, "-").before;
  const auto iv = head.size() < 2 * kIvSize ? Result<Bytes>(Error(Code::Corrupt, "no hash"))
                                            : hex_decode(head.substr(head.size() - 2 * kIvSize));
  if (!iv) return Error(Code::Corrupt, "blob {}: its name does not end with a hash", name);
  if (stored.size() < kUnitOverhead) {
    return Error(Code::Corrupt, "blob {}: its {} bytes are too few to be encrypted", name,
                 stored.size());
  }
  std::array<std::uint8_t, 32> key{};
  unit_keys_.compute(*iv, key.data());
  // Where it lies: the index of ten million contents is one blob of 350 MB, if kopia merged it.
  char* const body = stored.data() + kAeadNonceSize;
  Aead aead;
  if (!aead.open(cipher_, as_bytes(key), BytesView(stored.data(), kAeadNonceSize), *iv,
                 BytesView(stored).substr(kAeadNonceSize), body)) {
    return Error(Code::Corrupt, "it is not what was written: the authentication tag is wrong")
        .wrap("blob {}", name);
  }
  const BytesView plain(body, stored.size() - kUnitOverhead);
  const HashBytes digest = hash_->hash(plain);
  const BytesView all(reinterpret_cast<const char*>(digest.data()), hash_->size());
  if (all.substr(all.size() - kIvSize) != *iv) {
    return Error(Code::Corrupt, "blob {}: its hash is another", name);
  }
  stored.resize(stored.size() - kAeadTagSize);
  stored.erase(0, kAeadNonceSize);
  return stored;
}

}  // namespace lateen::repository::kopia
