#include "objects/testing/object_store_contract.h"

#include "base/thread.h"
#include "objects/new_object.h"

namespace lateen::objects::testing {

using Keys = std::vector<std::string>;

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ObjectStoreContract);

TEST_P(ObjectStoreContract, GetGivesWhatWasPut) {
  const Bytes binary("a\0b\xff\n", 5);
  ASSERT_TRUE(store_.put("backups/b/x.bin", binary));
  EXPECT_EQ(*store_.get("backups/b/x.bin"), binary);
  ASSERT_TRUE(store_.put("empty", ""));
  EXPECT_EQ(*store_.get("empty"), "");
}

TEST_P(ObjectStoreContract, PutReplaces) {
  ASSERT_TRUE(store_.put("k", "long long text"));
  ASSERT_TRUE(store_.put("k", "short"));
  EXPECT_EQ(*store_.get("k"), "short");
  EXPECT_EQ(keys_below(""), Keys{"k"});
}

TEST_P(ObjectStoreContract, WhatIsNewIsPutOnce) {
  ASSERT_TRUE(put_new(store_, "a/b", "first"));
  EXPECT_TRUE(put_new(store_, "a/b", "first")) << "the same bytes: its answer may have been lost";
  for (const std::string_view other : {"second", "a longer one", ""}) {
    const Status again = put_new(store_, "a/b", other);
    ASSERT_FALSE(again);
    EXPECT_TRUE(again.error().is(Code::AlreadyExists)) << again.error().message();
  }
  EXPECT_EQ(store_.get("a/b").value(), "first");
}

TEST_P(ObjectStoreContract, GetOfAMissingKeyIsNotFound) {
  ASSERT_TRUE(store_.put("a/b", "x"));
  for (const std::string_view key : {"none", "a", "a/c", "a/b/c"}) {
    EXPECT_EQ(store_.get(key).error().code(), Code::NotFound) << key;
    EXPECT_EQ(store_.head(key).error().code(), Code::NotFound) << key;
    EXPECT_EQ(store_.open_read(key).error().code(), Code::NotFound) << key;
    EXPECT_EQ(store_.get_range(key, 0, 1).error().code(), Code::NotFound) << key;
    EXPECT_FALSE(*object_exists(store_, key)) << key;
  }
}

TEST_P(ObjectStoreContract, KeysThatLeadSomewhereElseAreRefused) {
  for (const std::string_view key : {"", "/a", "a/", "a//b", "../a", "a/../../b", "./a", "a/."}) {
    EXPECT_EQ(store_.put(key, "x").error().code(), Code::InvalidArgument) << key;
    EXPECT_EQ(store_.get(key).error().code(), Code::InvalidArgument) << key;
    EXPECT_EQ(store_.remove(key).error().code(), Code::InvalidArgument) << key;
    EXPECT_EQ(store_.begin_upload(key).error().code(), Code::InvalidArgument) << key;
  }
  EXPECT_EQ(store_.put(std::string_view("a\0b", 3), "x").error().code(), Code::InvalidArgument);
  EXPECT_EQ(store_.put(std::string(2000, 'a'), "x").error().code(), Code::InvalidArgument);
}

TEST_P(ObjectStoreContract, GetRefusesMoreThanItWasToldToTake) {
  ASSERT_TRUE(store_.put("k", "12345"));
  EXPECT_EQ(store_.get("k", 4).error().code(), Code::InvalidArgument);
  EXPECT_EQ(*store_.get("k", 5), "12345");
}

TEST_P(ObjectStoreContract, RangesEndWhereTheObjectEnds) {
  ASSERT_TRUE(store_.put("k", "0123456789"));
  EXPECT_EQ(*store_.get_range("k", 2, 3), "234");
  EXPECT_EQ(*store_.get_range("k", 8, 5), "89");
  EXPECT_EQ(*store_.get_range("k", 10, 5), "");
  EXPECT_EQ(*store_.get_range("k", 99, 5), "");
}

TEST_P(ObjectStoreContract, AStreamGivesAllOfTheObject) {
  Bytes large;
  for (int i = 0; i < 100'000; ++i)
    large += std::to_string(i);
  ASSERT_TRUE(store_.put("k", large));
  Result<std::unique_ptr<ObjectReader>> reader = store_.open_read("k");
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->size(), large.size());
  Bytes read;
  Bytes room(7001, '\0');
  for (;;) {
    const Result<std::size_t> got = (*reader)->read(room);
    ASSERT_TRUE(got);
    if (*got == 0) break;
    read.append(room, 0, *got);
  }
  EXPECT_EQ(read, large);
  EXPECT_EQ(*(*reader)->read(room), 0U);
}

TEST_P(ObjectStoreContract, AnUploadAppearsWholeAndOnlyWhenCompleted) {
  Result<std::unique_ptr<Upload>> upload = store_.begin_upload("backups/b/b.tar.gz");
  ASSERT_TRUE(upload);
  ASSERT_TRUE((*upload)->write("one "));
  ASSERT_TRUE((*upload)->write("two"));
  EXPECT_EQ(store_.get("backups/b/b.tar.gz").error().code(), Code::NotFound);
  EXPECT_EQ(keys_below(""), Keys{});
  EXPECT_EQ(*store_.list_prefixes(""), Keys{});
  ASSERT_TRUE((*upload)->complete());
  upload->reset();
  EXPECT_EQ(*store_.get("backups/b/b.tar.gz"), "one two");
  EXPECT_EQ(keys_below(""), Keys{"backups/b/b.tar.gz"});
}

