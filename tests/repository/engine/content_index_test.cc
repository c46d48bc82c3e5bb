#include "repository/engine/content_index.h"

#include <map>

#include <gtest/gtest.h>

#include "base/temp.h"
#include "repository/testing/test_stream.h"

namespace lateen::repository {
namespace {

using testing::TestStream;

ContentId id_of(std::uint64_t n, std::size_t size = 16) {
  ContentId id{.prefix = static_cast<std::uint8_t>(n % 3 == 0 ? 'k' : 0),
               .size = static_cast<std::uint8_t>(size)};
  TestStream stream(n + 1);
  for (std::size_t i = 0; i < size; i += 8) {
    const std::uint64_t word = stream.next();
    std::memcpy(id.hash.data() + i, &word, 8);
  }
  return id;
}

std::vector<ContentEntry> entries_of(const ContentIndex& index) {
  std::vector<ContentEntry> all;
  EXPECT_TRUE(index.for_each([&all](const ContentEntry& entry) {
    all.push_back(entry);
    return Status();
  }));
  return all;
}

// However little memory there is to sort in.
TEST(ContentIndex, FindsTheNewestOfWhatWasAddedAsAMapWould) {
  for (const ByteCount memory : {ByteCount{4000}, ByteCount{1_MiB}}) {
    IndexBuilder builder({.hash_size = 16, .memory = memory});
    std::map<ContentId, ContentEntry> model;
    TestStream random(3);
    for (int i = 0; i < 5000; ++i) {
      const ContentEntry entry{
          .id = id_of(random.next() % 3000),
          .pack = builder.packs().intern(fmt::format("p{}", random.next() % 50)),
          .offset = static_cast<std::uint32_t>(i),
          .time = static_cast<std::uint32_t>(i)};
      ASSERT_TRUE(builder.add(entry));
      model[entry.id] = entry;
    }
    const auto index = builder.build();
    ASSERT_TRUE(index);
    EXPECT_EQ((*index)->rows(), model.size());
    for (std::uint64_t n = 0; n < 4000; ++n) {
      const auto found = (*index)->find(id_of(n));
      const auto expected = model.find(id_of(n));
      ASSERT_EQ(found.has_value(), expected != model.end());
      EXPECT_TRUE(!found || found->offset == expected->second.offset);
    }
    std::vector<ContentEntry> all = entries_of(**index);
    ASSERT_EQ(all.size(), model.size());
    std::size_t i = 0;
    for (const auto& [id, entry] : model)
      EXPECT_EQ(all[i++].id, id);
  }
}

TEST(ContentIndex, BreaksTiesAsKopiaDoes) {
  IndexBuilder builder({.hash_size = 16});
  const auto add = [&](std::uint64_t n, const char* pack, std::uint32_t time, bool deleted) {
    ASSERT_TRUE(builder.add(
        {.id = id_of(n), .pack = builder.packs().intern(pack), .time = time, .deleted = deleted}));
  };
  add(1, "pa", 7, false);
  add(1, "pb", 7, false);
  add(2, "pb", 7, true);
  add(2, "pa", 7, false);
  add(4, "pa", 8, true);
  add(4, "pb", 7, false);
  const auto index = builder.build();
  EXPECT_EQ((*index)->packs().name((*index)->find(id_of(1))->pack), "pb");
  EXPECT_FALSE((*index)->find(id_of(2))->deleted);
  EXPECT_TRUE((*index)->find(id_of(4))->deleted);
  EXPECT_FALSE((*index)->has_live(id_of(4)));
}

TEST(ContentIndex, KeepsAllCopiesWhereTheFormatDoes) {
  IndexBuilder builder({.hash_size = 32, .duplicates = DuplicateRule::KeepAll});
  for (std::uint32_t pack = 0; pack < 3; ++pack) {
    ASSERT_TRUE(builder.add(
        {.id = id_of(9, 32), .pack = builder.packs().intern(fmt::format("p{}", pack))}));
  }
  const auto index = builder.build();
  EXPECT_EQ((*index)->find_all(id_of(9, 32)).size(), 3U);
  EXPECT_EQ((*index)->find_rows(id_of(9, 32)).second, 3U);
  EXPECT_TRUE((*index)->find_all(id_of(8, 32)).empty());
}

TEST(ContentIndex, LeavesOutWhatIsToBeDropped) {
  IndexBuilder builder({.hash_size = 16});
  ASSERT_TRUE(builder.add({.id = id_of(1), .time = 5, .deleted = true}));
  ASSERT_TRUE(builder.add({.id = id_of(2), .time = 5}));
  const auto index = builder.build([](const ContentEntry& entry) { return entry.deleted; });
  EXPECT_FALSE((*index)->find(id_of(1)));
  EXPECT_TRUE((*index)->find(id_of(2)));
}

// An index that did not fit into memory failed for who had no cache yet.
TEST(ContentIndex, SpillsIntoAFolderThatItMakes) {
  const TempDir dir = TempDir::create("content-index").value();
  const auto build = [](const FilePath& cache) {
    IndexBuilder builder({.hash_size = 16, .cache_dir = cache, .cache_key = "k", .memory = 4000});
    for (std::uint64_t n = 0; n < 1000; ++n)
      EXPECT_TRUE(builder.add({.id = id_of(n), .pack = builder.packs().intern("p")}));
    const auto index = builder.build();
    EXPECT_TRUE(index) << index.error().message();
    return index ? (*index)->rows() : 0;
  };
  EXPECT_EQ(build(dir.path() / "not/there/yet"), 1000U);
  EXPECT_TRUE(path_exists(dir.path() / "not/there/yet/k"));
  // Nor is a folder that cannot be made a reason to fail.
  ASSERT_TRUE(write_file(dir.path() / "file", "", 0600));
  EXPECT_EQ(build(dir.path() / "file/below"), 1000U);
}

TEST(ContentIndex, RefusesHashesOfAnotherSize) {
  IndexBuilder builder({.hash_size = 16});
  EXPECT_EQ(builder.add({.id = id_of(1, 32)}).error().code(), Code::Corrupt);
}

// Through spilled tables and merged segments.
TEST(ContentIndex, FindsAllThatWasAddedAfterOpening) {
  ContentIndex index(16, {});
  constexpr std::uint64_t kCount = 700'000;
  std::vector<ContentEntry> batch;
  for (std::uint64_t n = 0; n < kCount; ++n) {
    ContentId id = id_of(1);
    const std::uint64_t word = n * 0x9e3779b97f4a7c15ULL;
    std::memcpy(id.hash.data(), &word, 8);
    batch.push_back({.id = id, .offset = static_cast<std::uint32_t>(n)});
    if (batch.size() == 1000) {
      index.add(batch);
      batch.clear();
    }
  }
  for (std::uint64_t n = 0; n < kCount; n += 997) {
    ContentId id = id_of(1);
    const std::uint64_t word = n * 0x9e3779b97f4a7c15ULL;
    std::memcpy(id.hash.data(), &word, 8);
    ASSERT_EQ(index.find(id)->offset, n);
  }
  EXPECT_FALSE(index.find(id_of(77)));
}

TEST(ContentIndex, IsKeptForTheNextProcessAndNotBelievedWhenBroken) {
  const TempDir dir = TempDir::create().value();
  const IndexBuilderOptions options{
      .hash_size = 16, .cache_dir = dir.path(), .cache_key = "index-1"};
  {
    IndexBuilder builder(options);
    EXPECT_EQ(builder.open_cached(), nullptr);
    for (std::uint64_t n = 0; n < 1000; ++n) {
      ASSERT_TRUE(builder.add({.id = id_of(n), .pack = builder.packs().intern("p1"), .offset = 5}));
    }
    ASSERT_TRUE(builder.build());
  }
  {
    const auto cached = IndexBuilder(options).open_cached();
    ASSERT_NE(cached, nullptr);
    EXPECT_EQ(cached->rows(), 1000U);
    EXPECT_EQ(cached->packs().name(cached->find(id_of(3))->pack), "p1");
  }
  Bytes file = read_file(dir.path() / "index-1").value();
  for (const std::size_t at : {std::size_t{9}, std::size_t{5000}, file.size() - 1}) {
    Bytes broken = file;
    broken[at] = static_cast<char>(broken[at] ^ 1);
    ASSERT_TRUE(write_file(dir.path() / "index-1", broken));
    EXPECT_EQ(IndexBuilder(options).open_cached(), nullptr) << at;
  }
  ASSERT_TRUE(write_file(dir.path() / "index-1", BytesView(file).substr(0, 4000)));
  EXPECT_EQ(IndexBuilder(options).open_cached(), nullptr);
}

}  // namespace
}  // namespace lateen::repository
