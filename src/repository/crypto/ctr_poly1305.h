// restic's encryption: AES-256-CTR, then Poly1305-AES over the ciphertext (restic-format.md section
// 2).
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"

namespace lateen::repository {

inline constexpr std::size_t kCtrPolyIvSize = 16;
inline constexpr std::size_t kCtrPolyMacSize = 16;
inline constexpr std::size_t kCtrPolyOverhead = kCtrPolyIvSize + kCtrPolyMacSize;

struct CtrPolyKey {
  std::array<std::uint8_t, 32> encrypt{};  // E
  std::array<std::uint8_t, 16> mac_k{};    // K
  std::array<std::uint8_t, 16> mac_r{};    // R, as stored: clamped when used

  bool operator==(const CtrPolyKey&) const = default;
};

// One key's contexts. Not thread-safe: one a thread.
class CtrPoly1305 {
 public:
  explicit CtrPoly1305(const CtrPolyKey& key);
  CtrPoly1305(CtrPoly1305&&) noexcept;
  CtrPoly1305& operator=(CtrPoly1305&&) noexcept;
  CtrPoly1305(const CtrPoly1305&) = delete;
  CtrPoly1305& operator=(const CtrPoly1305&) = delete;
  ~CtrPoly1305();

  const CtrPolyKey& key() const { return key_; }

  // Writes iv || ciphertext || mac: plain.size() + kCtrPolyOverhead bytes.
  void seal(BytesView iv, BytesView plain, char* out);

  // Writes unit.size() - kCtrPolyOverhead bytes; false, before anything is decrypted, if the unit
  // is too short, its IV is zero or its MAC is not right.
  [[nodiscard]] bool open(BytesView unit, char* out);

 private:
  struct Contexts;
  CtrPolyKey key_;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace lateen::repository
