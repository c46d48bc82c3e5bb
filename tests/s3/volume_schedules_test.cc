// The agents' own way to a bucket (VolumeRepository, S3's client, a real server behind proxies that
// spoil what goes through) in random schedules: two nodes that save volumes, forget and maintain,
// also at once; requests that fail; kills before and after any request; clocks that are wrong. A
// map beside it says what must be there.
//
// LATEEN_SCHEDULES says how many, LATEEN_FIRST_SCHEDULE from where; CI has time for few. With
// LATEEN_SCHEDULE_SERVER=memory they go to a server in this process instead (memory_server.h),
// which takes a tenth of the time.
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/environment.h"
#include "base/temp.h"
#include "base/testing/fake_clock.h"
#include "base/text.h"
#include "base/thread.h"
#include "objects/forwarding_store.h"
#include "repository/crypto/derived_keys.h"
#include "repository/engine/progress.h"
#include "repository/repository.h"
#include "repository/restic/restic.h"
#include "repository/testing/test_stream.h"
#include "s3/memory_server.h"
#include "s3/servers.h"
#include "volumes/volume_repository.h"

namespace lateen::volumes {
namespace {

using objects::ListPage;
using objects::ObjectInfo;
using objects::ObjectStore;
using repository::testing::TestStream;
using std::chrono::hours;
using std::chrono::minutes;

// The nodes' time: all have the bucket's, but for what their own clock is off.
class NodeClock final : public Clock {
 public:
  explicit NodeClock(const Clock& clock) : clock_(clock) {}

  TimePoint now() const override { return clock_.now() + off_.load(); }

  void set(Duration off) { off_ = off; }

 private:
  const Clock& clock_;
  std::atomic<Duration> off_ = Duration::zero();
};

// When each object was written, by the test's clock: the server has only the machine's.
struct Stamps {
  explicit Stamps(const Clock& c) : clock(c) {}

  void put(std::string_view key) {
    const Lock lock(mu);
    at[std::string(key)] = clock.now();
  }

  void apply(ObjectInfo& info) {
    const Lock lock(mu);
    const auto known = at.find(info.key);
    if (known != at.end()) info.modified = known->second;
  }

  const Clock& clock;
  Mutex mu;
  std::map<std::string, TimePoint, std::less<>> at LATEEN_GUARDED_BY(mu);
};

class StampedStore final : public objects::ForwardingStore {
 public:
  StampedStore(std::unique_ptr<ObjectStore> store, Stamps& stamps)
      : ForwardingStore(std::move(store)), stamps_(stamps) {}

  Result<ObjectInfo> head(std::string_view key, std::stop_token stop) override {
    ObjectInfo info = TRY(inner().head(key, std::move(stop)));
    stamps_.apply(info);
    return info;
  }

  // Before: of what is killed in between, the object may be there.
  Status put(std::string_view key, BytesView bytes, std::stop_token stop) override {
    stamps_.put(key);
    return inner().put(key, bytes, std::move(stop));
  }

  Result<std::unique_ptr<objects::Upload>> begin_upload(std::string_view key,
                                                        std::stop_token stop) override {
    stamps_.put(key);
    return inner().begin_upload(key, std::move(stop));
  }

  Result<ListPage> list(std::string_view prefix,
                        std::string_view after,
                        std::stop_token stop) override {
    ListPage page = TRY(inner().list(prefix, after, std::move(stop)));
    for (ObjectInfo& info : page.objects)
      stamps_.apply(info);
    return page;
  }

 private:
  Stamps& stamps_;
};

// One bucket, and the repository in it.
struct Place {
  std::string type = {};
  std::string bucket = {};
  FakeClock clock = FakeClock();
  Stamps stamps = Stamps(clock);
  repository::DerivedKeys keys = {};  // as of an agent that goes on: scrypt is not what is tested

