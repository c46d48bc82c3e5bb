#include "sandbox/store/store.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "base/temp.h"

namespace lateen::sandbox {
namespace {

Draft draft(std::string_view ns, std::string_view name, std::string_view data = "x") {
  Draft out;
  out.ns = ns;
  out.name = name;
  out.uid = "uid-of-" + std::string(name);
  out.labels = {{"app", "db"}};
  out.head = R"({"kind":"T","apiVersion":"v1",)";
  out.body = out.head.size();
  out.head += R"("metadata":{"resourceVersion":")";
  out.tail = fmt::format(R"("}},"data":"{}"}})", data);
  return out;
}

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }

  void reopen(std::size_t history_events = 1000) {
    store_.reset();
    StoreOptions options;
    options.path = (dir_.path() / "state.db").string();
    options.history_events = history_events;
    auto opened = Store::open(options);
    ASSERT_TRUE(opened) << opened.error().describe();
    store_ = std::move(*opened);
  }

  StoredPtr create(std::string_view ns, std::string_view name) {
    auto made = store_->create("things", draft(ns, name));
    EXPECT_TRUE(made);
    return made ? *made : nullptr;
  }

  static std::vector<std::string> names(const StorePage& page) {
    std::vector<std::string> out;
    for (const StoredPtr& object : page.objects)
      out.push_back(object->ns + "/" + object->name);
    return out;
  }

  TempDir dir_ = std::move(*TempDir::create());
  std::unique_ptr<Store> store_;
};

using Names = std::vector<std::string>;

TEST_F(StoreTest, ObjectsCarryTheirOwnRevisionInTheirBytes) {
  const StoredPtr a = create("shop", "a");
  EXPECT_EQ(
      a->bytes,
      fmt::format(
          R"({{"kind":"T","apiVersion":"v1","metadata":{{"resourceVersion":"{}"}},"data":"x"}})",
          a->revision));
  EXPECT_EQ(create("shop", "b")->revision, a->revision + 1);
  EXPECT_EQ(store_->revision(), a->revision + 1);
}

TEST_F(StoreTest, RefusesASecondOfAName) {
  create("shop", "a");
  const auto again = store_->create("things", draft("shop", "a"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Code::AlreadyExists);
}

// A restore was told "already exists" by one request and "not found" by the next.
TEST_F(StoreTest, WhatARefusalSpeaksOfCanBeRead) {
  constexpr int kRounds = 200;
  std::atomic<int> unreadable = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::string name = fmt::format("o{}", round);
    const auto create_or_read = [&] {
      const auto made = store_->create("things", draft("shop", name));
      if (!made && store_->find("things", "shop", name) == nullptr) ++unreadable;
    };
    const std::jthread other(create_or_read);
    create_or_read();
  }
  EXPECT_EQ(unreadable, 0);
}

TEST_F(StoreTest, ReplacesOnlyTheRevisionThatWasRead) {
  const StoredPtr a = create("shop", "a");
  ASSERT_TRUE(store_->replace("things", draft("shop", "a", "y"), a->revision));
  const auto stale = store_->replace("things", draft("shop", "a", "z"), a->revision);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code(), Code::Conflict);
  EXPECT_EQ(store_->replace("things", draft("shop", "nope"), 1).error().code(), Code::NotFound);
}

TEST_F(StoreTest, WhatWasAcknowledgedIsThereAfterAReopen) {
  create("shop", "a");
  const StoredPtr b = create("shop", "b");
  ASSERT_TRUE(
      store_->remove("things", draft("shop", "a"), store_->find("things", "shop", "a")->revision));
  const std::uint64_t revision = store_->revision();
  reopen();
  EXPECT_EQ(store_->revision(), revision) << "a deletion counts too";
  EXPECT_EQ(store_->find("things", "shop", "a"), nullptr);
  const StoredPtr kept = store_->find("things", "shop", "b");
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(kept->bytes, b->bytes);
  EXPECT_EQ(kept->labels, b->labels);
  EXPECT_EQ(kept->uid, b->uid);
}

