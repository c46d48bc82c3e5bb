// A repository's life: created, written by several, forgotten from, maintained, damaged, repaired.
#include <algorithm>
#include <atomic>
#include <set>

#include "base/environment.h"
#include "base/file.h"
#include "base/text.h"
#include "repository/kopia/fixture.h"
#include "repository/kopia/pack.h"
#include "repository/kopia/timed_store.h"
#include "repository/testing/test_stream.h"

namespace lateen::repository::kopia {
namespace {

using repository::testing::test_bytes;
using std::chrono::hours;
using std::chrono::minutes;

class KopiaLife : public KopiaFixture {
 protected:
  // scrypt takes a tenth of a second each time: few tests create, most reopen.
  void create(CreateOptions options = {}) {
    auto created = create_repository(open_bucket(bucket_, clock_), password_, options, who("a"));
    ASSERT_TRUE(created) << created.error().message();
    repository_ = std::move(*created);
  }

  std::unique_ptr<KopiaRepository> reopen(const std::string& user = "a") {
    auto opened = open_repository(open_bucket(bucket_, clock_), password_, who(user));
    EXPECT_TRUE(opened) << opened.error().message();
    return opened ? std::move(*opened) : nullptr;
  }

  RepositoryAccess who(const std::string& user) {
    return {.clock = clock_, .rng = rng_, .user = user, .host = "h"};
  }

  FilePath source() const { return dir() / "source"; }

  void write(const std::string& name, BytesView bytes) {
    ASSERT_TRUE(make_dirs((source() / name).parent_path()));
    ASSERT_TRUE(write_file(source() / name, bytes));
  }

