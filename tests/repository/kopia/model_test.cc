// A map beside the repository: seeded random lives of three clients that back up, forget, maintain,
// die in the middle, and overtake each other; what was promised must be there, byte for byte, and
// nothing may refer to what is gone.
#include <algorithm>
#include <atomic>
#include <map>
#include <set>

#include "base/environment.h"
#include "base/text.h"
#include "repository/kopia/fixture.h"
#include "repository/kopia/opened.h"
#include "repository/kopia/timed_store.h"
#include "repository/testing/test_stream.h"

namespace lateen::repository::kopia {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr std::size_t kBlock = 128 * 1024;  // of FIXED-128K
constexpr std::size_t kBlocks = 12;
constexpr std::size_t kClients = 3;  // the first owns maintenance

// The keys are derived once: a tenth of a second for each opening would be most of the test.
struct Keys {
  FormatParameters parameters = {};
  FormatBlob blob = {.unique_id = Bytes(32, 'u')};
  Secret format_key = Secret(Bytes(32, 'f'));
};

class Life {
 public:
  explicit Life(std::uint64_t seed) : random_(seed) {
    keys_.parameters.splitter = "FIXED-128K";
    keys_.parameters.hash_secret = Secret(Bytes(32, 's'));
    keys_.parameters.master_key = Secret(Bytes(32, 'm'));
    for (std::size_t i = 0; i < kBlocks; ++i) {
      blocks_.push_back(repository::testing::test_bytes(1000 + i, kBlock));
    }
    clients_.resize(kClients);
    client(0);
    EXPECT_TRUE(clients_[0]->write_first_manifests({}, {}));
  }

  void step() {
    const std::uint64_t dice = below(100);
    if (dice < 45) {
      backup(below(kClients));
    } else if (dice < 60) {
      forget(below(kClients));
    } else if (dice < 80) {
      clock_.advance(minutes(5 + below(30 * 60)));
    } else if (dice < 95) {
      maintain();
    } else {
      clients_[below(kClients)].reset();
    }
  }

  // All that was promised, and no more than could be.
  void verify(std::uint64_t seed) {
    const auto fresh = open();
    const auto snapshots = fresh->snapshots({});
    ASSERT_TRUE(snapshots) << "seed " << seed << ": " << snapshots.error().message();
    std::set<std::string> found;
    for (const Snapshot& snapshot : *snapshots) {
      found.insert(snapshot.id);
      const auto known = promised_.find(snapshot.description);
      ASSERT_NE(known, promised_.end()) << "seed " << seed;
      EXPECT_NE(known->second.state, State::Forgotten)
          << "seed " << seed << ": " << snapshot.description << " came back";
      expect_bytes(*fresh, snapshot, known->second.bytes, seed);
    }
    for (const auto& [name, one] : promised_) {
      EXPECT_TRUE(one.state != State::Kept || found.contains(one.id))
          << "seed " << seed << ": " << name << " is gone";
    }
  }

 private:
  enum class State { Kept, Forgotten, Unsure };

  struct Promise {
    State state = State::Unsure;
    std::string id = {};
    Bytes bytes = {};
  };

  std::uint64_t below(std::uint64_t bound) { return random_.next() % bound; }

  std::unique_ptr<Opened> open(const std::string& user = "reader") {
    auto cipher = UnitCipher::create(keys_.parameters, rng_);
    auto opened = std::make_unique<Opened>(
        Opened::Parts{.store = open_bucket(bucket_, clock_),
                      .blob = keys_.blob,
                      .blob_bytes = {},
                      .format_key = keys_.format_key,
                      .parameters = keys_.parameters,
                      .cipher = std::move(*cipher)},
        RepositoryAccess{.clock = clock_, .rng = rng_, .user = user, .host = "h"});
    const auto loaded = opened->load({});
    EXPECT_TRUE(loaded) << loaded.error().message();
    return opened;
  }

  Opened& client(std::size_t number) {
    auto& client = clients_[number];
    if (!client) client = open(number == 0 ? "reader" : fmt::format("writer{}", number));
    return *client;
  }

  // Before one of the next changes of the store somebody dies, or others are quick.
  void plan_trouble(std::size_t number) {
    // Several threads may write at once.
    auto left = std::make_shared<std::atomic<int>>(static_cast<int>(below(8)));
    const std::uint64_t kind = below(10);
    if (kind > 3) return;
    bucket_->before_change = [this, number, kind, left](std::string_view) -> Status {
      if (in_trouble_) return {};
      const int now = left->fetch_sub(1);
      if (now > 0) return {};
      if (kind <= 1) return Error(Code::Io, "the machine died");
      if (now < 0) return {};
      in_trouble_ = true;
      clock_.advance(minutes(below(180)));
      if (number != 0) maintain_quietly();
      in_trouble_ = false;
      return {};
    };
  }

