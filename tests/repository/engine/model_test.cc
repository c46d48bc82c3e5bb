// A map beside the engine: random sequences of backups, forgetting, pruning, crashes, a second
// writer (in between, and in the middle), listings that lag and clocks that are wrong. Whatever
// happens, each snapshot that was reported as made and not forgotten has exactly its bytes, and a
// check finds nothing.
//
// LATEEN_MODEL_SEQUENCES=100000 runs so many of each format; LATEEN_MODEL_SEED another start. Small
// files, small packs and keys that are derived once make most of the thousands a second.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/text.h"
#include "repository/crypto/derived_keys.h"
#include "repository/kopia/format.h"
#include "repository/kopia/opened.h"
#include "repository/restic/pack_header.h"
#include "repository/testing/both_formats.h"
#include "repository/testing/lagging_store.h"
#include "repository/testing/numbers.h"
#include "repository/testing/test_stream.h"

namespace lateen::repository {
namespace {

using kopia::Bucket;
using testing::LaggingStore;
using testing::TestStream;

// What a snapshot must bring back: paths and bytes.
using Files = std::map<std::string, Bytes>;

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

// Folders to save: a few files each, of few different contents, so that snapshots share most of
// what they hold.
class Sources {
 public:
  struct Source {
    FilePath folder = {};
    Files files = {};
  };

  Sources() {
    TestStream random(20261123);
    for (int i = 0; i < 24; ++i) {
      Source source{.folder = dir_.path() / std::to_string(i)};
      for (std::uint64_t n = 1 + random.next() % 5; n > 0; --n) {
        const std::uint64_t content = random.next() % 20;
        std::string path = fmt::format("f{}", random.next() % 8);
        if (random.next() % 3 == 0) path = "sub/" + path;
        source.files[path] = testing::test_bytes(content + 1, content * 97);
      }
      source.files["top"] = Bytes("of ") + std::to_string(i % 4);
      write(source);
      all_.push_back(std::move(source));
    }
  }

  const Source& at(std::uint64_t number) const { return all_[number % all_.size()]; }

 private:
  // A time for each: a file with the size and the time of another counts as that one.
  void write(const Source& source) {
    for (const auto& [path, bytes] : source.files) {
      const FilePath file = source.folder / path;
      EXPECT_TRUE(make_dirs(file.parent_path()));
      EXPECT_TRUE(write_file(file, bytes));
      std::error_code failed;
      std::filesystem::last_write_time(
          file, std::filesystem::last_write_time(file, failed) - std::chrono::seconds(++files_),
          failed);
      EXPECT_FALSE(failed);
    }
  }

  TempDir dir_ = TempDir::create("lateen-model").value();
  std::vector<Source> all_;
  int files_ = 0;
};

// What the sequences of one run share: the files, the keys, and how a repository begins.
struct Ground {
  Sources sources;
  DerivedKeys keys;
  SystemRng rng;
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
  Model(RepositoryFormat format, std::uint64_t seed, Ground& ground)
      : format_(format),
        ground_(ground),
        random_(seed * 0x9e3779b97f4a7c15U),
        bucket_(std::make_shared<Bucket>()) {
    for (int i = 0; i < 2; ++i)
      machines_.push_back(std::make_unique<Machine>(clock_));
  }

  void run(int steps) {
    create();
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i)
      step();
    settle();
    verify();
  }

  const std::string& story() const { return story_; }

 private:
  enum class Act { Backup, Forget, Prune };

  std::uint64_t below(std::uint64_t n) { return random_.next() % n; }

  RepositoryAccess access(Machine& machine) {
    const bool first = &machine == machines_[0].get();
    return {.clock = machine.wrong,
            .rng = ground_.rng,
            .user = "u",
            .host = first ? "h" : "other",
            .threads = 2,
            .keys = &ground_.keys};
  }

  std::unique_ptr<objects::ObjectStore> store(Machine& machine) {
    return std::make_unique<LaggingStore>(kopia::open_bucket(bucket_, clock_), machine.lag);
  }

  // With packs of a quarter of a MiB, which kopia's own creation does not offer.
  void create_kopia() {
    Machine& first = *machines_[0];
    const kopia::FormatParameters parameters{.splitter = "FIXED-128K",
                                             .hash_secret = Secret(Bytes(32, 's')),
                                             .master_key = Secret(Bytes(32, 'm')),
                                             .max_pack_size = 256_KiB};
    kopia::FormatBlob blob{.tool = "https://github.com/kopia/kopia",
                           .unique_id = Bytes(32, 'u'),
                           .key_algorithm = "scrypt-65536-8-1",
                           .encryption = "AES256_GCM"};
    const Secret key = blob.derive_key(Secret("pw"), &ground_.keys).value();
    ASSERT_TRUE(kopia::seal_format(blob, parameters, key, ground_.rng));
    const auto made = store(first);
    ASSERT_TRUE(made->put(kopia::kConfigBlob, kopia::seal_blob_config({}, blob, key, ground_.rng)));
    ASSERT_TRUE(made->put(kopia::kFormatBlob, blob.write()));
    auto* const opened = static_cast<kopia::Opened*>(open(first));
    ASSERT_NE(opened, nullptr);
    ASSERT_TRUE(opened->write_first_manifests({}, {}));
  }

