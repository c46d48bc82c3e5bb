// Authenticated encryption with associated data: kopia's ciphers. A key is used for one unit only,
// so it comes with each call.
#pragma once

#include <memory>

#include "base/bytes.h"

namespace lateen::repository {

enum class AeadCipher { Aes256Gcm, ChaCha20Poly1305 };

inline constexpr std::size_t kAeadKeySize = 32;
inline constexpr std::size_t kAeadNonceSize = 12;
inline constexpr std::size_t kAeadTagSize = 16;

// Keeps OpenSSL's contexts between units. Not thread-safe: one a thread (Workspace has one).
class Aead {
 public:
  Aead();
  Aead(Aead&&) noexcept;
  Aead& operator=(Aead&&) noexcept;
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;
  ~Aead();

  // Writes plain.size() + kAeadTagSize bytes to `out`: ciphertext || tag. `out` may not overlap.
  void seal(AeadCipher cipher,
            BytesView key,
            BytesView nonce,
            BytesView associated,
            BytesView plain,
            char* out);

  // `sealed` = ciphertext || tag. Writes sealed.size() - kAeadTagSize bytes; false (and nothing
  // worth reading in `out`) if the tag is not right.
  [[nodiscard]] bool open(AeadCipher cipher,
                          BytesView key,
                          BytesView nonce,
                          BytesView associated,
                          BytesView sealed,
                          char* out);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace lateen::repository