  Result<std::unique_ptr<VolumeRepository>> open(const std::string& url, Clock& node) {
    const auto opener = [this, &url]() -> Result<std::unique_ptr<ObjectStore>> {
      objects::s3::S3Config config = objects::s3::test_config(url, bucket);
      config.attempts = 3;
      auto store = TRY(objects::s3::open_s3_store(
          std::move(config), net::aws::fixed_credentials(objects::s3::test_credentials())));
      return std::make_unique<StampedStore>(std::move(store), stamps);
    };
    return VolumeRepository::open(opener,
                                  {.type = type,
                                   .ns = "shop",
                                   .prefix = "backups",
                                   .key = Secret("a key of the test"),
                                   .create = true,
                                   .limits = {.keys = &keys},
                                   .clock = &node},
                                  {});
  }
};

// A node's own way to the server, which spoils what it is told to.
class Way {
 public:
  virtual ~Way() = default;
  virtual const std::string& url() const = 0;
  virtual Status spoil(const std::string& rules) = 0;
};

class ProxyWay final : public Way {
 public:
  explicit ProxyWay(std::unique_ptr<objects::s3::ServerProgram> proxy) : proxy_(std::move(proxy)) {}

  const std::string& url() const override { return proxy_->url(); }

  Status spoil(const std::string& rules) override {
    const std::string answer = TRY(proxy_->ask(rules));
    return answer == "ok" ? Status() : Error(Code::Unavailable, "the proxy says {}", answer);
  }

 private:
  std::unique_ptr<objects::s3::ServerProgram> proxy_;
};

class InProcessWay final : public Way {
 public:
  explicit InProcessWay(objects::s3::MemoryBuckets& buckets)
      : way_(objects::s3::MemoryWay::open(buckets).value()) {}

  const std::string& url() const override { return way_->url(); }

  Status spoil(const std::string& rules) override { return way_->spoil(rules); }

 private:
  std::unique_ptr<objects::s3::MemoryWay> way_;
};

// A node with its agent.
class Node {
 public:
  Node(Place& place, Way& way) : place_(place), way_(way), clock_(place.clock) {}

  NodeClock& clock() { return clock_; }

  void spoil(const std::string& rules) {
    const Status done = way_.spoil(fmt::format(R"({{"rules": [{}]}})", rules));
    ASSERT_TRUE(done) << done.error().message();
  }

  // Dead after so many requests more; of the next one only the answer is lost.
  void kill_after(std::uint64_t requests) {
    spoil(fmt::format(
        R"({{"skip": {0}, "times": 1, "do": "lost"}}, {{"skip": {0}, "times": 0, "do": "reset"}})",
        requests));
  }

  // Nothing if it cannot be opened now: the node is in trouble.
  VolumeRepository* repository() {
    if (!repository_) {
      auto opened = place_.open(way_.url(), clock_);
      if (opened) repository_ = std::move(*opened);
    }
    return repository_.get();
  }

  void start_again() {
    repository_.reset();
    spoil("");
  }

 private:
  Place& place_;
  Way& way_;
  NodeClock clock_;
  std::unique_ptr<VolumeRepository> repository_;
};

using Volume = std::map<std::string, Bytes>;

class VolumeSchedules : public ::testing::TestWithParam<const char*> {
 protected:
  static void SetUpTestSuite() {
    const bool in_process = env("LATEEN_SCHEDULE_SERVER").value_or("") == "memory";
    if (in_process) {
      buckets_ = std::make_unique<objects::s3::MemoryBuckets>();
      direct_ = std::make_unique<InProcessWay>(*buckets_);
    }
    for (auto& way : ways_) {
      if (in_process) {
        way = std::make_unique<InProcessWay>(*buckets_);
      } else if (auto proxy = objects::s3::start_fault_proxy(objects::s3::moto_url())) {
        way = std::make_unique<ProxyWay>(std::move(proxy));
      }
    }
  }

  static void TearDownTestSuite() {
    for (auto& way : ways_)
      way.reset();
    direct_.reset();
    buckets_.reset();
  }

  // The server itself.
  static const std::string& server_url() {
    return direct_ ? direct_->url() : objects::s3::moto_url();
  }

