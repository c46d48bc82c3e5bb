#include "repository/crypto/aead.h"

#include <array>
#include <limits>

#include <openssl/evp.h>

#include "base/result.h"

namespace lateen::repository {

namespace {

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

// Fetched once: they live as long as the process.
const EVP_CIPHER* cipher_of(AeadCipher cipher) {
  static const EVP_CIPHER* const kFetched[] = {
      EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr),
      EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr)};
  const EVP_CIPHER* const found = kFetched[static_cast<std::size_t>(cipher)];
  LATEEN_ASSERT(found != nullptr, "OpenSSL's default provider has this cipher");
  return found;
}

const unsigned char* octets(BytesView text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

int int_size(BytesView text) {
  LATEEN_ASSERT(text.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()),
                "contents and index blobs are smaller than 2 GiB");
  return static_cast<int>(text.size());
}

}  // namespace

struct Aead::Contexts {
  std::array<Context, 2> encrypt;
  std::array<Context, 2> decrypt;

  // A context that knows its cipher: a new key and nonce are all that each unit changes.
  static EVP_CIPHER_CTX* ready(Context& context, AeadCipher cipher, int encrypting) {
    if (context == nullptr) {
      context.reset(EVP_CIPHER_CTX_new());
      const int done = EVP_CipherInit_ex2(context.get(), cipher_of(cipher), nullptr, nullptr,
                                          encrypting, nullptr);
      LATEEN_ASSERT(done == 1, "a fetched cipher can be set up");
    }
    return context.get();
  }
};

Aead::Aead() : contexts_(std::make_unique<Contexts>()) {}

Aead::Aead(Aead&&) noexcept = default;
Aead& Aead::operator=(Aead&&) noexcept = default;
Aead::~Aead() = default;

void Aead::seal(AeadCipher cipher,
                BytesView key,
                BytesView nonce,
                BytesView associated,
                BytesView plain,
                char* out) {
  LATEEN_ASSERT(key.size() == kAeadKeySize && nonce.size() == kAeadNonceSize, "sizes of this AEAD");
  EVP_CIPHER_CTX* const context =
      Contexts::ready(contexts_->encrypt[static_cast<std::size_t>(cipher)], cipher, 1);
  auto* const to = reinterpret_cast<unsigned char*>(out);
  int written = 0;
  int done = EVP_EncryptInit_ex2(context, nullptr, octets(key), octets(nonce), nullptr);
  if (!associated.empty()) {
    done &= EVP_EncryptUpdate(context, nullptr, &written, octets(associated), int_size(associated));
  }
  if (!plain.empty()) {
    done &= EVP_EncryptUpdate(context, to, &written, octets(plain), int_size(plain));
  }
  int rest = 0;
  done &= EVP_EncryptFinal_ex(context, to + plain.size(), &rest);
  done &= EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kAeadTagSize, to + plain.size());
  LATEEN_ASSERT(done == 1, "encrypting memory can't fail");
}

bool Aead::open(AeadCipher cipher,
                BytesView key,
                BytesView nonce,
                BytesView associated,
                BytesView sealed,
                char* out) {
  LATEEN_ASSERT(key.size() == kAeadKeySize && nonce.size() == kAeadNonceSize, "sizes of this AEAD");
  if (sealed.size() < kAeadTagSize) return false;
  const BytesView text = sealed.substr(0, sealed.size() - kAeadTagSize);
  EVP_CIPHER_CTX* const context =
      Contexts::ready(contexts_->decrypt[static_cast<std::size_t>(cipher)], cipher, 0);
  auto* const to = reinterpret_cast<unsigned char*>(out);
  unsigned char tag[kAeadTagSize];
  sealed.copy(reinterpret_cast<char*>(tag), kAeadTagSize, text.size());
  int written = 0;
  int done = EVP_DecryptInit_ex2(context, nullptr, octets(key), octets(nonce), nullptr);
  done &= EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kAeadTagSize, tag);
  if (!associated.empty()) {
    done &= EVP_DecryptUpdate(context, nullptr, &written, octets(associated), int_size(associated));
  }
  if (!text.empty()) {
    done &= EVP_DecryptUpdate(context, to, &written, octets(text), int_size(text));
  }
  LATEEN_ASSERT(done == 1, "decrypting memory can't fail before its tag is looked at");
  unsigned char none[16];
  int rest = 0;
  return EVP_DecryptFinal_ex(context, none, &rest) == 1;
}

}  // namespace lateen::repository