  void create() {
    if (format_ == RepositoryFormat::Kopia) {
      create_kopia();
      return;
    }
    const restic::CreateOptions options{.polynomial = 0x3da3358b4dc173,
                                        .cost = {.n = 2, .r = 1, .p = 1}};
    Machine& first = *machines_[0];
    auto made = restic::create_repository(store(first), Secret("pw"), options, access(first));
    ASSERT_TRUE(made) << made.error().message();
  }

  // Null where it cannot be opened now.
  Repository* open(Machine& machine) {
    if (machine.repository != nullptr) return machine.repository.get();
    if (format_ == RepositoryFormat::Kopia) {
      auto opened = kopia::open_repository(store(machine), Secret("pw"), access(machine));
      if (opened) machine.repository = std::move(*opened);
    } else {
      // Nobody else takes locks here, and nobody has to wait for them to be seen.
      const restic::OpenOptions options{.pack_size = restic::kMinPackSize,
                                        .lock_settle = Duration::zero()};
      auto opened = restic::open_repository(store(machine), Secret("pw"), options, access(machine));
      if (opened) machine.repository = std::move(*opened);
    }
    return machine.repository.get();
  }

  void step() {
    const std::uint64_t number = below(machines_.size());
    Machine& machine = *machines_[number];
    if (below(10) == 0) machine.wrong.set(std::chrono::minutes(below(240)) - std::chrono::hours(2));
    if (below(3) == 0) clock_.advance(std::chrono::hours(below(40)));
    const std::uint64_t trouble = below(8);
    if (trouble < 2) die_after(below(6));
    if (trouble == 2) let_other_act(*machines_[1 - number], below(6));
    act(machine);
    bucket_->before_change = {};
    if (trouble < 2) {
      note("crash");
      bucket_->before_change = [](std::string_view) { return Status(dead()); };
      machine.repository.reset();
      bucket_->before_change = {};
      if (below(2) == 0) unlock();
    } else if (below(2) == 0) {
      machine.repository.reset();
    }
  }

  static Error dead() { return Error(Code::Unavailable, "the machine died"); }

  // Several threads write at once.
  void die_after(std::uint64_t changes) {
    auto left = std::make_shared<std::atomic<std::int64_t>>(changes);
    bucket_->before_change = [left](std::string_view) -> Status {
      if (left->fetch_sub(1) <= 0) return dead();
      return {};
    };
  }

  // Before one of the next changes of the store, another machine does something.
  void let_other_act(Machine& other, std::uint64_t changes) {
    auto left = std::make_shared<std::atomic<std::int64_t>>(changes);
    bucket_->before_change = [this, &other, left](std::string_view) -> Status {
      if (left->fetch_sub(1) == 0) {
        note("meanwhile");
        act(other);
        other.repository.reset();
      }
      return {};
    };
  }

  void act(Machine& machine) {
    const std::uint64_t dice = below(10);
    const Act what = dice < 6 ? Act::Backup : dice < 8 ? Act::Forget : Act::Prune;
    // Only backups and listings may be misled by lagging lists: who removes must see what is there.
    machine.lag = what == Act::Backup && below(8) == 0;
    if (machine.lag) note("lists late");
    if (Repository* const repository = open(machine)) {
      if (what == Act::Backup) backup(*repository);
      if (what == Act::Forget) forget(*repository);
      if (what == Act::Prune) prune(*repository);
    }
    machine.lag = false;
  }

  void note(std::string_view what) {
    story_ += what;
    story_ += "; ";
  }

  void backup(Repository& repository) {
    BackupRequest request{.host = "h", .user = "u", .source_path = fmt::format("/{}", below(3))};
    const Sources::Source& source = ground_.sources.at(random_.next());
    Files files = source.files;
    Bytes stream;
    std::optional<ViewSource> reader;
    if (below(12) == 0) {
      for (std::uint64_t n = below(4); n > 0; --n)
        stream += testing::test_bytes(1 + below(12), 1 + below(2) * 150'000 + below(3000));
      reader.emplace(stream);
      request.stdin_source = &*reader;
      request.stdin_name = fmt::format("file{}", below(3));
      files = {{request.stdin_name, stream}};
    } else {
      request.upload.paths = {source.folder};
      if (!snapshots_.empty() && below(3) == 0) request.parent = any_snapshot()->first;
    }
    Progress progress;
    auto report = repository.backup(request, progress, {});
    if (report) {
      note("backup " + report->snapshot.id.substr(0, 8));
      snapshots_[report->snapshot.id] = std::move(files);
    } else {
      note("backup failed: " + report.error().message());
    }
  }

  std::map<std::string, Files>::iterator any_snapshot() {
    auto chosen = snapshots_.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(below(snapshots_.size())));
    return chosen;
  }

