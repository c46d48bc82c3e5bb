#include <gtest/gtest.h>

#include "base/temp.h"
#include "objects/counting_store.h"
#include "objects/fs_store.h"
#include "objects/retrying_store.h"
#include "objects/testing/memory_store.h"
#include "objects/testing/object_store_contract.h"

namespace lateen::objects::testing {
namespace {

constexpr std::size_t kSmallPage = 3;

StoreUnderTest memory() {
  return {.store = std::make_unique<MemoryStore>(kSmallPage)};
}

StoreUnderTest directory() {
  auto dir = std::make_shared<TempDir>(*TempDir::create());
  Result<std::unique_ptr<ObjectStore>> store =
      FsStore::open({.root = dir->path(), .page_size = kSmallPage});
  return {.keep_alive = dir, .store = std::move(*store)};
}

StoreUnderTest wrapped_memory() {
  auto counters = std::make_shared<StoreCounters>();
  std::unique_ptr<ObjectStore> store =
      make_retrying(make_counting(std::make_unique<MemoryStore>(kSmallPage), *counters), {});
  return {.keep_alive = counters, .store = std::move(store)};
}

INSTANTIATE_TEST_SUITE_P(Memory, ObjectStoreContract, ::testing::Values(memory));
INSTANTIATE_TEST_SUITE_P(Directory, ObjectStoreContract, ::testing::Values(directory));
INSTANTIATE_TEST_SUITE_P(RetryingAndCounting,
                         ObjectStoreContract,
                         ::testing::Values(wrapped_memory));

// Fails the first `times` calls of each name and key.
FailureRule flaky(int times) {
  auto left = std::make_shared<std::map<std::string, int>>();
  return [left, times](std::string_view call, std::string_view key) -> Status {
    const auto [count, fresh] = left->try_emplace(fmt::format("{} {}", call, key), times);
    if (count->second-- <= 0) return {};
    return Error(Code::Unavailable, "{} {} does not answer", call, key).with_retryable(true);
  };
}

constexpr RetryOptions kNoPause = {.attempts = 3, .first_pause = Duration::zero()};

TEST(RetryingStore, TriesAgainWhatMaySucceedLater) {
  const auto store =
      make_retrying(make_faulty(std::make_unique<MemoryStore>(), flaky(2)), kNoPause);
  ASSERT_TRUE(store->put("k", "v"));
  EXPECT_EQ(*store->get("k"), "v");
  EXPECT_EQ(store->list("")->objects.size(), 1U);
}

TEST(RetryingStore, GivesUpWithTheLastError) {
  const auto store =
      make_retrying(make_faulty(std::make_unique<MemoryStore>(), flaky(3)), kNoPause);
  EXPECT_EQ(store->put("k", "v").error().code(), Code::Unavailable);
}

TEST(RetryingStore, DoesNotRepeatWhatCannotHelp) {
  int calls = 0;
  const auto store =
      make_retrying(make_faulty(std::make_unique<MemoryStore>(),
                                [&calls](std::string_view, std::string_view) -> Status {
                                  ++calls;
                                  return Error(Code::Forbidden, "no");
                                }),
                    kNoPause);
  EXPECT_EQ(store->get("k").error().code(), Code::Forbidden);
  EXPECT_EQ(calls, 1);
}

TEST(RetryingStore, GoesOnReadingWhereAStreamBroke) {
  auto memory_store = std::make_unique<MemoryStore>();
  ASSERT_TRUE(memory_store->put("k", "0123456789", {}));
  int reads = 0;
  const auto store = make_retrying(
      make_faulty(std::move(memory_store),
                  [&reads](std::string_view call, std::string_view) -> Status {
                    if (call != "read" || ++reads != 2) return {};
                    return Error(Code::Unavailable, "connection reset").with_retryable(true);
                  }),
      kNoPause);
  Result<std::unique_ptr<ObjectReader>> reader = store->open_read("k");
  ASSERT_TRUE(reader);
  Bytes room(4, '\0');
  Bytes read;
  while (const std::size_t got = *(*reader)->read(room))
    read.append(room, 0, got);
  EXPECT_EQ(read, "0123456789");
}

TEST(CountingStore, CountsCallsAndBytes) {
  StoreCounters counters;
  const auto store = make_counting(std::make_unique<MemoryStore>(), counters);
  ASSERT_TRUE(store->put("k", "123"));
  ASSERT_TRUE(store->get("k"));
  ASSERT_TRUE(store->get_range("k", 0, 2));
  ASSERT_TRUE(store->list(""));
  EXPECT_EQ(counters.puts, 1U);
  EXPECT_EQ(counters.gets, 2U);
  EXPECT_EQ(counters.bytes_read, 5U);
  EXPECT_EQ(counters.bytes_written, 3U);
  EXPECT_EQ(counters.lists, 1U);
}

}  // namespace
}  // namespace lateen::objects::testing