  void begin(std::uint64_t seed) {
    random_ = TestStream(seed * 0x9e3779b97f4a7c15U + 1);
    for (auto& node : nodes_)
      node.reset();
    kept_.clear();
    place_ = std::make_unique<Place>();
    place_->type = GetParam();
    place_->bucket = objects::s3::make_bucket(server_url());
    // Made by one, as the server makes it: two at once would each make keys of their own.
    NodeClock clock(place_->clock);
    ASSERT_TRUE(place_->open(server_url(), clock));
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      ASSERT_NE(ways_[i], nullptr);
      nodes_[i] = std::make_unique<Node>(*place_, *ways_[i]);
      nodes_[i]->spoil("");
    }
  }

  void run_schedule() {
    story_.clear();
    for (int step = 0; step < 8 && !HasFailure(); ++step)
      take_step();
    for (auto& node : nodes_) {
      node->start_again();
      node->clock().set({});
    }
    if (!HasFailure()) verify();
  }

  std::string story_;
  std::int64_t saved_ = 0;

 private:
  std::uint64_t below(std::uint64_t bound) { return random_.next() % bound; }

  void take_step() {
    Node& node = *nodes_[below(2)];
    plan_trouble(node);
    const std::uint64_t dice = below(10);
    if (dice < 4) {
      save(node, make_volume());
    } else if (dice == 4) {
      forget(node);
    } else if (dice < 7) {
      maintain(*nodes_[0]);
    } else {
      at_once();
    }
    if (in_trouble_) node.start_again();
    place_->clock.advance(minutes(below(2) == 0 ? below(20) : below(40 * 60)));
  }

  void plan_trouble(Node& node) {
    const std::uint64_t kind = below(6);
    in_trouble_ = kind < 3;
    if (kind == 0 || kind == 1) {
      node.kill_after(below(30));
      story_ += "killed ";
    } else if (kind == 2) {
      constexpr std::array kFaults = {"500", "503", "reset", "lost", "truncate", "flip"};
      node.spoil(fmt::format(R"({{"skip": {}, "times": {}, "do": "{}"}})", below(20), 1 + below(4),
                             kFaults.at(below(kFaults.size()))));
      story_ += "spoilt ";
    } else if (kind == 3) {
      node.clock().set(minutes(below(300)) - hours(2));
      story_ += "wrong clock ";
    } else {
      node.clock().set({});
    }
  }

