// A map beside the engine: random sequences of backups, forgetting, pruning, crashes, a second
// writer, listings that lag and clocks that are wrong. Whatever happens, each snapshot that was
// reported as made and not forgotten has exactly its bytes, and a check finds nothing.
//
// LATEEN_MODEL_SEQUENCES=100000 runs so many (restic; kopia a hundredth); LATEEN_MODEL_SEED another
// start.
#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/environment.h"
#include "base/random.h"
#include "base/text.h"
#include "objects/forwarding_store.h"
#include "repository/kopia/format.h"
#include "repository/kopia/kopia.h"
#include "repository/kopia/timed_store.h"
#include "repository/restic/restic.h"
#include "repository/testing/test_stream.h"

namespace lateen::repository {
namespace {

using kopia::Bucket;
using testing::TestStream;

const restic::OpenOptions kNoWait{.lock_settle = Duration::zero()};

// An hour, or minutes, off.
class WrongClock final : public Clock {
 public:
  explicit WrongClock(const Clock& clock) : clock_(clock) {}

  TimePoint now() const override { return clock_.now() + off_; }

  void set(Duration off) { off_ = off; }

 private:
  const Clock& clock_;
  Duration off_{};
};

// Lists what was there some changes ago; what it lists may be gone. Everything else is as it is.
class LaggingStore final : public objects::ForwardingStore {
 public:
  LaggingStore(std::unique_ptr<objects::ObjectStore> store, const bool& lag)
      : ForwardingStore(std::move(store)), lag_(lag) {}

  Result<objects::ListPage> list(std::string_view prefix,
                                 std::string_view after,
                                 std::stop_token stop) override {
    if (!after.empty()) return inner().list(prefix, after, std::move(stop));
    auto page = inner().list(prefix, after, std::move(stop));
    if (!page) return page;
    const std::string name(prefix);
    if (lag_ && before_.contains(name)) return before_[name];
    before_[name] = *page;
    return page;
  }

 private:
  const bool& lag_;
  std::map<std::string, objects::ListPage> before_;
};

// One machine: its repository object, its clock.
struct Machine {
  explicit Machine(const Clock& clock) : wrong(clock) {}

  WrongClock wrong;
  bool lag = false;
  std::unique_ptr<Repository> repository;
};

class Model {
 public:
  Model(RepositoryFormat format, std::uint64_t seed)
      : format_(format), random_(seed), bucket_(std::make_shared<Bucket>()) {
    for (int i = 0; i < 2; ++i)
      machines_.push_back(std::make_unique<Machine>(clock_));
  }

  void run(int steps) {
    create();
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i)
      step();
    settle();
    verify("at the end");
  }

  const std::string& story() const { return story_; }

 private:
  std::uint64_t below(std::uint64_t n) { return random_.next() % n; }

  RepositoryAccess access(Machine& machine) {
    return {.clock = machine.wrong, .rng = rng_, .user = "u", .host = "h", .threads = 2};
  }

  std::unique_ptr<objects::ObjectStore> store(Machine& machine) {
    return std::make_unique<LaggingStore>(kopia::open_bucket(bucket_, clock_), machine.lag);
  }

  void create() {
    Machine& first = *machines_[0];
    if (format_ == RepositoryFormat::Kopia) {
      kopia::CreateOptions options{.splitter = "DYNAMIC-128K-BUZHASH"};
      auto made = kopia::create_repository(store(first), Secret("pw"), options, access(first));
      ASSERT_TRUE(made) << made.error().message();
      first.repository = std::move(*made);
    } else {
      restic::CreateOptions options{.polynomial = 0x3da3358b4dc173,
                                    .cost = {.n = 2, .r = 1, .p = 1}};
      auto made = restic::create_repository(store(first), Secret("pw"), options, access(first));
      // Opened anew: nobody else takes locks here, and nobody has to wait for them to be seen.
      ASSERT_TRUE(made) << made.error().message();
    }
  }

