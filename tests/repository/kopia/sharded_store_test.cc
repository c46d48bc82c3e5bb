#include "repository/kopia/sharded_store.h"

#include <gtest/gtest.h>

#include "base/temp.h"
#include "objects/fs_store.h"

namespace lateen::repository::kopia {
namespace {

constexpr std::string_view kLong = "p52e70419330680c958de886276869f91-s612a97a301215271147";

std::vector<std::string> names(objects::ObjectStore& store, std::string_view prefix) {
  std::vector<std::string> found;
  const auto page = store.list(prefix);
  for (const auto& object : page->objects)
    found.push_back(object.key);
  return found;
}

TEST(KopiaSharding, BlobsLieWhereKopiaPutsThem) {
  const Sharding sharding;
  EXPECT_EQ(sharding.key_of(kLong), "p/52e/70419330680c958de886276869f91-s612a97a301215271147.f");
  EXPECT_EQ(sharding.key_of("kopia.repository"), "kopia.repository.f");
  EXPECT_EQ(sharding.key_of("xe12"), "xe12.f");
  EXPECT_EQ(Sharding::oldest().key_of(kLong),
            "p52/e70/419330680c958de886276869f91-s612a97a301215271147.f");
  for (const std::string_view blob : {kLong, std::string_view("xe12")}) {
    EXPECT_EQ(sharding.blob_of(sharding.key_of(blob)), blob);
  }
  EXPECT_EQ(sharding.blob_of("p/52e/x.f.tmp.00"), "");
  EXPECT_EQ(sharding.blob_of("p52/e70/419330680c958de886276869f91-s612a97a301215271147.f"), "");
}

TEST(KopiaSharding, DocumentIsReadAndWritten) {
  const std::string text = "{\"default\":[1,3],\"maxNonShardedLength\":20}\n";
  EXPECT_EQ(Sharding{}.write(), text);
  EXPECT_EQ(Sharding::parse(text)->write(), text);
  const auto with_override = Sharding::parse(
      R"({"default":[3,3],"maxNonShardedLength":20,"overrides":[{"prefix":"q","shards":[]}]})");
  ASSERT_TRUE(with_override);
  EXPECT_EQ(with_override->key_of("q" + std::string(30, '0')), "q" + std::string(30, '0') + ".f");
  EXPECT_FALSE(Sharding::parse("{"));
  EXPECT_FALSE(Sharding::parse(R"({"default":[0]})"));
}

TEST(KopiaSharding, ListingsAreInTheOrderOfTheNames) {
  const TempDir dir = *TempDir::create();
  auto store = make_sharded_store(*objects::FsStore::open({.root = dir.path()}), Sharding{});
  const std::vector<std::string> blobs = {"xe1", "xn0_" + std::string(32, 'a'),
                                          "xn10_" + std::string(32, 'b'),
                                          "xn1_" + std::string(32, 'c'), "xw5"};
  for (const std::string& blob : blobs)
    ASSERT_TRUE(store->put(blob, blob));
  ASSERT_TRUE(store->put(kLong, "pack"));
  EXPECT_EQ(names(*store, "x"), blobs);
  EXPECT_EQ(names(*store, "xn1_"), std::vector<std::string>{blobs[3]});
  EXPECT_EQ(names(*store, "p"), std::vector<std::string>{std::string(kLong)});
  EXPECT_EQ(*store->get(kLong), "pack");
  EXPECT_EQ(store->head(kLong)->key, kLong);
  ASSERT_TRUE(store->remove(kLong));
  EXPECT_TRUE(names(*store, "p").empty());
}

}  // namespace
}  // namespace lateen::repository::kopia