  void backup(std::size_t number) {
    Promise promise;
    const std::size_t count = 1 + below(4);
    for (std::size_t i = 0; i < count; ++i)
      promise.bytes += blocks_[below(kBlocks)];
    promise.bytes += std::to_string(below(5));
    const std::string name = fmt::format("b{}", next_++);
    ViewSource source(promise.bytes);
    BackupRequest request{.host = "h", .user = "u", .description = name};
    request.stdin_source = &source;
    request.stdin_name = fmt::format("f{}", below(3));
    Opened& writer = client(number);
    plan_trouble(number);
    Progress progress;
    const auto report = writer.backup(request, progress, {});
    bucket_->before_change = {};
    if (report) {
      promise.state = State::Kept;
      promise.id = report->snapshot.id;
    } else {
      clients_[number].reset();  // its machine starts again
    }
    promised_.emplace(name, std::move(promise));
  }

  void forget(std::size_t number) {
    std::vector<Promise*> kept;
    for (auto& [_, one] : promised_) {
      if (one.state == State::Kept) kept.push_back(&one);
    }
    if (kept.empty()) return;
    Promise& chosen = *kept[below(kept.size())];
    Opened& writer = client(number);
    plan_trouble(number);
    const std::vector<std::string> ids = {chosen.id};
    const auto done = writer.forget(ids, {});
    bucket_->before_change = {};
    if (done) {
      chosen.state = State::Forgotten;
    } else if (!done.error().is(Code::NotFound)) {
      chosen.state = State::Unsure;
      clients_[number].reset();
    }
  }

  void maintain() {
    plan_trouble(0);
    maintain_quietly();
    bucket_->before_change = {};
  }

  void maintain_quietly() {
    Progress progress;
    const auto done =
        client(0).maintain({.mode = MaintenanceMode::Full, .force = true}, progress, {});
    if (!done) clients_[0].reset();
  }

  void expect_bytes(Opened& repository,
                    const Snapshot& snapshot,
                    const Bytes& expected,
                    std::uint64_t seed) {
    Workspace workspace;
    // What was read from a stream is the one file of a directory.
    const auto entries =
        repository.trees().read_directory(snapshot.root.object, repository.reader(), workspace);
    ASSERT_TRUE(entries) << "seed " << seed << ": " << entries.error().message();
    ASSERT_EQ(entries->size(), 1U) << "seed " << seed;
    const auto pieces =
        repository.trees().file_pieces(entries->front(), repository.reader(), workspace);
    ASSERT_TRUE(pieces) << "seed " << seed << ": " << pieces.error().message();
    Bytes all;
    for (const ChunkRef& piece : *pieces) {
      const auto bytes = repository.reader().read(piece.id, workspace);
      ASSERT_TRUE(bytes) << "seed " << seed << ": " << snapshot.description << ": "
                         << bytes.error().message();
      all += *bytes;
    }
    EXPECT_TRUE(all == expected) << "seed " << seed << ": " << snapshot.description;
  }

  repository::testing::TestStream random_;
  Keys keys_;
  TestClock clock_;
  SystemRng rng_;
  std::vector<Bytes> blocks_;
  std::shared_ptr<Bucket> bucket_ = std::make_shared<Bucket>();
  std::vector<std::unique_ptr<Opened>> clients_;
  std::map<std::string, Promise> promised_;  // by the snapshot's description
  int next_ = 0;
  std::atomic<bool> in_trouble_ = false;
};

// LATEEN_LIVES says how many; CI has time for few.
TEST(KopiaModel, PromisesAreKeptThroughRandomLives) {
  const auto lives = parse_int(env("LATEEN_LIVES").value_or("20"));
  const auto first = parse_int(env("LATEEN_FIRST_LIFE").value_or("1"));
  ASSERT_TRUE(lives && first);
  constexpr int kSteps = 40;
  for (std::int64_t i = 0; i < *lives; ++i) {
    const auto seed = static_cast<std::uint64_t>(*first + i);
    Life life(seed * 0x9e3779b97f4a7c15U);
    for (int step = 1; step <= kSteps; ++step) {
      life.step();
      if (step % 10 == 0) life.verify(seed);
    }
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace lateen::repository::kopia
