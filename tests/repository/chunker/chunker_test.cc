#include "repository/chunker/chunker.h"

#include <fstream>

#include <gtest/gtest.h>

#include "repository/chunker/rabin.h"
#include "repository/testing/test_stream.h"

namespace lateen::repository {
namespace {

using testing::test_bytes;
using testing::TestStream;

std::vector<std::size_t> ends_of(const Chunker& chunker, BytesView text) {
  std::vector<std::size_t> ends;
  std::size_t at = 0;
  for (const std::size_t length : chunker.cut(text))
    ends.push_back(at += length);
  return ends;
}

std::vector<std::size_t> ends_in(const std::string& name) {
  std::ifstream file(std::string(LATEEN_TESTDATA) + "/cutpoints/" + name + ".prng64M.txt");
  std::string comment;
  std::getline(file, comment);
  std::vector<std::size_t> ends;
  for (std::size_t end = 0; file >> end;)
    ends.push_back(end);
  return ends;
}

const Bytes& stream_64m() {
  static const Bytes kStream = test_bytes(1, 64_MiB);
  return kStream;
}

class CutPoints : public ::testing::TestWithParam<const char*> {};

TEST_P(CutPoints, AreThoseOfKopia) {
  const auto chunker = make_kopia_chunker(GetParam());
  ASSERT_TRUE(chunker);
  EXPECT_EQ(ends_of(**chunker, stream_64m()), ends_in(std::string("kopia-") + GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Chunker,
                         CutPoints,
                         ::testing::Values("DYNAMIC-128K-BUZHASH",
                                           "DYNAMIC-256K-BUZHASH",
                                           "DYNAMIC-512K-BUZHASH",
                                           "DYNAMIC-1M-BUZHASH",
                                           "DYNAMIC-2M-BUZHASH",
                                           "DYNAMIC-4M-BUZHASH",
                                           "DYNAMIC-8M-BUZHASH",
                                           "DYNAMIC-128K-RABINKARP",
                                           "DYNAMIC-1M-RABINKARP",
                                           "DYNAMIC-4M-RABINKARP",
                                           "DYNAMIC-8M-RABINKARP"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(Chunker, CutsAsResticDoes) {
  for (const auto& [polynomial, name] : std::vector<std::pair<std::uint64_t, std::string>>{
           {0x394d7e615912a9, "restic-394d7e615912a9"},
           {0x33bf4acb18f535, "restic-33bf4acb18f535"},
           {0x3da3358b4dc173, "restic-3da3358b4dc173"}}) {
    const auto chunker = make_restic_chunker(polynomial);
    ASSERT_TRUE(chunker);
    EXPECT_EQ(ends_of(**chunker, stream_64m()), ends_in(name)) << name;
  }
}

TEST(Chunker, CutsAlikeWithAllCode) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Bytes text = test_bytes(seed, 1_MiB + 77 * seed);
    // Runs of one byte, where every position is a candidate.
    text.replace(200'000 + 1000 * seed, 150'000, Bytes(150'000, static_cast<char>(seed)));
    for (const ChunkerCode code : {ChunkerCode::Interleaved, ChunkerCode::Avx512}) {
      if (!chunker_code_runs(code)) continue;
      for (const char* name : {"DYNAMIC-128K-BUZHASH", "DYNAMIC-128K-RABINKARP"}) {
        const auto plain = make_kopia_chunker(name, ChunkerCode::Plain);
        const auto fast = make_kopia_chunker(name, code);
        EXPECT_EQ((*plain)->cut(text), (*fast)->cut(text)) << name << " seed " << seed;
      }
      const std::uint64_t polynomial = seed % 2 == 0 ? 0x394d7e615912a9 : 0x3da3358b4dc173;
      const auto plain = make_restic_chunker(polynomial, ChunkerCode::Plain);
      const auto fast = make_restic_chunker(polynomial, code);
      EXPECT_EQ((*plain)->cut(text), (*fast)->cut(text)) << "restic's, seed " << seed;
    }
  }
}

TEST(Chunker, CutsAlikeHoweverTheTextArrives) {
  const auto chunker = make_kopia_chunker("DYNAMIC-128K-BUZHASH");
  const Bytes text = test_bytes(5, 3_MiB);
  const std::vector<std::size_t> expected = (*chunker)->cut(text);
  TestStream random(17);
  std::vector<std::size_t> got;
  std::size_t start = 0;
  std::size_t have = 0;
  std::size_t scanned = 0;
  while (start < text.size()) {
    const BytesView window = BytesView(text).substr(start, have - start);
    const std::size_t length = (*chunker)->find_end(window, scanned, have == text.size());
    if (length == 0) {
      have = std::min(text.size(), have + 1 + random.next() % 100'000);
      continue;
    }
    got.push_back(length);
    start += length;
    scanned = 0;
    have = std::max(have, start);
  }
  EXPECT_EQ(got, expected);
}

TEST(Chunker, CutsRunsOfOneByteAtTheMinimum) {
  const auto buzhash = make_kopia_chunker("DYNAMIC-128K-BUZHASH");
  EXPECT_EQ((*buzhash)->cut(Bytes(200'000, 'x')),
            (std::vector<std::size_t>{65536, 65536, 65536, 3392}));
  const auto restic = make_restic_chunker(0x394d7e615912a9);
  EXPECT_EQ((*restic)->cut(Bytes(1_MiB, '\0')), (std::vector<std::size_t>{524288, 524288}));
}

TEST(Chunker, CutsFixedPieces) {
  const auto chunker = make_kopia_chunker("FIXED-128K");
  EXPECT_EQ((*chunker)->cut(Bytes(300'000, 'x')),
            (std::vector<std::size_t>{131072, 131072, 37856}));
  EXPECT_EQ((*chunker)->cut(Bytes(262144, 'x')), (std::vector<std::size_t>{131072, 131072}));
  EXPECT_EQ((*make_kopia_chunker("FIXED"))->max_size(), 4_MiB);
}

TEST(Chunker, RefusesNamesThatKopiaDoesNotHave) {
  for (const char* name :
       {"", "FIXED-3M", "FIXED-", "DYNAMIC-4M", "DYNAMIC-4M-FOO", "DYNAMIC-64K-BUZHASH"}) {
    EXPECT_EQ(make_kopia_chunker(name).error().code(), Code::Unsupported) << name;
  }
}

TEST(Rabin, KnowsIrreduciblePolynomials) {
  for (const std::uint64_t p :
       {0x394d7e615912a9, 0x33bf4acb18f535, 0x3da3358b4dc173, 0x2e3e3e4a305605}) {
    EXPECT_TRUE(is_irreducible(p)) << std::hex << p;
  }
  for (const std::uint64_t p : {0x394d7e615912ab, 0x20000000000001, 0x3fffffffffffff}) {
    EXPECT_FALSE(is_irreducible(p)) << std::hex << p;
  }
  EXPECT_EQ(make_restic_chunker(0x394d7e615912ab).error().code(), Code::InvalidArgument);
}

// restic-format.md section 21: the sixth try with seed 99.
TEST(Rabin, DrawsPolynomialsAsResticDoes) {
  TestStream random(99);
  for (int i = 0; i < 5; ++i)
    EXPECT_FALSE(is_irreducible(polynomial_candidate(random.next())));
  const std::uint64_t sixth = polynomial_candidate(random.next());
  EXPECT_EQ(sixth, 0x31599ff249c2e9U);
  EXPECT_TRUE(is_irreducible(sixth));
}

TEST(Rabin, MakesResticsTables) {
  const RabinTables tables(0x394d7e615912a9);
  EXPECT_EQ(tables.out[1], 0x8c95e2e42a0c1U);
  EXPECT_EQ(tables.out[255], 0x1721948aa1a69U);
  EXPECT_EQ(tables.mod[1], 0x394d7e615912a9U);
  EXPECT_EQ(tables.mod[255], 0x1fee10515d25261dU);
}

}  // namespace
}  // namespace lateen::repository