  void forget(Repository& repository) {
    if (snapshots_.empty()) return;
    auto chosen = snapshots_.extract(any_snapshot());
    const std::vector<std::string> ids = {chosen.key()};
    const Status done = repository.forget(ids, {});
    note((done ? "forget " : "forget failed ") + chosen.key().substr(0, 8));
    // After a crash it may be gone or not.
    if (!done) maybe_.insert(std::move(chosen));
  }

  void prune(Repository& repository) {
    Progress progress;
    auto done = repository.prune({.max_unused_percent = 0.0}, progress, {});
    note(done ? "prune" : "prune failed: " + done.error().message());
  }

  // Locks of machines that died are removed, as a person would: when nobody is at work.
  void unlock() {
    for (auto& machine : machines_)
      machine->repository.reset();
    if (format_ != RepositoryFormat::Restic) return;
    auto* const opened = static_cast<restic::ResticRepository*>(open(*machines_[0]));
    ASSERT_NE(opened, nullptr);
    ASSERT_TRUE(opened->remove_locks(true, {}));
  }

  // No more faults.
  void settle() {
    for (auto& machine : machines_)
      machine->wrong.set({});
    unlock();
  }

  void verify() {
    Repository* const repository = open(*machines_[0]);
    ASSERT_NE(repository, nullptr);
    auto listed = repository->snapshots({});
    ASSERT_TRUE(listed) << listed.error().message();
    std::map<std::string, const Snapshot*> there;
    for (const Snapshot& snapshot : *listed)
      there[snapshot.id] = &snapshot;
    for (const auto& [id, files] : snapshots_) {
      ASSERT_TRUE(there.contains(id)) << "snapshot " << id << " is lost";
      EXPECT_TRUE(read(*repository, *there[id]) == files) << id;
    }
    for (const auto& [id, files] : maybe_) {
      if (!there.contains(id)) continue;
      EXPECT_TRUE(read(*repository, *there[id]) == files) << id;
    }
    // Whatever else is listed must be whole, too.
    EXPECT_EQ(testing::check_all(*repository), "");
  }

  // What cannot be read stands there with its error.
  static Files read(Repository& repository, const Snapshot& snapshot) {
    Files files;
    StoredEntry at = snapshot.root;
    Workspace workspace;
    while (true) {
      auto below = repository.trees().read_directory(at.object, repository.reader(), workspace);
      if (!below || below->size() != 1 || below->front().entry.type != EntryType::Directory) break;
      at = below->front();
    }
    read_below(repository, at, "", files);
    return files;
  }

  static void read_below(Repository& repository,
                         const StoredEntry& folder,
                         const std::string& path,
                         Files& files) {
    Workspace workspace;
    auto entries = repository.trees().read_directory(folder.object, repository.reader(), workspace);
    if (!entries) files[path] = entries.error().message();
    for (const StoredEntry& entry : entries.value_or(std::vector<StoredEntry>())) {
      const std::string name = path + entry.entry.name;
      if (entry.entry.type == EntryType::Directory) {
        read_below(repository, entry, name + "/", files);
        continue;
      }
      BytesSink sink;
      const Status dumped = dump_file(entry, sink, repository.trees(), repository.reader(), {});
      files[name] = dumped ? sink.take() : dumped.error().message();
    }
  }

  const RepositoryFormat format_;
  Ground& ground_;
  TestStream random_;
  kopia::TestClock clock_;
  std::shared_ptr<Bucket> bucket_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::map<std::string, Files> snapshots_;
  std::map<std::string, Files> maybe_;
  std::string story_;
};

void run_sequences(RepositoryFormat format) {
  const std::uint64_t first = testing::number_from("LATEEN_MODEL_SEED", 1);
  const std::uint64_t count = testing::number_from("LATEEN_MODEL_SEQUENCES", 50);
  Ground ground;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Model model(format, seed, ground);
    model.run(12);
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed << ": " << model.story();
  }
}

TEST(Model, ResticKeepsEverySnapshotWhateverHappens) {
  run_sequences(RepositoryFormat::Restic);
}

TEST(Model, KopiaKeepsEverySnapshotWhateverHappens) {
  run_sequences(RepositoryFormat::Kopia);
}

}  // namespace
}  // namespace lateen::repository
