#include "base/random.h"

#include <cerrno>
#include <cstring>
#include <limits>
#include <string_view>

#include <sys/random.h>

#include "base/encoding.h"
#include "base/result.h"

namespace lateen {

void SystemRng::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    LATEEN_ASSERT(got > 0, "the kernel gives random bytes once it has booted");
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

std::uint64_t random_u64(Rng& rng) {
  std::byte bytes[8];
  rng.fill(bytes);
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

std::uint64_t random_below(Rng& rng, std::uint64_t bound) {
  LATEEN_ASSERT(bound != 0, "there is no number below 0");
  // Values past the last whole multiple of the bound would make the small ones likelier.
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t usable = most - (most % bound + 1) % bound;
  for (;;) {
    const std::uint64_t value = random_u64(rng);
    if (value <= usable) return value % bound;
  }
}

std::string uuid4(Rng& rng) {
  std::byte bytes[16];
  rng.fill(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  std::string text = hex_encode({reinterpret_cast<const char*>(bytes), sizeof bytes});
  for (const std::size_t at : {8U, 13U, 18U, 23U})
    text.insert(at, "-");
  return text;
}

std::string random_suffix(Rng& rng, std::size_t length) {
  // Kubernetes' alphabet: no vowels and no look-alikes, so that no word comes out.
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string suffix;
  for (std::size_t i = 0; i < length; ++i) {
    suffix += kAlphabet[static_cast<std::size_t>(random_below(rng, kAlphabet.size()))];
  }
  return suffix;
}

}  // namespace lateen
