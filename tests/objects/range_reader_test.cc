#include "objects/range_reader.h"

#include <cstdlib>
#include <memory>

#include <gtest/gtest.h>

#include "base/temp.h"
#include "objects/fs_store.h"
#include "objects/prefixed_store.h"
#include "objects/testing/memory_store.h"

namespace lateen::objects {
namespace {

struct Free {
  void operator()(char* bytes) const { std::free(bytes); }
};

// Memory that begins at a page, as it must to be read into past the page cache; and an odd place
// in it, where it may not.
class Room {
 public:
  explicit Room(std::size_t size)
      : size_(static_cast<std::size_t>(align_up(size + 1))),
        bytes_(static_cast<char*>(std::aligned_alloc(kDirectAlignment, size_))) {}

  std::span<char> at_page() { return {bytes_.get(), size_}; }

  std::span<char> at_odd_place() { return at_page().subspan(1); }

 private:
  std::size_t size_;
  std::unique_ptr<char, Free> bytes_;
};

Bytes numbered(std::size_t size) {
  Bytes bytes(size, '\0');
  std::uint32_t state = 1;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24U);
  }
  return bytes;
}

constexpr std::size_t kSize = 5 * 1024 * 1024 + 777;

// Ranges that begin and end at pages and elsewhere, beyond the end, small ones and all of it.
void expect_ranges(ObjectStore& store, const Bytes& bytes) {
  const std::pair<ByteCount, ByteCount> ranges[] = {
      {0, kSize},         {0, 4096},     {1, kSize - 1},     {4095, 1'000'000},
      {4096, 2'000'000},  {kSize, 1},    {kSize - 5, 5},     {123, 0},
      {3'000'001, kSize}, {777, 524288}, {kSize + 100, 100},
  };
  for (const auto& [offset, length] : ranges) {
    Room room(range_room(length));
    const BytesView wanted =
        BytesView(bytes).substr(std::min<std::size_t>(offset, bytes.size()), length);
    for (const std::span<char> memory : {room.at_page(), room.at_odd_place()}) {
      const auto got = read_range(store, "pack", offset, length, memory, {});
      ASSERT_TRUE(got) << got.error().message();
      EXPECT_EQ(*got, wanted) << length << " bytes from " << offset;
    }
  }
}

TEST(RangeReader, ADirectoryGivesRangesWhereverTheyBeginAndEnd) {
  const TempDir dir = *TempDir::create();
  const auto store = *FsStore::open({.root = dir.path()});
  const Bytes bytes = numbered(kSize);
  ASSERT_TRUE(store->put("pack", bytes));
  expect_ranges(*store, bytes);
}

TEST(RangeReader, AnObjectThatCameFromAPageOfMemoryIsWhole) {
  const TempDir dir = *TempDir::create();
  const auto store = *FsStore::open({.root = dir.path()});
  const Bytes bytes = numbered(kSize);
  Room room(kSize);
  bytes.copy(room.at_page().data(), bytes.size());
  ASSERT_TRUE(store->put("pack", BytesView(room.at_page().data(), kSize)));
  EXPECT_EQ(*store->get("pack"), bytes);
  expect_ranges(*store, bytes);
  // In pieces, the second of which begins in the middle of a block.
  auto upload = *store->begin_upload("pieces");
  ASSERT_TRUE(upload->write(BytesView(room.at_page().data(), 2'000'000)));
  ASSERT_TRUE(upload->write(BytesView(room.at_page().data() + 2'000'000, kSize - 2'000'000)));
  ASSERT_TRUE(upload->complete());
  EXPECT_EQ(*store->get("pieces"), bytes);
}

TEST(RangeReader, AnyOtherStoreGivesTheSame) {
  objects::testing::MemoryStore store;
  const Bytes bytes = numbered(kSize);
  ASSERT_TRUE(store.put("pack", bytes, {}));
  expect_ranges(store, bytes);
}

TEST(RangeReader, APrefixIsPassedOn) {
  const TempDir dir = *TempDir::create();
  const auto store = make_prefixed(*FsStore::open({.root = dir.path()}), "below");
  const Bytes bytes = numbered(kSize);
  ASSERT_TRUE(store->put("pack", bytes));
  expect_ranges(*store, bytes);
}

TEST(RangeReader, AnObjectThatIsNotThereIsSaidSo) {
  const TempDir dir = *TempDir::create();
  const auto store = *FsStore::open({.root = dir.path()});
  Room room(range_room(10));
  const auto got = read_range(*store, "pack", 0, 10, room.at_page(), {});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::NotFound);
}

}  // namespace
}  // namespace lateen::objects