  void make_source() {
    write("a.txt", "alpha");
    write("sub/b.bin", test_bytes(7, 300'000));
    write("sub/deep/c.txt", std::string(100'000, 'c'));
    write("empty", "");
  }

  BackupRequest request() {
    BackupRequest wanted{.host = "h", .user = "a"};
    wanted.upload.paths = {source()};
    return wanted;
  }

  Snapshot backup(KopiaRepository& repository) {
    Progress progress;
    const auto report = repository.backup(request(), progress, {});
    EXPECT_TRUE(report) << report.error().message();
    for (const Problem& problem : progress.problems.take()) {
      ADD_FAILURE() << problem.path << ": " << problem.error.message();
    }
    return report ? report->snapshot : Snapshot{};
  }

  // What check() finds, a line each.
  std::vector<std::string> problems(KopiaRepository& repository, bool read_data = true) {
    Progress progress;
    CheckRequest wanted;
    wanted.verify.read_data = read_data;
    const auto report = repository.check(wanted, progress, {});
    EXPECT_TRUE(report) << report.error().message();
    std::vector<std::string> lines;
    for (const Problem& problem : progress.problems.take()) {
      lines.push_back(problem.path + ": " + problem.error.message());
    }
    return lines;
  }

  MaintenanceReport maintain(KopiaRepository& repository, bool no_safety = false) {
    Progress progress;
    const auto report =
        repository.maintain({.mode = MaintenanceMode::Full, .no_safety = no_safety}, progress, {});
    EXPECT_TRUE(report) << report.error().message();
    return report ? *report : MaintenanceReport{};
  }

  // All but the root's name, and the times of folders, which backups do not touch.
  Listing expected() { return list_folder(source()); }

  std::shared_ptr<Bucket> bucket_ = std::make_shared<Bucket>();
  TestClock clock_;
  SystemRng rng_;
  const Secret password_ = Secret("pw");
  std::unique_ptr<KopiaRepository> repository_;
};

TEST_F(KopiaLife, WhatWasBackedUpComesBack) {
  create();
  make_source();
  const Snapshot first = backup(*repository_);
  EXPECT_TRUE(problems(*repository_).empty());
  const auto reopened = reopen();
  const auto snapshots = reopened->snapshots({});
  ASSERT_EQ(snapshots->size(), 1U);
  EXPECT_EQ(snapshots->front().id, first.id);
  EXPECT_EQ(snapshots->front().paths, std::vector<std::string>{source().string()});
  EXPECT_EQ(list_stored(snapshots->front().root, *reopened), expected());
  EXPECT_EQ(bucket_->keys("s").size(), 0U) << "a session's marker was left";
}

TEST_F(KopiaLife, UnchangedTreeIsTheSameObjectAndWritesNoData) {
  create();
  make_source();
  const Snapshot first = backup(*repository_);
  const std::size_t packs = bucket_->keys("p").size();
  const Snapshot second = backup(*repository_);
  EXPECT_EQ(second.root.object, first.root.object);
  EXPECT_EQ(second.parent, first.id);
  EXPECT_EQ(second.stats.upload.files_unchanged, 4U);
  EXPECT_EQ(bucket_->keys("p").size(), packs);
}

TEST_F(KopiaLife, SmallIncrementalBackupNeedsFewRequests) {
  create();
  make_source();
  backup(*repository_);
  write("a.txt", "changed");
  const std::uint64_t before = bucket_->requests();
  const auto repository = reopen();
  backup(*repository);
  // kopia.repository; list and read the index; manifests and folders of the parent; blobcfg;
  // marker, two packs, index, its epoch; marker away.
  EXPECT_LE(bucket_->requests() - before, 20U);
}

TEST_F(KopiaLife, TwoWritersAtOnceShareARepository) {
  create();
  make_source();
  const auto other = reopen("b");
  const Snapshot mine = backup(*repository_);
  const Snapshot theirs = backup(*other);
  EXPECT_EQ(mine.root.object, theirs.root.object);
  const auto third = reopen();
  EXPECT_EQ(third->snapshots({})->size(), 2U);
  EXPECT_TRUE(problems(*third).empty());
}

TEST_F(KopiaLife, ForgottenSnapshotIsGoneAndUnknownOnesAreNamed) {
  create();
  make_source();
  const Snapshot first = backup(*repository_);
  const std::vector<std::string> ids = {first.id};
  ASSERT_TRUE(repository_->forget(ids, {}));
  EXPECT_TRUE(reopen()->snapshots({})->empty());
  const auto again = repository_->forget(ids, {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Code::NotFound);
}

TEST_F(KopiaLife, SpaceComesBackInTwoMarksFarApart) {
  create();
  make_source();
  const std::vector<std::string> ids = {backup(*repository_).id};
  ASSERT_TRUE(repository_->forget(ids, {}));
  const auto packs = [&] { return bucket_->keys("p").size(); };
  ASSERT_GT(packs(), 0U);
  maintain(*repository_);  // younger than a day: untouched
  EXPECT_GT(packs(), 0U);
  clock_.advance(hours(25));
  maintain(*repository_);  // marked
  EXPECT_GT(packs(), 0U);
  clock_.advance(hours(3));
  maintain(*repository_);  // too soon to drop
  EXPECT_GT(packs(), 0U);
  clock_.advance(hours(26));
  maintain(*repository_);  // dropped, and its packs are old
  EXPECT_EQ(packs(), 0U);
  EXPECT_TRUE(problems(*repository_).empty());
}

TEST_F(KopiaLife, ContentsNeededAgainAfterTheyWereMarkedAreWrittenAgain) {
  create();
  make_source();
  const std::vector<std::string> ids = {backup(*repository_).id};
  ASSERT_TRUE(repository_->forget(ids, {}));
  clock_.advance(hours(25));
  maintain(*repository_);
  const Snapshot again = backup(*repository_);
  clock_.advance(hours(30));
  maintain(*repository_);
  clock_.advance(hours(30));
  maintain(*repository_);
  EXPECT_TRUE(problems(*repository_).empty());
  EXPECT_EQ(list_stored(again.root, *repository_), expected());
}

TEST_F(KopiaLife, BackupThatRanWhileItsContentsWereMarkedIsRevived) {
  create();
  make_source();
  const std::vector<std::string> ids = {backup(*repository_).id};
  ASSERT_TRUE(repository_->forget(ids, {}));
  clock_.advance(hours(25));
  const auto slow = reopen("b");  // its index is from before the mark
  maintain(*repository_);
  const Snapshot late = backup(*slow);
  for (int i = 0; i < 3; ++i) {
    clock_.advance(hours(30));
    maintain(*repository_);
  }
  EXPECT_TRUE(problems(*repository_).empty());
  EXPECT_EQ(list_stored(late.root, *repository_), expected());
}

TEST_F(KopiaLife, ShortPacksAreGathered) {
  create();
  for (int i = 0; i < 5; ++i) {
    write(fmt::format("f{}", i), test_bytes(static_cast<std::uint64_t>(100 + i), 50'000));
    backup(*repository_);
    clock_.advance(minutes(1));
  }
  EXPECT_EQ(bucket_->keys("p").size(), 5U);
  clock_.advance(hours(3));
  const MaintenanceReport report = maintain(*repository_);
  EXPECT_EQ(report.space.packs_repacked, bucket_->keys("p").size() + bucket_->keys("q").size() - 2);
  clock_.advance(hours(48));
  maintain(*repository_);
  EXPECT_EQ(bucket_->keys("p").size(), 1U);
  EXPECT_TRUE(problems(*repository_).empty());
}

TEST_F(KopiaLife, MaintenanceIsTheOwnersAlone) {
  create();
  const auto other = reopen("b");
  Progress progress;
  const auto refused = other->maintain({.mode = MaintenanceMode::Full}, progress, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::Forbidden);
  EXPECT_EQ(refused.error().message(),
            "maintenance of this repository is for a@h to run, not for b@h");
}

TEST_F(KopiaLife, MaintenanceRefusesAClockThatIsNotTheStorages) {
  create();
  TestClock ahead;
  ahead.advance(minutes(6));
  auto opened = open_repository(open_bucket(bucket_, clock_), password_,
                                {.clock = ahead, .rng = rng_, .user = "a", .host = "h"});
  ASSERT_TRUE(opened);
  Progress progress;
  const auto refused = (*opened)->maintain({.mode = MaintenanceMode::Full}, progress, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("360 apart"), std::string::npos)
      << refused.error().message();
}

TEST_F(KopiaLife, EpochsAdvanceAndAreMerged) {
  create();
  for (int i = 0; i < 45; ++i) {
    write("a.txt", std::to_string(i));
    backup(*repository_);
    clock_.advance(hours(2));
    if (i % 12 == 11) maintain(*repository_);
  }
  EXPECT_FALSE(bucket_->keys("xe").empty());
  for (int i = 0; i < 3; ++i) {
    clock_.advance(hours(25));
    write("a.txt", "more " + std::to_string(i));
    backup(*repository_);
    maintain(*repository_);
  }
  const auto fresh = reopen();
  EXPECT_EQ(fresh->snapshots({})->size(), 48U);
  EXPECT_TRUE(problems(*fresh).empty());
}

TEST_F(KopiaLife, AsVeleroCreatesItTheMarkIsThereAndNoGlobalPolicy) {
  create({.as_velero = true});
  EXPECT_EQ(bucket_->keys("udmrepo").size(), 1U);
  EXPECT_EQ(*repository_->maintenance_owner({}), "default@default");
  make_source();
  const Source volume{
      .host = "default", .user = "default", .path = "snapshot-pod-volume/kopia/a/b/c"};
  ASSERT_TRUE(repository_->set_policy(volume, velero_policy(2), {}));
  const std::uint64_t before = bucket_->requests();
  ASSERT_TRUE(repository_->set_policy(volume, velero_policy(2), {}));
  EXPECT_LE(bucket_->requests() - before, 1U) << "an unchanged policy is not written again";
  BackupRequest wanted = request();
  wanted.host = wanted.user = "default";
  wanted.source_path = volume.path;
  wanted.description = "Kopia Uploader";
  wanted.tags = {"backup=b1", "snapshot-requester=snapshot-pod-volume", "snapshot-uploader=kopia"};
  wanted.pins = {"velero-pin"};
  Progress progress;
  const auto first = repository_->backup(wanted, progress, {});
  ASSERT_TRUE(first) << first.error().message();
  wanted.tags[0] = "backup=b2";
  const auto second = repository_->backup(wanted, progress, {});
  EXPECT_EQ(second->snapshot.parent, first->snapshot.id);
  wanted.tags[1] = "snapshot-requester=snapshot-data-upload-download";
  const auto third = repository_->backup(wanted, progress, {});
  EXPECT_EQ(third->snapshot.parent, "");
}

// Both have looked, and found nothing: of two servers that take each other for dead.
TEST_F(KopiaLife, OfTwoWhoCreateItAtOnceOneDoesWhereverTheyMeet) {
  make_source();
  for (int step = 0;; ++step) {
    bucket_ = std::make_shared<Bucket>();
    int left = step;
    bool met = false;
    bool second_made = false;
    bucket_->before_change = [&](std::string_view) -> Status {
      if (met || left-- > 0) return {};
      met = true;
      const auto second =
          create_repository(open_bucket(bucket_, clock_), password_, {.as_velero = true}, who("b"));
      EXPECT_TRUE(second || second.error().is(Code::AlreadyExists)) << second.error().message();
      second_made = second.has_value();
      return {};
    };
    const auto first =
        create_repository(open_bucket(bucket_, clock_), password_, {.as_velero = true}, who("a"));
    bucket_->before_change = {};
    EXPECT_TRUE(first || first.error().is(Code::AlreadyExists)) << first.error().message();
    EXPECT_NE(first.has_value(), second_made) << "they met at change " << step;
    const auto now = reopen();
    ASSERT_TRUE(now);
    backup(*now);
    EXPECT_EQ(problems(*reopen()), std::vector<std::string>()) << "they met at change " << step;
    EXPECT_EQ(*now->maintenance_owner({}), "default@default");
    if (!met) break;
    ASSERT_LT(step, 30);
  }
}

TEST_F(KopiaLife, FullMaintenanceIsDueAsOftenAsItIsSaid) {
  create();
  const auto ran = [this](KopiaRepository& repository) {
    Progress progress;
    const auto report = repository.maintain({}, progress, {});
    EXPECT_TRUE(report) << report.error().message();
    return report ? report->ran : MaintenanceMode::Auto;
  };
  ASSERT_TRUE(repository_->set_full_interval(hours(6), {}));
  const auto other = reopen();
  EXPECT_EQ(ran(*other), MaintenanceMode::Full);
  clock_.advance(hours(5));
  EXPECT_EQ(ran(*other), MaintenanceMode::Quick);
  clock_.advance(hours(2));
  EXPECT_EQ(ran(*other), MaintenanceMode::Full);
  const std::size_t before = bucket_->keys().size();
  ASSERT_TRUE(other->set_full_interval(hours(6), {}));
  EXPECT_EQ(bucket_->keys().size(), before) << "it is so already";
}

// ---- Crashes.

TEST_F(KopiaLife, DiedAtAnyChangeLeavesAWholeRepository) {
  create();
  make_source();
  backup(*repository_);
  write("more.bin", test_bytes(9, 200'000));
  for (int allowed = 0;; ++allowed) {
    std::atomic<int> left = allowed;
    bucket_->before_change = [&](std::string_view) -> Status {
      if (left-- > 0) return {};
      return Error(Code::Io, "the machine died");
    };
    const auto dying = reopen();
    Progress progress;
    const auto done = dying->backup(request(), progress, {});
    bucket_->before_change = {};
    const auto after = reopen();
    EXPECT_TRUE(problems(*after).empty()) << "died at change " << allowed;
    if (done) break;
    ASSERT_LT(allowed, 30);
  }
}

// ---- Damage.

class KopiaDamage : public KopiaLife {
 protected:
  void SetUp() override {
    create();
    make_source();
    first_ = backup(*repository_);
  }

  std::string only(std::string_view prefix) {
    const auto keys = bucket_->keys(prefix);
    return keys.empty() ? "" : keys.front();
  }

  void change(const std::string& key, const std::function<void(Bytes&)>& how) {
    Lock lock(bucket_->mu);
    how(bucket_->objects.find(key)->second.bytes);
  }

  void remove(const std::string& key) {
    Lock lock(bucket_->mu);
    bucket_->objects.erase(key);
  }

  Snapshot first_;
};

TEST_F(KopiaDamage, MissingPackIsNamedWithItsFiles) {
  const std::string pack = only("p");
  remove(pack);
  const auto found = problems(*reopen());
  EXPECT_TRUE(std::ranges::any_of(
      found, [&](const std::string& line) { return line.find(pack) != std::string::npos; }));
  EXPECT_TRUE(std::ranges::any_of(found, [&](const std::string& line) {
    return line.starts_with("snapshot " + first_.id + ":/sub/b.bin");
  }));
}

TEST_F(KopiaDamage, MissingIndexIsReadAgainFromThePacks) {
  for (const std::string& key : bucket_->keys("xn"))
    remove(key);
  const auto repository = reopen();
  EXPECT_TRUE(repository->snapshots({})->empty());
  Progress progress;
  const auto report = repository->repair_index(progress, {});
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(reopen()->snapshots({})->size(), 1U);
  EXPECT_TRUE(problems(*reopen()).empty());
}

TEST_F(KopiaDamage, BrokenIndexIsSaidToBeBrokenAndRepaired) {
  const std::string index = bucket_->keys("xn").back();
  change(index, [](Bytes& bytes) { bytes[40] = static_cast<char>(bytes[40] ^ 1); });
  const auto repository = reopen();
  const auto found = problems(*repository);
  ASSERT_FALSE(found.empty());
  Progress progress;
  const auto refused = repository->backup(request(), progress, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find(index), std::string::npos) << refused.error().message();
  const auto report = repository->repair_index(progress, {});
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_TRUE(problems(*reopen()).empty());
  EXPECT_EQ(reopen()->snapshots({})->size(), 1U);
}

TEST_F(KopiaDamage, DamagedPackIsSavedAsFarAsItGoesAndTheNextBackupHealsTheRest) {
  const std::string pack = only("p");
  change(pack, [](Bytes& bytes) { bytes[64] = static_cast<char>(bytes[64] ^ 1); });
  const auto repository = reopen();
  EXPECT_FALSE(problems(*repository).empty());
  Progress progress;
  const std::vector<std::string> packs = {pack};
  const auto repaired = repository->repair_packs(packs, progress, {});
  ASSERT_TRUE(repaired) << repaired.error().message();
  EXPECT_EQ(repaired->lost.size(), 1U);
  BackupRequest all = request();
  all.force = true;
  ASSERT_TRUE(repository->backup(all, progress, {}));
  EXPECT_TRUE(problems(*reopen()).empty());
}

TEST_F(KopiaDamage, SnapshotIsRepairedByLeavingOutWhatIsLost) {
  const std::string pack = only("p");
  remove(pack);
  const auto repository = reopen();
  Progress progress;
  const auto report = repository->repair_snapshots(true, progress, {});
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_TRUE(std::ranges::any_of(
      report->lost, [](const std::string& path) { return path.ends_with(":/sub/b.bin"); }));
  const auto after = reopen();
  const auto snapshots = after->snapshots({});
  ASSERT_EQ(snapshots->size(), 1U);
  EXPECT_NE(snapshots->front().id, first_.id);
  Progress walk;
  ASSERT_TRUE(
      after->check({.verify = {.choose = [](std::string_view) { return false; }}}, walk, {}));
  for (const Problem& problem : walk.problems.take()) {
    EXPECT_FALSE(problem.path.starts_with("snapshot")) << problem.path;
  }
}

// Where a flipped bit changes something: index blobs whole; of packs the contents, their own index
// and its end, but not the random bytes between, which nobody reads.
struct Place {
  std::string key;
  std::size_t at;
};

class KopiaFlips : public KopiaDamage {
 protected:
  std::vector<std::pair<Place, std::size_t>> used_ranges() {
    std::vector<std::pair<Place, std::size_t>> ranges;
    const ContentIndex& index = repository_->reader().index();
    EXPECT_TRUE(index.for_each([&](const ContentEntry& entry) -> Status {
      ranges.push_back(
          {{std::string(index.packs().name(entry.pack)), entry.offset}, entry.packed_length});
      return {};
    }));
    for (const std::string_view prefix : {"p", "q", "xn"}) {
      for (const std::string& key : bucket_->keys(prefix)) {
        Lock lock(bucket_->mu);
        const Bytes& bytes = bucket_->objects.find(key)->second.bytes;
        const auto end = prefix == "xn" ? std::nullopt : find_postamble(bytes);
        const std::size_t from = end ? end->offset : 0;
        ranges.push_back({{key, from}, bytes.size() - from});
      }
    }
    return ranges;
  }
};

// LATEEN_FLIPS says how many; CI has no time for the ten thousand that were tried by hand.
TEST_F(KopiaFlips, AreAlwaysFound) {
  const auto flips = parse_int(env("LATEEN_FLIPS").value_or("200"));
  ASSERT_TRUE(flips);
  const auto ranges = used_ranges();
  repository::testing::TestStream random(2026);
  for (std::int64_t i = 0; i < *flips; ++i) {
    const auto& [start, length] = ranges[random.next() % ranges.size()];
    const std::uint64_t place = random.next();
    const std::size_t at = start.at + (place >> 3U) % length;
    const auto flip = [&](Bytes& bytes) {
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << (place & 7U)));
    };
    change(start.key, flip);
    EXPECT_FALSE(problems(*repository_).empty()) << start.key << " at " << at;
    change(start.key, flip);
  }
  EXPECT_TRUE(problems(*repository_).empty());
}

}  // namespace
}  // namespace lateen::repository::kopia