  Repository* open(Machine& machine) {
    if (machine.repository != nullptr) return machine.repository.get();
    if (format_ == RepositoryFormat::Kopia) {
      auto opened = kopia::open_repository(store(machine), Secret("pw"), access(machine));
      if (opened) machine.repository = std::move(*opened);
    } else {
      auto opened = restic::open_repository(store(machine), Secret("pw"), kNoWait, access(machine));
      if (opened) machine.repository = std::move(*opened);
    }
    return machine.repository.get();
  }

  // Files that share pieces: each is some of a few blocks.
  Bytes file_bytes() {
    Bytes out;
    for (std::uint64_t n = below(4); n > 0; --n) {
      out += testing::test_bytes(1 + below(12), 1 + below(2) * 150'000 + below(3000));
    }
    return out;
  }

  void step() {
    Machine& machine = *machines_[below(machines_.size())];
    machine.lag = below(8) == 0;
    if (below(10) == 0) machine.wrong.set(std::chrono::minutes(below(240)) - std::chrono::hours(2));
    if (below(3) == 0) clock_.advance(std::chrono::hours(below(40)));
    std::optional<std::uint64_t> dies_after;
    if (below(4) == 0) dies_after = below(6);
    {
      Lock lock(bucket_->mu);
      // Several threads write at once.
      auto left = std::make_shared<std::atomic<std::int64_t>>(dies_after.value_or(1'000'000));
      bucket_->before_change = [left](std::string_view) -> Status {
        if (left->fetch_sub(1) <= 0) return Error(Code::Unavailable, "the machine died");
        return {};
      };
    }
    const std::uint64_t what = below(10);
    // Only backups and listings may be misled by lagging lists: who removes must see what is there.
    if (what >= 6) machine.lag = false;
    if (Repository* const repository = open(machine)) {
      if (what < 6) backup(*repository);
      if (what == 6 || what == 7) forget(*repository);
      if (what >= 8) prune(*repository);
    }
    if (dies_after) {
      note("crash");
      machine.repository.reset();
    }
    machine.lag = false;
  }

  void note(std::string_view what) {
    story_ += what;
    story_ += "; ";
  }

  void backup(Repository& repository) {
    const Bytes bytes = file_bytes();
    ViewSource source(bytes);
    BackupRequest request{.host = "h", .user = "u"};
    request.stdin_source = &source;
    request.stdin_name = fmt::format("file{}", below(3));
    Progress progress;
    auto report = repository.backup(request, progress, {});
    if (report) {
      snapshots_[report->snapshot.id] = bytes;
      note(fmt::format("backup {} ({} bytes)", report->snapshot.id.substr(0, 8), bytes.size()));
    } else {
      note("backup failed: " + report.error().message());
    }
  }

  void forget(Repository& repository) {
    if (snapshots_.empty()) return;
    auto chosen = snapshots_.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(below(snapshots_.size())));
    const std::vector<std::string> ids = {chosen->first};
    note("forget " + chosen->first.substr(0, 8));
    const Status done = repository.forget(ids, {});
    // After a crash it may be gone or not.
    if (!done) maybe_[chosen->first] = chosen->second;
    snapshots_.erase(chosen);
  }

  void prune(Repository& repository) {
    Progress progress;
    auto done = repository.prune({.max_unused_percent = 0.0}, progress, {});
    note(done ? "prune" : "prune failed: " + done.error().message());
  }

  // No more faults; locks of dead machines are removed, as a person would.
  void settle() {
    {
      Lock lock(bucket_->mu);
      bucket_->before_change = {};
    }
    for (auto& machine : machines_) {
      machine->repository.reset();
      machine->wrong.set({});
    }
    if (format_ == RepositoryFormat::Restic) {
      auto opened = restic::open_repository(store(*machines_[0]), Secret("pw"), kNoWait,
                                            access(*machines_[0]));
      ASSERT_TRUE(opened) << opened.error().message();
      ASSERT_TRUE((*opened)->remove_locks(true, {}));
    }
  }

