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
    IndexBuilder builder(
        {.hash_size = 16, .cache_dir = cache, .sources = {"blob"}, .memory = 4000});
    for (std::uint64_t n = 0; n < 1000; ++n)
      EXPECT_TRUE(builder.add({.id = id_of(n), .pack = builder.packs().intern("p")}));
    const auto index = builder.build();
    EXPECT_TRUE(index) << index.error().message();
    return index ? (*index)->rows() : 0;
  };
  EXPECT_EQ(build(dir.path() / "not/there/yet"), 1000U);
  EXPECT_TRUE(path_exists(dir.path() / "not/there/yet/merged-index"));
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

// What a process adds to `builder`: as blobs, each with its contents.
void add_blob(IndexBuilder& builder, const char* pack, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t n = from; n < to; ++n) {
    ASSERT_TRUE(builder.add({.id = id_of(n), .pack = builder.packs().intern(pack), .offset = 5}));
  }
}

// In memory and by files, as their size may be.
class KeptIndex : public ::testing::TestWithParam<ByteCount> {
 protected:
  IndexBuilderOptions options(std::vector<std::string> sources) const {
    return {.hash_size = 16,
            .cache_dir = dir_.path(),
            .sources = std::move(sources),
            .memory = GetParam()};
  }

  FilePath file() const { return dir_.path() / "merged-index"; }

 private:
  const TempDir dir_ = TempDir::create("kept-index").value();
};

INSTANTIATE_TEST_SUITE_P(, KeptIndex, ::testing::Values(4000, 1_MiB));

TEST_P(KeptIndex, IsThereForTheNextProcessAndNotBelievedWhenBroken) {
  {
    IndexBuilder builder(options({"a"}));
    EXPECT_EQ(builder.open_cached(), nullptr);
    add_blob(builder, "p1", 0, 1000);
    ASSERT_TRUE(builder.build());
  }
  {
    const auto cached = IndexBuilder(options({"a"})).open_cached();
    ASSERT_NE(cached, nullptr);
    EXPECT_EQ(cached->rows(), 1000U);
    EXPECT_EQ(cached->packs().name(cached->find(id_of(3))->pack), "p1");
  }
  Bytes whole = read_file(file()).value();
  for (const std::size_t at : {std::size_t{9}, std::size_t{5000}, whole.size() - 1}) {
    Bytes broken = whole;
    broken[at] = static_cast<char>(broken[at] ^ 1);
    ASSERT_TRUE(write_file(file(), broken));
    EXPECT_EQ(IndexBuilder(options({"a"})).open_cached(), nullptr) << at;
  }
  ASSERT_TRUE(write_file(file(), BytesView(whole).substr(0, 4000)));
  EXPECT_EQ(IndexBuilder(options({"a"})).open_cached(), nullptr);
}

// A repository of millions of contents was sorted anew after each backup, and each time left a file
// of its own behind.
TEST_P(KeptIndex, IsMergedWithWhatCameSince) {
  {
    IndexBuilder builder(options({"a", "c"}));
    add_blob(builder, "p1", 0, 1000);
    ASSERT_TRUE(builder.build());
  }
  IndexBuilder builder(options({"a", "b", "c"}));
  ASSERT_EQ(builder.open_cached(), nullptr);
  ASSERT_EQ(builder.missing(), std::vector<std::string>{"b"});
  add_blob(builder, "p2", 990, 1100);
  EXPECT_TRUE(builder.is_of_cache(builder.packs().intern("p1")));
  EXPECT_FALSE(builder.is_of_cache(builder.packs().intern("p2")));
  const auto index = builder.build();
  ASSERT_TRUE(index);
  const auto again = IndexBuilder(options({"a", "b", "c"})).open_cached();
  ASSERT_NE(again, nullptr);
  for (const ContentIndex* const one : {index->get(), again.get()}) {
    EXPECT_EQ(one->rows(), 1100U);
    EXPECT_EQ(one->packs().name(one->find(id_of(3))->pack), "p1");
    EXPECT_EQ(one->packs().name(one->find(id_of(995))->pack), "p2");
    EXPECT_EQ(one->packs().name(one->find(id_of(1099))->pack), "p2");
  }
  EXPECT_EQ(list_dir(file().parent_path())->size(), 1U);
}

TEST_P(KeptIndex, IsOfNoUseWithoutOneOfItsSourcesOrUnderAnotherRule) {
  {
    IndexBuilder builder(options({"a", "b"}));
    add_blob(builder, "p1", 0, 10);
    ASSERT_TRUE(builder.build());
  }
  IndexBuilder fewer(options({"b", "c"}));
  EXPECT_EQ(fewer.open_cached(), nullptr);
  EXPECT_EQ(fewer.missing().size(), 2U);
  IndexBuilderOptions other = options({"a", "b"});
  other.variant = "watermark 7";
  EXPECT_EQ(IndexBuilder(other).open_cached(), nullptr);
  IndexBuilderOptions fresh = options({"a", "b"});
  fresh.from_nothing = true;
  EXPECT_EQ(IndexBuilder(fresh).open_cached(), nullptr);
}

// A mark of deletion that was left out would have won over what comes later.
TEST_P(KeptIndex, IsNotMergedOnceSomethingWasLeftOut) {
  {
    IndexBuilder builder(options({"a"}));
    add_blob(builder, "p1", 0, 10);
    ASSERT_TRUE(builder.build([](const ContentEntry& entry) { return entry.id == id_of(3); }));
  }
  IndexBuilder more(options({"a", "b"}));
  EXPECT_EQ(more.open_cached(), nullptr);
  EXPECT_EQ(more.missing().size(), 2U);
  EXPECT_NE(IndexBuilder(options({"a"})).open_cached(), nullptr);
}

// The damage of an index blob was seen by one process and by none after it.
TEST_P(KeptIndex, KnowsNothingOfSourcesThatCouldNotBeRead) {
  {
    IndexBuilder builder(options({"a", "b"}));
    add_blob(builder, "p1", 0, 10);
    builder.leave_out("b");
    ASSERT_TRUE(builder.build());
  }
  IndexBuilder again(options({"a", "b"}));
  EXPECT_EQ(again.open_cached(), nullptr);
  EXPECT_EQ(again.missing(), std::vector<std::string>{"b"});
}

}  // namespace
}  // namespace lateen::repository
