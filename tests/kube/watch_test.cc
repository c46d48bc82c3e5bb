#include "kube/watch.h"

#include "kube/informer.h"
#include "kube/object.h"
#include "kube/testing/fake_api.h"
#include "kube/testing/fixture.h"

namespace lateen::kube {
namespace {

using namespace std::literals;

const std::string kGet = std::string("GET ") + kConfigMaps;

std::string object(const std::string& name, const std::string& version) {
  return R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":")" + name +
         R"(","namespace":"shop","uid":"u-)" + name + R"(","resourceVersion":")" + version +
         R"("}})";
}

std::string event(const std::string& type, const std::string& what) {
  return R"({"type":")" + type + R"(","object":)" + what + "}\n";
}

std::string list(const std::vector<std::string>& items, const std::string& version) {
  std::string text;
  for (const std::string& item : items)
    text += (text.empty() ? "" : ",") + item;
  return R"({"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":")" + version +
         R"("},"items":[)" + text + "]}";
}

// Streams `parts`, and then ends in order, breaks off, or stays open until the client goes.
enum class Ending { Orderly, StaysOpen };

FakeApi::Handler stream(std::vector<std::string> parts, Ending ending) {
  return [=](net::ServerExchange& exchange) {
    (void)exchange.begin_stream(200, {{"Content-Type", "application/json"}});
    for (const std::string& part : parts)
      (void)exchange.write(part);
    if (ending == Ending::Orderly) {
      (void)exchange.finish();
    } else {
      sleep_unless_stopped(60s, exchange.stop());
    }
  };
}

Result<std::unique_ptr<Watch>> open(Client& client, const std::string& version) {
  return Watch::open(client, config_maps(), {.resource_version = version}, {});
}

TEST(Watch, GivesEventsHoweverTheyAreCut) {
  FakeApi api;
  const std::string first = event("ADDED", object("a", "11"));
  api.on(kGet,
         stream({first.substr(0, 20), first.substr(20) + event("MODIFIED", object("a", "12")),
                 event("BOOKMARK", R"({"kind":"ConfigMap","metadata":{"resourceVersion":"20"}})"),
                 event("DELETED", object("a", "21"))},
                Ending::Orderly));
  const auto client = api.client();
  const auto watch = open(*client, "10");
  ASSERT_TRUE(watch) << watch.error().message();
  std::vector<EventType> types;
  std::vector<std::string> versions;
  while (true) {
    const auto next = (*watch)->next(Deadline::after(60s), {});
    ASSERT_TRUE(next) << next.error().message();
    if (!*next) break;
    types.push_back((*next)->type);
    versions.push_back((*watch)->resource_version());
  }
  EXPECT_EQ(types, (std::vector<EventType>{EventType::Added, EventType::Modified,
                                           EventType::Bookmark, EventType::Deleted}));
  EXPECT_EQ(versions, (std::vector<std::string>{"11", "12", "20", "21"}));
  const auto asked = api.asked().front();
  EXPECT_EQ(asked.query.get("watch"), "true");
  EXPECT_EQ(asked.query.get("allowWatchBookmarks"), "true");
  EXPECT_EQ(asked.query.get("resourceVersion"), "10");
  EXPECT_EQ(asked.query.get("timeoutSeconds"), "300");
}

TEST(Watch, IsGoneWhenItsVersionIsTooOld) {
  FakeApi api;
  api.on(
      kGet,
      stream({event("ERROR", status_body(410, "Expired", "too old resource version: 2 (18923)"))},
             Ending::Orderly));
  api.answer(kGet, 410, status_body(410, "Expired", "too old"));
  const auto client = api.client();
  const auto watch = open(*client, "2");
  ASSERT_TRUE(watch);
  const auto in_stream = (*watch)->next(Deadline::after(60s), {});
  ASSERT_FALSE(in_stream);
  EXPECT_EQ(in_stream.error().code(), Code::Gone);
  EXPECT_EQ(in_stream.error().message(), "too old resource version: 2 (18923)");
  const auto at_once = open(*client, "2");
  ASSERT_FALSE(at_once);
  EXPECT_EQ(at_once.error().code(), Code::Gone);
}