  void verify(std::string_view when) {
    Repository* const repository = open(*machines_[0]);
    ASSERT_NE(repository, nullptr);
    auto listed = repository->snapshots({});
    ASSERT_TRUE(listed) << listed.error().message();
    std::map<std::string, const Snapshot*> there;
    for (const Snapshot& snapshot : *listed)
      there[snapshot.id] = &snapshot;
    for (const auto& [id, bytes] : snapshots_) {
      ASSERT_TRUE(there.contains(id)) << "snapshot " << id << " is lost " << when;
      EXPECT_EQ(read(*repository, *there[id]), bytes) << id;
    }
    for (const auto& [id, bytes] : maybe_) {
      if (!there.contains(id)) continue;
      EXPECT_EQ(read(*repository, *there[id]), bytes) << id;
    }
    // Whatever else is listed must be whole, too.
    Progress progress;
    CheckRequest request;
    request.verify.read_data = true;
    auto checked = repository->check(request, progress, {});
    ASSERT_TRUE(checked) << checked.error().message();
    for (const Problem& problem : progress.problems.take()) {
      ADD_FAILURE() << problem.path << ": " << problem.error.message();
    }
  }

  static Bytes read(Repository& repository, const Snapshot& snapshot) {
    Workspace workspace;
    StoredEntry file = snapshot.root;
    if (file.entry.type == EntryType::Directory) {
      auto entries = repository.trees().read_directory(file.object, repository.reader(), workspace);
      if (!entries || entries->empty()) return "no such folder";
      file = entries->front();
    }
    BytesSink sink;
    const Status dumped = dump_file(file, sink, repository.trees(), repository.reader(), {});
    return dumped ? sink.take() : dumped.error().message();
  }

  const RepositoryFormat format_;
  TestStream random_;
  kopia::TestClock clock_;
  SystemRng rng_;
  std::shared_ptr<Bucket> bucket_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::map<std::string, Bytes> snapshots_;
  std::map<std::string, Bytes> maybe_;
  std::string story_;
};

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const auto text = env(variable);
  const auto number = text ? parse_int(*text) : Result<std::int64_t>(0);
  return number && *number > 0 ? static_cast<std::uint64_t>(*number) : otherwise;
}

void run_sequences(RepositoryFormat format, std::uint64_t count) {
  const std::uint64_t first = number_from("LATEEN_MODEL_SEED", 1);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Model model(format, seed);
    model.run(12);
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed << ": " << model.story();
  }
}

TEST(Model, ResticKeepsEverySnapshotWhateverHappens) {
  run_sequences(RepositoryFormat::Restic, number_from("LATEEN_MODEL_SEQUENCES", 25));
}

TEST(Model, KopiaKeepsEverySnapshotWhateverHappens) {
  run_sequences(RepositoryFormat::Kopia, number_from("LATEEN_MODEL_SEQUENCES", 200) / 100);
}

// Whether two documents differ only in the name of the program that wrote them.
bool reads_the_same(BytesView one, BytesView other) {
  const auto a = kopia::FormatBlob::parse(one);
  const auto b = kopia::FormatBlob::parse(other);
  return a && b && a->sealed == b->sealed && a->unique_id == b->unique_id &&
         a->key_algorithm == b->key_algorithm;
}