TEST_F(StoreTest, PagesStayAsOfTheirFirst) {
  for (const std::string_view name : {"a", "b", "c", "d"})
    create("shop", name);
  create("other", "z");
  ListRange range{.ns = "shop", .limit = 2};
  const auto first = store_->list("things", range);
  ASSERT_TRUE(first);
  EXPECT_EQ(names(*first), (Names{"shop/a", "shop/b"}));
  EXPECT_EQ(first->remaining, 2U);

  create("shop", "bb");
  ASSERT_TRUE(
      store_->remove("things", draft("shop", "c"), store_->find("things", "shop", "c")->revision));
  range.after = first->last_key;
  range.revision = first->revision;
  const auto second = store_->list("things", range);
  ASSERT_TRUE(second);
  EXPECT_EQ(names(*second), (Names{"shop/c", "shop/d"}));
  EXPECT_EQ(second->remaining, 0U);
}

TEST_F(StoreTest, AForgottenRevisionIsGone) {
  create("shop", "a");
  const std::uint64_t then = store_->revision();
  create("shop", "b");
  store_->compact();
  EXPECT_EQ(store_->list("things", {.revision = then}).error().code(), Code::Gone);
  const auto watch = store_->check_watchable("things", then);
  ASSERT_FALSE(watch);
  EXPECT_EQ(watch.error().message(),
            fmt::format("too old resource version: {} ({})", then, then + 1));
  EXPECT_TRUE(store_->list("things", {.revision = then + 1}));
}

TEST_F(StoreTest, EventsTellWhatHappenedAndInWhichOrder) {
  const std::uint64_t start = store_->revision();
  const StoredPtr a = create("shop", "a");
  ASSERT_TRUE(store_->create("others", draft("shop", "elsewhere")));
  ASSERT_TRUE(store_->replace("things", draft("shop", "a", "y"), a->revision));
  ASSERT_TRUE(store_->remove("things", draft("shop", "a", "y"), store_->revision()));
  const auto told = store_->events_after("things", start, 100, Deadline::after(Duration(0)), {});
  ASSERT_TRUE(told);
  ASSERT_EQ(told->events.size(), 3U);
  EXPECT_EQ(told->events[0].kind, StoreEvent::Kind::Created);
  EXPECT_EQ(told->events[1].kind, StoreEvent::Kind::Updated);
  EXPECT_EQ(told->events[1].previous, a);
  EXPECT_EQ(told->events[2].kind, StoreEvent::Kind::Deleted);
  EXPECT_EQ(told->events[2].object->revision, told->events[2].revision)
      << "the last state names the deletion";
  EXPECT_EQ(told->revision, store_->revision());
}

TEST_F(StoreTest, AWatcherThatWaitsHearsTheNextEvent) {
  const std::uint64_t start = store_->revision();
  std::optional<StoreEvents> heard;
  std::jthread watcher([&] {
    auto events =
        store_->events_after("things", start, 100, Deadline::after(std::chrono::seconds(60)), {});
    if (events) heard = std::move(*events);
  });
  create("shop", "a");
  watcher.join();
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->events.at(0).object->name, "a");
}

TEST_F(StoreTest, TheHistoryIsBounded) {
  reopen(10);
  const std::uint64_t start = store_->revision();
  for (int i = 0; i < 30; ++i)
    create("shop", fmt::format("n{}", i));
  EXPECT_EQ(
      store_->events_after("things", start, 100, Deadline::after(Duration(0)), {}).error().code(),
      Code::Gone);
  const auto recent = store_->events_after("things", store_->revision() - 10, 100,
                                           Deadline::after(Duration(0)), {});
  ASSERT_TRUE(recent);
  EXPECT_EQ(recent->events.size(), 10U);
  EXPECT_EQ(store_->count("things"), 30U) << "the present is not history";
}

TEST_F(StoreTest, WritersThatComeTogetherEachGetTheirOwnRevision) {
  {
    std::vector<std::jthread> writers;
    for (int t = 0; t < 8; ++t) {
      writers.emplace_back([this, t] {
        for (int i = 0; i < 25; ++i)
          create("shop", fmt::format("n{}-{}", t, i));
      });
    }
  }
  EXPECT_EQ(store_->count("things"), 200U);
  EXPECT_EQ(store_->revision(), 201U);
  reopen();
  EXPECT_EQ(store_->count("things"), 200U);
}

TEST_F(StoreTest, OfManyUpdatesOfOneRevisionOneWins) {
  const StoredPtr a = create("shop", "a");
  std::atomic<int> won = 0;
  {
    std::vector<std::jthread> writers;
    for (int t = 0; t < 8; ++t) {
      writers.emplace_back(
          [&] { won += store_->replace("things", draft("shop", "a", "y"), a->revision) ? 1 : 0; });
    }
  }
  EXPECT_EQ(won, 1);
}

}  // namespace
}  // namespace lateen::sandbox