TEST(Watch, SaysWhenItBrokeOffInTheMiddleOfAnEvent) {
  FakeApi api;
  api.on(kGet, stream({event("ADDED", object("a", "11")), R"({"type":"ADD)"}, Ending::Orderly));
  const auto client = api.client();
  const auto watch = open(*client, "10");
  ASSERT_TRUE((*watch)->next(Deadline::after(60s), {}));
  const auto torn = (*watch)->next(Deadline::after(60s), {});
  ASSERT_FALSE(torn);
  EXPECT_EQ(torn.error().code(), Code::Unavailable);
  EXPECT_EQ((*watch)->resource_version(), "11");
}

TEST(Watch, WaitsNoLongerThanItMay) {
  FakeApi api;
  api.on(kGet, stream({}, Ending::StaysOpen));
  const auto client = api.client();
  const auto watch = open(*client, "10");
  const auto late = (*watch)->next(Deadline::after(10ms), {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::DeadlineExceeded);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ((*watch)->next(Deadline::never(), stop.get_token()).error().code(), Code::Canceled);
}

TEST(Watch, RefusesWhatIsNoEvent) {
  FakeApi api;
  api.on(kGet, stream({"not json\n"}, Ending::Orderly));
  api.on(kGet, stream({event("EXPLODED", "{}")}, Ending::Orderly));
  const auto client = api.client();
  EXPECT_EQ((*open(*client, "1"))->next(Deadline::after(60s), {}).error().code(), Code::Corrupt);
  EXPECT_EQ((*open(*client, "1"))->next(Deadline::after(60s), {}).error().code(), Code::Corrupt);
}

TEST(Informer, FollowsTheServer) {
  FakeApi api;
  api.answer(kGet, 200, list({object("a", "1"), object("b", "2")}, "10"));
  api.on(kGet, stream({event("ADDED", object("c", "11")), event("DELETED", object("a", "12"))},
                      Ending::StaysOpen));
  const auto client = api.client();
  Mutex mu;
  std::vector<std::string> heard;
  Informer informer(*client, config_maps(), {});  // last: its thread uses what is above
  informer.on_change([&](const Change& change) {
    const Lock lock(mu);
    heard.push_back((change.before ? "-" : "+") + change.key + (change.after ? "" : " gone"));
  });
  informer.start();
  ASSERT_TRUE(informer.wait_for_sync(Deadline::after(60s), {}));
  ASSERT_TRUE(informer.wait_until("shop/a", [](const Json* a) { return a == nullptr; },
                                  Deadline::after(60s), {}));
  EXPECT_EQ(informer.size(), 2U);
  EXPECT_EQ(informer.get("shop", "a"), nullptr);
  EXPECT_EQ(resource_version_of(*informer.get("shop/c")), "11");
  EXPECT_EQ(informer.list("shop").size(), 2U);
  EXPECT_TRUE(informer.list("other").empty());
  EXPECT_EQ(api.asked()[1].query.get("resourceVersion"), "10");
}

TEST(Informer, ListsAnewWhenItsVersionIsTooOldAndHearsWhatItMissed) {
  FakeApi api;
  api.answer(kGet, 200, list({object("a", "1"), object("b", "2")}, "10"));
  api.on(kGet, stream({event("ERROR", status_body(410, "Expired", "too old resource version"))},
                      Ending::Orderly));
  api.answer(kGet, 200, list({object("b", "2"), object("c", "15")}, "20"));
  api.on(kGet, stream({event("MODIFIED", object("b", "21"))}, Ending::StaysOpen));
  const auto client = api.client();
  Mutex mu;
  std::vector<std::string> heard;
  Informer informer(*client, config_maps(), {});  // last: its thread uses what is above
  informer.on_change([&](const Change& change) {
    const Lock lock(mu);
    heard.push_back(change.key + (change.before ? (change.after ? " changed" : " gone") : " new"));
  });
  informer.start();
  ASSERT_TRUE(informer.wait_until(
      "shop/b", [](const Json* b) { return b && resource_version_of(*b) == "21"; },
      Deadline::after(60s), {}));
  EXPECT_EQ(api.asked()[3].query.get("resourceVersion"), "20");
  const Lock lock(mu);
  ASSERT_GE(heard.size(), 4U);
  heard.resize(4);
  EXPECT_EQ(heard,
            (std::vector<std::string>{"shop/a new", "shop/b new", "shop/a gone", "shop/c new"}));
}

TEST(Informer, SaysWhyItCannotSync) {
  FakeApi api;
  api.answer(kGet, 403, status_body(403, "Forbidden", "configmaps is forbidden"));
  const auto client = api.client();
  Informer informer(*client, config_maps(), {});
  informer.start();
  // It goes on trying: what has been answered by the deadline is told.
  const Deadline patience = Deadline::after(60s);
  Status synced;
  do {
    synced = informer.wait_for_sync(Deadline::after(20ms), {});
    ASSERT_FALSE(synced);
  } while (synced.error().is(Code::DeadlineExceeded) && !patience.expired());
  EXPECT_EQ(synced.error().code(), Code::Forbidden);
  EXPECT_FALSE(informer.synced());
}

TEST(Informer, KeepsOnlyWhatIsLeftAfterTrimming) {
  FakeApi api;
  api.answer(kGet, 200, list({object("a", "1")}, "10"));
  api.on(kGet, stream({}, Ending::StaysOpen));
  const auto client = api.client();
  Informer informer(*client, config_maps(), {.trim = [](Json& o) { erase(o, "metadata.uid"); }});
  informer.start();
  ASSERT_TRUE(informer.wait_for_sync(Deadline::after(60s), {}));
  EXPECT_EQ(uid_of(*informer.get("shop/a")), "");
}

}  // namespace
}  // namespace lateen::kube