// A bit in the wrong place, anywhere: found by the check, and never in what is restored.
void flip_bits(RepositoryFormat format, std::uint64_t flips) {
  kopia::TestClock clock;
  SystemRng rng;
  const RepositoryAccess access{.clock = clock, .rng = rng, .user = "u", .host = "h", .threads = 2};
  const auto bucket = std::make_shared<Bucket>();
  const Bytes bytes = testing::test_bytes(5, 700'000) + Bytes(300'000, 'x');
  std::unique_ptr<Repository> made;
  if (format == RepositoryFormat::Kopia) {
    auto created =
        kopia::create_repository(kopia::open_bucket(bucket, clock), Secret("pw"), {}, access);
    ASSERT_TRUE(created);
    made = std::move(*created);
  } else {
    restic::CreateOptions options{.cost = {.n = 2, .r = 1, .p = 1}};
    auto created =
        restic::create_repository(kopia::open_bucket(bucket, clock), Secret("pw"), options, access);
    ASSERT_TRUE(created);
    made = std::move(*created);
  }
  ViewSource source(bytes);
  BackupRequest request{.host = "h", .user = "u"};
  request.stdin_source = &source;
  request.stdin_name = "file";
  Progress progress;
  ASSERT_TRUE(made->backup(request, progress, {}));
  made.reset();

  // Whether a byte of a pack belongs to a content; bytes of other objects always count.
  std::map<std::string, std::vector<std::pair<std::size_t, std::size_t>>> contents;
  if (format == RepositoryFormat::Kopia) {
    const auto opened =
        kopia::open_repository(kopia::open_bucket(bucket, clock), Secret("pw"), access).value();
    const ContentIndex& index = opened->reader().index();
    ASSERT_TRUE(index.for_each([&](const ContentEntry& entry) {
      contents[std::string(index.packs().name(entry.pack))].emplace_back(
          entry.offset, entry.offset + entry.packed_length);
      return Status();
    }));
  }
  const auto covered = [&contents](const std::string& key, std::size_t at) {
    const auto pack = contents.find(key);
    return pack == contents.end() ||
           std::any_of(pack->second.begin(), pack->second.end(),
                       [at](const auto& range) { return range.first <= at && at < range.second; });
  };
  const std::vector<std::string> keys = bucket->keys();
  TestStream random(31);
  for (std::uint64_t i = 0; i < flips; ++i) {
    const std::string& key = keys[random.next() % keys.size()];
    const int bit = 1 << random.next() % 8;
    std::size_t at = 0;
    bool same_format = false;
    const auto flip = [&](std::size_t place) {
      Lock lock(bucket->mu);
      Bytes& object = bucket->objects.find(key)->second.bytes;
      at = place % object.size();
      const Bytes before = object;
      object[at] = static_cast<char>(object[at] ^ bit);
      same_format = key == kopia::kFormatBlob && reads_the_same(before, object);
    };
    flip(random.next());
    bool found = false;
    const auto look = [&](Result<std::unique_ptr<Repository>> opened) {
      if (!opened) {
        found = true;
        return;
      }
      Progress problems;
      CheckRequest check;
      check.verify.read_data = true;
      const auto checked = (*opened)->check(check, problems, {});
      found = !checked || problems.problems.count() > 0;
      const auto snapshots = (*opened)->snapshots({});
      if (!snapshots || snapshots->empty()) {
        found = true;
        return;
      }
      Workspace workspace;
      StoredEntry file = snapshots->front().root;
      if (file.entry.type == EntryType::Directory) {
        auto entries =
            (*opened)->trees().read_directory(file.object, (*opened)->reader(), workspace);
        if (!entries) return;
        file = entries->front();
      }
      BytesSink sink;
      if (dump_file(file, sink, (*opened)->trees(), (*opened)->reader(), {})) {
        EXPECT_EQ(sink.bytes(), bytes)
            << "wrong bytes came back with " << key << " flipped at " << at;
      }
    };
    if (format == RepositoryFormat::Kopia) {
      look(kopia::open_repository(kopia::open_bucket(bucket, clock), Secret("pw"), access));
    } else {
      look(restic::open_repository(kopia::open_bucket(bucket, clock), Secret("pw"), kNoWait,
                                   access));
    }
    // Kopia's packs have noise at their beginning and for padding, which says nothing.
    const bool noise = format == RepositoryFormat::Kopia && !covered(key, at);
    EXPECT_TRUE(found || noise || same_format)
        << "a flipped bit in " << key << " at " << at << " was not found";
    flip(at);
  }
}

TEST(BitFlip, IsFoundAnywhereInAResticRepository) {
  flip_bits(RepositoryFormat::Restic, number_from("LATEEN_BIT_FLIPS", 100));
}

TEST(BitFlip, IsFoundAnywhereInAKopiaRepository) {
  flip_bits(RepositoryFormat::Kopia, number_from("LATEEN_BIT_FLIPS", 500) / 100);
}

}  // namespace
}  // namespace lateen::repository