TEST_P(ObjectStoreContract, AnUploadThatIsDroppedNeverWas) {
  ASSERT_TRUE(store_.put("k", "old"));
  {
    Result<std::unique_ptr<Upload>> upload = store_.begin_upload("k");
    ASSERT_TRUE(upload);
    ASSERT_TRUE((*upload)->write("new"));
  }
  EXPECT_EQ(*store_.get("k"), "old");
  EXPECT_EQ(keys_below(""), Keys{"k"});
}

TEST_P(ObjectStoreContract, AnUploadHearsTheStop) {
  std::stop_source source;
  Result<std::unique_ptr<Upload>> upload = store_.begin_upload("k", source.get_token());
  ASSERT_TRUE(upload);
  source.request_stop();
  const Status written = (*upload)->write("x");
  const Status completed = (*upload)->complete();
  EXPECT_TRUE(!written || !completed);
  EXPECT_EQ(store_.get("k").error().code(), Code::NotFound);
}

TEST_P(ObjectStoreContract, ListsInByteOrderOverPages) {
  const Keys keys = {"a", "a-b", "a.c", "a0", "b/a", "b/c/d", "b/c0", "c!", "c/z"};
  for (const std::string& key : keys)
    ASSERT_TRUE(store_.put(key, key));
  EXPECT_EQ(keys_below(""), keys);
  const Result<ListPage> page = store_.list("", "a0");
  ASSERT_TRUE(page);
  ASSERT_EQ(page->objects.size(), 3U);
  EXPECT_TRUE(page->more);
  EXPECT_EQ(page->objects[0].key, "b/a");
  if (page->objects[0].size_known) {
    EXPECT_EQ(page->objects[0].size, 3U);
  }
}

TEST_P(ObjectStoreContract, ListsOnlyWhatStartsWithThePrefix) {
  for (const std::string_view key :
       {"backups/a/1", "backups/a/2", "backups/ab/1", "backupsx", "other"}) {
    ASSERT_TRUE(store_.put(key, ""));
  }
  EXPECT_EQ(keys_below("backups/a/"), (Keys{"backups/a/1", "backups/a/2"}));
  EXPECT_EQ(keys_below("backups/a"), (Keys{"backups/a/1", "backups/a/2", "backups/ab/1"}));
  EXPECT_EQ(keys_below("backups/a/1"), Keys{"backups/a/1"});
  EXPECT_EQ(keys_below("none/"), Keys{});
  EXPECT_EQ(keys_below("backups/a/1/"), Keys{});
}

TEST_P(ObjectStoreContract, ListsTheDirectoriesDirectlyBelow) {
  for (const std::string_view key :
       {"p/backups/a/x/y", "p/backups/a-b/x", "p/backups/loose", "p/kopia/z"}) {
    ASSERT_TRUE(store_.put(key, ""));
  }
  EXPECT_EQ(*store_.list_prefixes(""), Keys{"p/"});
  EXPECT_EQ(*store_.list_prefixes("p/"), (Keys{"p/backups/", "p/kopia/"}));
  EXPECT_EQ(*store_.list_prefixes("p/backups/"), (Keys{"p/backups/a-b/", "p/backups/a/"}));
  EXPECT_EQ(*store_.list_prefixes("q/"), Keys{});
  EXPECT_FALSE(store_.list_prefixes("p"));
}

TEST_P(ObjectStoreContract, HeadGivesSizeAndTime) {
  ASSERT_TRUE(store_.put("a/b", "12345"));
  const Result<ObjectInfo> info = store_.head("a/b");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->key, "a/b");
  if (!info->size_known) return;
  EXPECT_EQ(info->size, 5U);
  EXPECT_GT(info->modified.time_since_epoch().count(), 0);
}

TEST_P(ObjectStoreContract, RemoveOfWhatIsNotThereIsFine) {
  ASSERT_TRUE(store_.put("a/b/c", "x"));
  EXPECT_TRUE(store_.remove("a/b/d"));
  EXPECT_TRUE(store_.remove("a/b"));
  EXPECT_TRUE(store_.remove("x/y"));
  EXPECT_TRUE(store_.remove("a/b/c"));
  EXPECT_TRUE(store_.remove("a/b/c"));
  EXPECT_EQ(keys_below(""), Keys{});
  EXPECT_EQ(*store_.list_prefixes(""), Keys{});
  // Where a directory was, an object can be.
  EXPECT_TRUE(store_.put("a", "y"));
}

TEST_P(ObjectStoreContract, RemoveAllTakesEverythingBelow) {
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(store_.put("backups/a/" + std::to_string(i), ""));
  ASSERT_TRUE(store_.put("backups/ab/x", ""));
  ASSERT_TRUE(remove_all(store_, "backups/a/"));
  EXPECT_EQ(keys_below(""), Keys{"backups/ab/x"});
}

// Writers of one directory come and go while others are removed from it.
TEST_P(ObjectStoreContract, ManyThreadsMayPutAndRemoveSideBySide) {
  const Status done = parallel_for(64, 8, [this](std::size_t i, std::stop_token) -> Status {
    const std::string key = "d/" + std::to_string(i % 4) + "/" + std::to_string(i);
    TRY(store_.put(key, "x"));
    const Bytes bytes = TRY(store_.get(key));
    if (bytes != "x") return Error(Code::Corrupt, "{} is {}", key, bytes);
    return store_.remove(key);
  });
  EXPECT_TRUE(done) << done.error().message();
  EXPECT_EQ(keys_below(""), Keys{});
}

}  // namespace lateen::objects::testing