  Volume make_volume() {
    Volume volume;
    for (std::uint64_t n = 1 + below(4); n > 0; --n) {
      volume[fmt::format("f{}", below(6))] =
          repository::testing::test_bytes(1 + below(12), 1 + below(200'000));
    }
    return volume;
  }

  // One with files of these bytes, at a path of its own.
  void save(Node& node, const Volume& volume) {
    const TempDir folder = TempDir::create("schedule-volume").value();
    for (const auto& [name, bytes] : volume)
      ASSERT_TRUE(write_file(folder.path() / name, bytes));
    const std::string name = fmt::format("shop/pod-{}/data", volume.size() % 2);
    const auto saved = [&]() -> Result<SavedVolume> {
      VolumeRepository* const repository = node.repository();
      if (repository == nullptr) return Error(Code::Unavailable, "it does not open");
      repository::Progress progress;
      return repository->save({.path = folder.path(), .name = name, .tags = {{"ns", "shop"}}},
                              progress, {});
    }();
    const Lock lock(mu_);
    story_ += saved ? "saved " + saved->snapshot_id.substr(0, 6) + "; "
                    : "not saved (" + saved.error().message() + "); ";
    if (!saved) return;
    kept_[saved->snapshot_id] = volume;
    ++saved_;
  }

  void forget(Node& node) {
    if (kept_.empty()) return;
    auto chosen = kept_.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(below(kept_.size())));
    VolumeRepository* const repository = node.repository();
    if (repository == nullptr) return;
    const std::vector<std::string> ids = {chosen->first};
    story_ += "forgotten " + chosen->first.substr(0, 6) + "; ";
    kept_.erase(chosen);  // whatever is answered, it may be gone
    (void)repository->forget(ids, {});
  }

  void maintain(Node& node) {
    const auto done = [&]() -> Result<MaintenanceOutcome> {
      VolumeRepository* const repository = node.repository();
      if (repository == nullptr) return Error(Code::Unavailable, "it does not open");
      return repository->maintain({});
    }();
    const Lock lock(mu_);
    story_ += done ? "maintained; " : "not maintained (" + done.error().message() + "); ";
  }

  // Both nodes at the same time.
  void at_once() {
    const Volume first = make_volume();
    const Volume second = make_volume();
    const bool maintains = below(2) == 0;
    story_ += "at once: ";
    const std::jthread other([&] { save(*nodes_[1], second); });
    if (maintains) {
      maintain(*nodes_[0]);
    } else {
      save(*nodes_[0], first);
    }
  }

  // By somebody who comes later, with a clock that is right.
  void verify() {
    NodeClock clock(place_->clock);
    auto opened = place_->open(server_url(), clock);
    ASSERT_TRUE(opened) << opened.error().message() << "\n" << story_;
    VolumeRepository& repository = **opened;
    // As a person does who knows that those nodes are gone.
    if (auto* const restic =
            dynamic_cast<repository::restic::ResticRepository*>(&repository.repository())) {
      ASSERT_TRUE(restic->remove_locks(true, {}));
    }
    repository::Progress progress;
    repository::CheckRequest request;
    request.verify.read_data = true;
    const auto checked = repository.repository().check(request, progress, {});
    ASSERT_TRUE(checked) << checked.error().message() << "\n" << story_;
    for (const repository::Problem& problem : progress.problems.take())
      ADD_FAILURE() << problem.path << ": " << problem.error.message() << "\n" << story_;
    for (const auto& [id, volume] : kept_)
      ASSERT_TRUE(repository.find(id, {})) << id << " is lost\n" << story_;
    if (kept_.empty()) return;
    auto chosen = kept_.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(below(kept_.size())));
    expect_comes_back(repository, chosen->first, chosen->second);
  }

  void expect_comes_back(VolumeRepository& repository,
                         const std::string& id,
                         const Volume& volume) {
    const TempDir target = TempDir::create("schedule-target").value();
    repository::Progress progress;
    const Status restored = repository.restore(id, {.target = target.path()}, progress, {});
    ASSERT_TRUE(restored) << restored.error().message() << "\n" << story_;
    EXPECT_EQ(list_dir(target.path()).value().size(), volume.size());
    for (const auto& [name, bytes] : volume) {
      EXPECT_TRUE(read_file(target.path() / name).value_or("") == bytes)
          << id << " " << name << "\n"
          << story_;
    }
  }

  static inline std::unique_ptr<objects::s3::MemoryBuckets> buckets_;
  static inline std::unique_ptr<InProcessWay> direct_;
  static inline std::array<std::unique_ptr<Way>, 2> ways_;

  TestStream random_ = TestStream(1);
  std::unique_ptr<Place> place_;
  std::array<std::unique_ptr<Node>, 2> nodes_;
  Mutex mu_;
  std::map<std::string, Volume> kept_;
  bool in_trouble_ = false;
};

TEST_P(VolumeSchedules, WhatWasSavedIsThereWhateverHappened) {
  const auto count = parse_int(env("LATEEN_SCHEDULES").value_or("2"));
  const auto first = parse_int(env("LATEEN_FIRST_SCHEDULE").value_or("1"));
  ASSERT_TRUE(count && first);
  // A repository lives through ten of them: making one takes as long as a schedule.
  constexpr std::int64_t kLife = 10;
  for (std::int64_t i = 0; i < *count; ++i) {
    if (i % kLife == 0) begin(static_cast<std::uint64_t>(*first + i));
    if (HasFailure()) return;
    run_schedule();
    ASSERT_FALSE(HasFailure()) << "schedule " << i << " of those from " << *first << ": " << story_;
  }
  EXPECT_GE(saved_, *count) << "hardly anything was saved: " << story_;
}

INSTANTIATE_TEST_SUITE_P(,
                         VolumeSchedules,
                         ::testing::Values("kopia", "restic"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace lateen::volumes
