// The fuzzers of fuzz/ without libFuzzer: each law that they hold is held for what the real
// programs wrote, and for a few thousand changes of it. `make fuzz` looks further.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/environment.h"
#include "base/text.h"
#include "repository/kopia/fixture.h"
#include "repository/kopia/index_blob.h"
#include "repository/restic/content_format.h"
#include "repository/restic/fixture.h"
#include "repository/restic/pack_header.h"
#include "repository/testing/test_stream.h"

// Each fuzzer under a name of its own.
#define LLVMFuzzerTestOneInput lateen_fuzz_kopia_documents
#include "../../fuzz/kopia_documents_fuzzer.cc"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput lateen_fuzz_kopia_index
#include "../../fuzz/kopia_index_fuzzer.cc"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput lateen_fuzz_restic_documents
#include "../../fuzz/restic_documents_fuzzer.cc"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput lateen_fuzz_restic_tree
#include "../../fuzz/restic_tree_fuzzer.cc"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput lateen_fuzz_unpack
#include "../../fuzz/unpack_fuzzer.cc"
#undef LLVMFuzzerTestOneInput

namespace lateen::repository {
namespace {

using Fuzzer = int (*)(const std::uint8_t*, std::size_t);

// What breaks parsers: numbers at the ends of their ranges, nesting, quotes, bytes that are no
// text.
constexpr std::array<std::string_view, 14> kWords = {"18446744073709551615",
                                                     "-9223372036854775808",
                                                     "1e999",
                                                     "0.5",
                                                     "null",
                                                     "[[[[[[[[",
                                                     "{\"a\":",
                                                     "\"\\u0000\"",
                                                     "..",
                                                     "\xff\xfe",
                                                     "9999-12-31T23:59:60Z",
                                                     "../../x",
                                                     "\\ud800",
                                                     ""};

// A change of `seed`, another for each state of the stream.
Bytes changed(const Bytes& seed, testing::TestStream& random) {
  Bytes out = seed;
  for (std::uint64_t n = 1 + random.next() % 3; n > 0; --n) {
    const std::size_t at = out.empty() ? 0 : random.next() % out.size();
    switch (random.next() % 5) {
      case 0:
        if (!out.empty()) out[at] = static_cast<char>(out[at] ^ (1 << random.next() % 8));
        break;
      case 1:
        out.resize(at);
        break;
      case 2:
        out.insert(at, kWords.at(random.next() % kWords.size()));
        break;
      case 3:
        out.erase(at, random.next() % 16);
        break;
      default: {
        const std::size_t from = out.empty() ? 0 : random.next() % out.size();
        out.insert(at, Bytes(out.substr(from, random.next() % 40)));
        break;
      }
    }
  }
  return out;
}

void run(Fuzzer fuzzer, const std::vector<Bytes>& seeds, std::size_t changes) {
  ASSERT_FALSE(seeds.empty());
  testing::TestStream random(20261122);
  const auto try_one = [fuzzer](const Bytes& bytes) {
    (void)fuzzer(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  };
  for (const Bytes& seed : seeds)
    try_one(seed);
  // LATEEN_HOSTILE_TIMES: for long runs, under sanitizers.
  const auto times = parse_int(env("LATEEN_HOSTILE_TIMES").value_or("1"));
  for (std::size_t i = 0; i < changes * static_cast<std::size_t>(times.value_or(1)); ++i)
    try_one(changed(seeds[random.next() % seeds.size()], random));
}

// Contents of at most this size: documents, not files.
constexpr ByteCount kLargestSeed = 20'000;

class HostileKopia : public kopia::KopiaFixture {
 protected:
  struct Seeds {
    std::vector<Bytes> documents = {};
    std::vector<Bytes> indexes = {};
  };

  // With the fuzzer's selector before each.
  Seeds seeds() {
    Seeds seeds;
    for (const char* name : {"kopia-repo", "kopia-velero-repo"}) {
      const FilePath folder = unpack(name);
      const auto repository = open(folder).value();
      std::vector<ContentEntry> entries;
      std::vector<std::string> packs;
      const ContentIndex& index = repository->reader().index();
      for (std::uint32_t pack = 0; pack < index.packs().size(); ++pack)
        packs.emplace_back(index.packs().name(pack));
      Workspace workspace;
      EXPECT_TRUE(index.for_each([&](const ContentEntry& entry) -> Status {
        entries.push_back(entry);
        if (entry.id.prefix == 0 || entry.length > kLargestSeed) return {};
        const auto plain = repository->reader().read(entry.id, workspace);
        EXPECT_TRUE(plain);
        for (char selector = 0; plain && selector < 7; ++selector)
          seeds.documents.push_back(Bytes(1, selector) + *plain);
        return {};
      }));
      const Bytes format = read_file(folder / "kopia.repository.f").value_or("{}");
      seeds.documents.push_back(Bytes(1, 4) + format);
      seeds.documents.push_back(
          Bytes(1, 7) +
          "xe1\nxe2\nxn0_0a-s1-c2\nxn0_0b-s1-c2\nxn1_1a-s2-c1\nxn2_2a-s3-c1\nxs0_3a-s4-c1\n"
          "xr0_1_4a-s5-c1\nxw1700000000");
      for (const int version : {1, 2}) {
        const auto encoded = kopia::encode_index(entries, packs, version);
        if (encoded) seeds.indexes.push_back(*encoded);
      }
    }
    return seeds;
  }
};

TEST_F(HostileKopia, DocumentsAndIndexesKeepTheLawsOfTheirFuzzers) {
  const Seeds all = seeds();
  run(lateen_fuzz_kopia_documents, all.documents, 6000);
  run(lateen_fuzz_kopia_index, all.indexes, 1500);
}

class HostileRestic : public restic::ResticFixture {};

TEST_F(HostileRestic, DocumentsAndTreesKeepTheLawsOfTheirFuzzers) {
  std::vector<Bytes> documents;
  std::vector<Bytes> trees;
  for (const int version : {1, 2}) {
    const auto opened = open(repository(version)).value();
    for (const auto type :
         {restic::FileType::Key, restic::FileType::Index, restic::FileType::Snapshot}) {
      const std::vector<restic::ListedFile> files = opened->list(type, {}).value();
      for (const restic::ListedFile& file : files) {
        auto document = opened->document(type, file.id, {});
        if (document) documents.push_back(std::move(*document));
      }
    }
    documents.emplace_back(opened->config_json());
    documents.emplace_back(opened->master_key_json());
    Workspace workspace;
    Bytes header;
    EXPECT_TRUE(opened->reader().index().for_each([&](const ContentEntry& entry) -> Status {
      if (header.size() < 3000) restic::append_header_entry(header, restic::to_blob(entry));
      if (entry.id.prefix == 0 || entry.length > kLargestSeed) return {};
      auto plain = opened->reader().read(entry.id, workspace);
      if (plain) trees.push_back(std::move(*plain));
      return {};
    }));
    documents.push_back(std::move(header));
  }
  run(lateen_fuzz_restic_documents, documents, 5000);
  run(lateen_fuzz_restic_tree, trees, 3000);
}

TEST(HostileCompression, UnpacksOrRefusesAndLeavesNothingBehind) {
  constexpr std::array kPacked = {Algorithm::None, Algorithm::Gzip, Algorithm::Deflate,
                                  Algorithm::Zstd};
  std::vector<Bytes> seeds;
  Compressor compressor;
  const Bytes text = testing::test_bytes(1, 300) + Bytes(3000, 'x') + testing::test_bytes(1, 300);
  for (std::size_t i = 0; i < kPacked.size(); ++i) {
    Buffer packed;
    ASSERT_TRUE(compressor.compress({.algorithm = kPacked.at(i), .level = 1}, text, packed));
    seeds.push_back(Bytes(1, static_cast<char>(i)) + Bytes(packed.view()));
  }
  // An S2 stream's and an lz4 frame's beginning.
  seeds.emplace_back(
      "\x04\xff\x06\x00\x00S2sTwO\x01\x08\x00\x00"
      "aaaaaaaa",
      24);
  seeds.emplace_back("\x05\x04\x22\x4d\x18\x64\x40\xa7\x05\x00\x00\x80hello\x00\x00\x00\x00", 21);
  run(lateen_fuzz_unpack, seeds, 4000);
}

}  // namespace
}  // namespace lateen::repository
