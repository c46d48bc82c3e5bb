#include "repository/crypto/ctr_poly1305.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/result.h"
#include "repository/crypto/kdf.h"

namespace lateen::repository {

namespace {

const EVP_CIPHER* aes_ctr() {
  static const EVP_CIPHER* const kFetched = EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr);
  LATEEN_ASSERT(kFetched != nullptr, "OpenSSL's default provider has AES-CTR");
  return kFetched;
}

EVP_MAC* poly1305() {
  static EVP_MAC* const kFetched = EVP_MAC_fetch(nullptr, "POLY1305", nullptr);
  LATEEN_ASSERT(kFetched != nullptr, "OpenSSL's default provider has Poly1305");
  return kFetched;
}

const unsigned char* bytes_of(const char* text) {
  return reinterpret_cast<const unsigned char*>(text);
}

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

struct FreeMac {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

}  // namespace

struct CtrPoly1305::Contexts {
  explicit Contexts(const CtrPolyKey& from) : key(from), ctr(EVP_CIPHER_CTX_new()) {
    mac.reset(EVP_MAC_CTX_new(poly1305()));
    const int done =
        EVP_EncryptInit_ex2(ctr.get(), aes_ctr(), key.encrypt.data(), nullptr, nullptr);
    LATEEN_ASSERT(done == 1 && mac != nullptr, "fetched algorithms can be set up");
  }

  // Poly1305 under R || AES(K, IV).
  void authenticate(BytesView iv, BytesView text, unsigned char* out) {
    std::uint8_t one_time[32];
    std::copy(key.mac_r.begin(), key.mac_r.end(), one_time);
    aes128_block({reinterpret_cast<const char*>(key.mac_k.data()), key.mac_k.size()}, iv,
                 one_time + 16);
    std::size_t size = 0;
    int done = EVP_MAC_init(mac.get(), one_time, sizeof one_time, nullptr);
    if (!text.empty()) done &= EVP_MAC_update(mac.get(), bytes_of(text.data()), text.size());
    done &= EVP_MAC_final(mac.get(), out, &size, kCtrPolyMacSize);
    LATEEN_ASSERT(done == 1, "a MAC over memory can't fail");
  }

  // CTR is its own inverse.
  void crypt(BytesView iv, BytesView text, char* out) {
    LATEEN_ASSERT(text.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()),
                  "blobs and index files are smaller than 2 GiB");
    int written = 0;
    int done = EVP_EncryptInit_ex2(ctr.get(), nullptr, nullptr, bytes_of(iv.data()), nullptr);
    if (!text.empty()) {
      done &= EVP_EncryptUpdate(ctr.get(), reinterpret_cast<unsigned char*>(out), &written,
                                bytes_of(text.data()), static_cast<int>(text.size()));
    }
    LATEEN_ASSERT(done == 1, "a stream cipher over memory can't fail");
  }

  const CtrPolyKey key;
  std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> ctr;
  std::unique_ptr<EVP_MAC_CTX, FreeMac> mac;
};

CtrPoly1305::CtrPoly1305(const CtrPolyKey& key) : contexts_(std::make_unique<Contexts>(key)) {}

CtrPoly1305::CtrPoly1305(CtrPoly1305&&) noexcept = default;
CtrPoly1305& CtrPoly1305::operator=(CtrPoly1305&&) noexcept = default;
CtrPoly1305::~CtrPoly1305() = default;

void CtrPoly1305::seal(BytesView iv, BytesView plain, char* out) {
  LATEEN_ASSERT(iv.size() == kCtrPolyIvSize, "an IV is 16 bytes");
  std::memcpy(out, iv.data(), iv.size());
  char* const text = out + kCtrPolyIvSize;
  contexts_->crypt(iv, plain, text);
  contexts_->authenticate(iv, {text, plain.size()},
                          reinterpret_cast<unsigned char*>(text + plain.size()));
}

bool CtrPoly1305::open(BytesView unit, char* out) {
  if (unit.size() < kCtrPolyOverhead) return false;
  const BytesView iv = unit.substr(0, kCtrPolyIvSize);
  if (std::all_of(iv.begin(), iv.end(), [](char c) { return c == 0; })) return false;
  const BytesView text = unit.substr(kCtrPolyIvSize, unit.size() - kCtrPolyOverhead);
  unsigned char mac[kCtrPolyMacSize];
  contexts_->authenticate(iv, text, mac);
  if (!equal_in_constant_time({reinterpret_cast<const char*>(mac), kCtrPolyMacSize},
                              unit.substr(unit.size() - kCtrPolyMacSize))) {
    return false;
  }
  contexts_->crypt(iv, text, out);
  return true;
}

}  // namespace lateen::repository
