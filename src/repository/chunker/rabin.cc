#include "repository/chunker/rabin.h"

#include <bit>
#include <utility>

#include "repository/chunker/chunker.h"

namespace lateen::repository {

namespace {

int degree(std::uint64_t p) {
  return 63 - std::countl_zero(p);
}

std::uint64_t remainder(std::uint64_t a, std::uint64_t p) {
  const int d = degree(p);
  while (a != 0 && degree(a) >= d)
    a ^= p << (degree(a) - d);
  return a;
}

// a·b mod p; a and b have smaller degrees than p, which has at most 62.
std::uint64_t multiply(std::uint64_t a, std::uint64_t b, std::uint64_t p) {
  std::uint64_t product = 0;
  const std::uint64_t top = 1ULL << degree(p);
  for (; b != 0; b >>= 1) {
    if ((b & 1) != 0) product ^= a;
    a <<= 1;
    if ((a & top) != 0) a ^= p;
  }
  return product;
}

std::uint64_t greatest_common_divisor(std::uint64_t a, std::uint64_t b) {
  while (b != 0)
    a = std::exchange(b, remainder(a, b));
  return a;
}

}  // namespace

// Ben-Or's test: p is irreducible if it has no common factor with x^(2^i) - x for i up to half its
// degree.
bool is_irreducible(std::uint64_t polynomial) {
  if (polynomial < 2 || degree(polynomial) > 62) return false;
  std::uint64_t power = remainder(2, polynomial);
  for (int i = 1; i <= degree(polynomial) / 2; ++i) {
    power = multiply(power, power, polynomial);
    if (greatest_common_divisor(polynomial, power ^ 2) != 1) return false;
  }
  return true;
}

std::uint64_t polynomial_candidate(std::uint64_t random) {
  constexpr std::uint64_t kTop = 1ULL << kRabinDegree;
  return (random & (2 * kTop - 1)) | kTop | 1;
}

RabinTables::RabinTables(std::uint64_t polynomial) {
  // x^(8·63) mod P: what the oldest byte of the window stands for.
  std::uint64_t oldest = 1;
  for (std::size_t i = 0; i < 8 * (kChunkerWindow - 1); ++i)
    oldest = multiply(oldest, 2, polynomial);
  for (std::uint64_t b = 0; b < 256; ++b) {
    out[b] = multiply(oldest, b, polynomial);
    const std::uint64_t high = b << kRabinDegree;
    mod[b] = remainder(high, polynomial) | high;
  }
}

}  // namespace lateen::repository
