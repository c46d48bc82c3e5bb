#include <algorithm>
#include <atomic>
#include <thread>

#include <fmt/format.h>

#include "base/thread.h"
#include "bench/commands.h"
#include "bench/measure.h"
#include "kube/watch.h"

namespace lateen::bench {
namespace {

constexpr std::size_t kSpaces = 20;
constexpr std::size_t kChanges = 50;
constexpr auto kPatience = std::chrono::seconds(120);

const kube::GroupVersionResource kMaps{"", "v1", "configmaps"};

std::string space(std::size_t i) {
  return fmt::format("many-{:02}", i % kSpaces);
}

std::string small_map(std::string_view name, std::size_t i) {
  return fmt::format(
      R"({{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{}","labels":{{"app":"bench"}}}},)"
      R"("data":{{"index":"{}","text":"the quick brown fox jumps over the lazy dog, and again"}}}})",
      name, i);
}

Status make_spaces(kube::Client& client, std::stop_token stop) {
  for (std::size_t i = 0; i < kSpaces; ++i) {
    const Json ns = JsonObject{
        {"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", JsonObject{{"name", space(i)}}}};
    TRY(client.create({.gvr = {"", "v1", "namespaces"}}, ns, {}, stop));
  }
  return {};
}

Result<JsonObject> create_all(kube::Client& client,
                              std::size_t objects,
                              std::size_t connections,
                              std::stop_token stop) {
  const Stopwatch watch;
  TRY(parallel_for(
      objects, connections,
      [&client](std::size_t i, std::stop_token s) -> Status {
        TRY(client.create_raw({.gvr = kMaps, .ns = space(i)},
                              small_map(fmt::format("m-{:07}", i), i), {}, s));
        return {};
      },
      stop));
  JsonObject answer = cost(watch);
  answer["perSecond"] = static_cast<double>(objects) / watch.seconds();
  return answer;
}

Result<JsonObject> list_all(kube::Client& client, std::stop_token stop) {
  const Stopwatch watch;
  kube::ListOptions options{.limit = 500};
  std::size_t pages = 0;
  std::size_t bytes = 0;
  do {
    const Bytes page = TRY(client.list_raw({.gvr = kMaps}, options, stop));
    ++pages;
    bytes += page.size();
    options.continue_token = continue_token(page);
  } while (!options.continue_token.empty());
  JsonObject answer = cost(watch);
  answer["pages"] = pages;
  answer["mebibytes"] = static_cast<double>(bytes) / 1048576.0;
  return answer;
}

// How many events all watchers heard, and when the last of them was heard.
struct Heard {
  std::atomic<std::size_t> events = 0;
  std::atomic<std::size_t> broken = 0;
};

void follow(kube::Watch& watch, Heard& heard, std::stop_token stop) {
  while (!stop.stop_requested()) {
    const auto event = watch.next(Deadline::after(std::chrono::seconds(1)), stop);
    if (!event && event.error().is(Code::DeadlineExceeded)) continue;
    if (!event || !*event) {
      if (!stop.stop_requested()) ++heard.broken;
      return;
    }
    if ((*event)->type != kube::EventType::Bookmark) ++heard.events;
  }
}

// `watchers` connections follow every ConfigMap; each change is made when all have heard the one
// before.
Result<JsonObject> watch_all(kube::Client& client, std::size_t watchers, std::stop_token stop) {
  std::vector<std::unique_ptr<kube::Watch>> watches;
  const Stopwatch opening;
  for (std::size_t i = 0; i < watchers; ++i) {
    const Bytes list = TRY(client.list_raw({.gvr = kMaps, .ns = space(0)}, {.limit = 1}, stop));
    const Json head = TRY(parse_json(list));
    watches.push_back(TRY(kube::Watch::open(
        client, {.gvr = kMaps},
        {.resource_version = std::string(string_at(head, "metadata.resourceVersion"))}, stop)));
  }
  const double opened = opening.seconds();
  Heard heard;
  std::vector<double> rounds;
  {
    std::vector<std::jthread> threads;
    for (const auto& watch : watches)
      threads.emplace_back([&watch, &heard](std::stop_token s) { follow(*watch, heard, s); });
    for (std::size_t i = 0; i < kChanges; ++i) {
      const Stopwatch round;
      TRY(client.create_raw({.gvr = kMaps, .ns = space(i)}, small_map(fmt::format("w-{:04}", i), i),
                            {}, stop));
      const Deadline end = Deadline::after(kPatience);
      while (heard.events < (i + 1) * watchers && heard.broken == 0) {
        if (end.expired() || !sleep_unless_stopped(std::chrono::microseconds(200), stop))
          return Error(Code::DeadlineExceeded, "{} of {} events were heard", heard.events.load(),
                       (i + 1) * watchers);
      }
      if (heard.broken != 0)
        return Error(Code::Unavailable, "{} watches broke", heard.broken.load());
      rounds.push_back(round.seconds());
    }
  }
  std::ranges::sort(rounds);
  return JsonObject{{"watchers", watchers},
                    {"openSeconds", opened},
                    {"medianMilliseconds", rounds[rounds.size() / 2] * 1000},
                    {"worstMilliseconds", rounds.back() * 1000}};
}

}  // namespace

Result<JsonObject> cluster(kube::Client& client, const ClusterLoad& load, std::stop_token stop) {
  TRY(make_spaces(client, stop));
  JsonObject answer;
  answer["objects"] = load.objects;
  answer["create"] = TRY(create_all(client, load.objects, load.connections, stop));
  answer["list"] = TRY(list_all(client, stop));
  answer["watch"] = TRY(watch_all(client, load.watchers, stop));
  return answer;
}

}  // namespace lateen::bench
