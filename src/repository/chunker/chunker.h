// Where a file's bytes are cut into pieces. The cut points are part of the repository's format: two
// programs share pieces only if they cut alike, so every variant here gives exactly the format's.
//
// In all formats that we know, whether a piece may end behind a byte depends only on the 64 bytes
// up to it, and on the piece's length. So nothing is hashed before the minimum, and the rest is
// looked through in independent stripes (chunker/README.md).
//
//   std::size_t scanned = 0;
//   while (!(length = chunker.find_end(window, scanned, at_end))) read_more(window);
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace lateen::repository {

// Thread-safe: immutable once made.
class Chunker {
 public:
  Chunker() = default;
  Chunker(const Chunker&) = delete;
  Chunker& operator=(const Chunker&) = delete;
  virtual ~Chunker() = default;

  virtual std::size_t min_size() const = 0;
  virtual std::size_t max_size() const = 0;

  // `data` begins where a piece begins and holds what has been read so far. The length of that
  // piece; 0 if more must be read to tell (never if `at_end`, when `data` is all there is, nor with
  // max_size() bytes there). `scanned` starts at 0 for each piece and remembers between calls what
  // was looked through already.
  std::size_t find_end(BytesView data, std::size_t& scanned, bool at_end) const;

  // The lengths of all pieces of a whole text.
  std::vector<std::size_t> cut(BytesView whole) const;

 private:
  // The smallest length l with from <= l <= to at which a piece may end by its hash, or 0. `from`
  // is at least min_size().
  virtual std::size_t find_candidate(BytesView data, std::size_t from, std::size_t to) const = 0;
};

// By kopia's name: FIXED-*, DYNAMIC-*-BUZHASH, DYNAMIC-*-RABINKARP, FIXED, DYNAMIC. Unsupported,
// naming it, for others.
Result<std::unique_ptr<Chunker>> make_kopia_chunker(std::string_view name);

// restic's: 512 KiB to 8 MiB, one MiB on average, for this repository's polynomial, which must be
// irreducible of degree 53 (InvalidArgument).
Result<std::unique_ptr<Chunker>> make_restic_chunker(std::uint64_t polynomial);

// Restic's way to a polynomial: 8 random bytes little-endian make one candidate; nothing if it is
// not irreducible (about one in 27 is).
bool is_irreducible(std::uint64_t polynomial);
std::uint64_t polynomial_candidate(std::uint64_t random);

// Which machine code finds candidates; the fastest that this machine runs by default. For tests and
// benchmarks: all give equal cuts.
enum class ChunkerCode { Plain, Interleaved, Avx512 };
bool chunker_code_runs(ChunkerCode code);
Result<std::unique_ptr<Chunker>> make_kopia_chunker(std::string_view name, ChunkerCode code);
Result<std::unique_ptr<Chunker>> make_restic_chunker(std::uint64_t polynomial, ChunkerCode code);

}  // namespace lateen::repository
