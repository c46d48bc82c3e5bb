#include "assurance/object_history.h"

#include <memory>
#include <set>

#include <gtest/gtest.h>

#include "archive/testing/archives.h"
#include "assurance/backup_scope.h"
#include "assurance/deleted_objects.h"
#include "assurance/object_comparison.h"
#include "base/temp.h"
#include "base/time.h"
#include "objects/counting_store.h"
#include "objects/fs_store.h"

namespace lateen::assurance {
namespace {

using archive::ItemKey;
using archive::testing::Object;
using archive::testing::write_archive;
using std::chrono::hours;

constexpr std::string_view kSettings = "settings";
const ObjectName kObject{.group_resource = "configmaps", .ns = "shop", .name = "settings"};

// A ConfigMap as an API server says it; `noise` is what changes by itself.
std::string config(std::string_view name, std::string_view value, int noise = 1) {
  return fmt::format(
      R"({{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{}","namespace":"shop",)"
      R"("resourceVersion":"{}","uid":"u{}"}},"data":{{"currency":"{}"}}}})",
      name, noise, noise, value);
}

Object configmap(std::string_view name, std::string json) {
  return {{.group_resource = "configmaps", .ns = "shop", .name = name, .version = "v1"},
          std::move(json)};
}

class ObjectHistoryTest : public ::testing::Test {
 protected:
  ObjectHistoryTest()
      : dir_(TempDir::create("history").value()),
        store_(
            objects::make_counting(objects::FsStore::open({.root = dir_.path()}).value(), reads_),
            "") {}

  void put(const std::string& backup, const std::vector<Object>& objects, bool with_index = true) {
    const auto written = write_archive(objects, {.backup = backup, .threads = 1});
    put_file(store_.layout().backup_contents(backup), written.tarball);
    if (with_index) put_file(store_.layout().backup_archive_index(backup), written.index);
    names_.push_back(backup);
  }

  void put_file(const std::string& key, BytesView bytes) {
    const Status put = store_.objects().put(key, bytes);
    EXPECT_TRUE(put) << put.error().message();
  }

  // Of all backups that were put, in their order.
  ObjectHistory history() {
    files_.emplace(BackupFiles::list(store_, {}).value());
    lookup_.emplace(store_, *files_);
    backups_.clear();
    TimePoint time = *parse_rfc3339("2026-05-20T02:00:00Z");
    for (const std::string& name : names_)
      backups_.push_back({.name = name, .time = time += hours(24), .lookup = &*lookup_});
    for (HistoryBackup& backup : backups_)
      backup.why_not_covered = not_covered_.count(backup.name) > 0 ? "left out" : "";
    auto made = make_history(kObject, backups_, {});
    EXPECT_TRUE(made) << made.error().message();
    return made ? *made : ObjectHistory();
  }

  static std::vector<std::string> states(const ObjectHistory& history) {
    std::vector<std::string> states;
    for (const HistoryEntry& entry : history.entries)
      states.push_back(fmt::format("{}{}", to_string(entry.presence),
                                   entry.version ? fmt::format(" {}", *entry.version) : ""));
    return states;
  }

  TempDir dir_;
  objects::StoreCounters reads_;
  objects::BackupStore store_;
  std::vector<std::string> names_;
  std::set<std::string> not_covered_;
  std::optional<BackupFiles> files_;
  std::optional<ObjectLookup> lookup_;
  std::vector<HistoryBackup> backups_;
};

using States = std::vector<std::string>;

TEST_F(ObjectHistoryTest, TellsVersionsApartAndNotTheirNoise) {
  put("one", {configmap(kSettings, config(kSettings, "EUR", 1))});
  put("two", {configmap(kSettings, config(kSettings, "EUR", 2))});
  put("three", {configmap(kSettings, config(kSettings, "USD", 3))});
  const ObjectHistory found = history();
  EXPECT_EQ(states(found), (States{"held 0", "held 0", "held 1"}));
  ASSERT_EQ(found.versions.size(), 2U);
  EXPECT_EQ(found.versions[0].backups, 2U);
  EXPECT_EQ(found.versions[1].changes,
            (std::vector<restore::FieldChange>{{"data.currency", "\"EUR\"", "\"USD\""}}));
  ASSERT_NE(found.newest(), nullptr);
  EXPECT_EQ(found.newest()->backup, "three");
}

TEST_F(ObjectHistoryTest, TellsWhatWasGoneFromWhatWasNotCovered) {
  put("one", {configmap(kSettings, config(kSettings, "EUR"))});
  put("two", {configmap("other", config("other", "EUR"))});
  put("three", {configmap(kSettings, config(kSettings, "EUR"))});
  put("four", {configmap("other", config("other", "EUR"))});
  not_covered_ = {"four"};
  const ObjectHistory found = history();
  EXPECT_EQ(states(found), (States{"held 0", "absent", "held 1", "not covered"}));
  EXPECT_TRUE(found.versions[1].after_absence);
  EXPECT_TRUE(found.versions[1].changes.empty());
}

TEST_F(ObjectHistoryTest, ReadsLittleOfEachBackup) {
  std::vector<std::string> names;
  for (int i = 0; i < 4'000; ++i)
    names.push_back("cm-" + std::to_string(i));
  std::vector<Object> objects = {configmap(kSettings, config(kSettings, "EUR"))};
  for (const std::string& name : names)
    objects.push_back(configmap(name, config(name, "x")));
  for (const char* backup : {"one", "two", "three"})
    put(backup, objects);
  reads_.bytes_read = 0;
  reads_.gets = 0;
  EXPECT_EQ(history().versions.size(), 1U);
  // Two of each index, and one of a tarball: the digests say that the others are the same.
  EXPECT_EQ(reads_.gets, 3U * 2 + 1);
  const ByteCount index = *files_->size_of(store_.layout().backup_archive_index("one"));
  EXPECT_LT(reads_.bytes_read, index);
}

TEST_F(ObjectHistoryTest, ReadsBackupsWithoutAnIndexOrWithOneOfAnotherTarball) {
  put("one", {configmap(kSettings, config(kSettings, "EUR"))}, false);
  put("two", {configmap(kSettings, config(kSettings, "USD"))});
  // Somebody wrote the tarball anew.
  const auto other = write_archive(
      {configmap(kSettings, config(kSettings, "CHF")), configmap("more", config("more", "x"))});
  put_file(store_.layout().backup_contents("two"), other.tarball);
  const ObjectHistory found = history();
  EXPECT_EQ(states(found), (States{"held 0", "held 1"}));
  EXPECT_EQ(found.versions[1].changes[0].after, "\"CHF\"");
}

TEST_F(ObjectHistoryTest, ABackupThatCannotBeReadIsSaidAndStopsNothing) {
  put("one", {configmap(kSettings, config(kSettings, "EUR"))});
  names_.push_back("empty");
  put("broken", {configmap(kSettings, config(kSettings, "EUR"))}, false);
  put_file(store_.layout().backup_contents("broken"), "not a tarball");
  const ObjectHistory found = history();
  EXPECT_EQ(states(found), (States{"held 0", "unreadable", "unreadable"}));
  EXPECT_NE(found.entries[1].reason.find("empty"), std::string::npos) << found.entries[1].reason;
}

TEST_F(ObjectHistoryTest, AChangedByteIsUnreadableAndNoVersion) {
  put("one", {configmap(kSettings, config(kSettings, "EUR"))});
  Bytes tarball = store_.objects().get(store_.layout().backup_contents("one")).value();
  for (std::size_t at = 12; at < 40; ++at)
    tarball[at] = static_cast<char>(tarball[at] ^ 1);
  put_file(store_.layout().backup_contents("one"), tarball);
  EXPECT_EQ(states(history()), (States{"unreadable"}));
}

TEST_F(ObjectHistoryTest, ReadsTheBucketOfTheRealVelero) {
  objects::BackupStore veleros(
      objects::FsStore::open({.root = archive::testing::testdata("velero-bucket/bucket")}).value(),
      "");
  const auto files = BackupFiles::list(veleros, {}).value();
  const ObjectLookup lookup(veleros, files);
  const ObjectName object{
      .group_resource = "configmaps", .ns = "bookstore", .name = "payments-config"};
  const auto held = lookup.find("bookstore-full", object, {});
  ASSERT_TRUE(held) << held.error().message();
  ASSERT_TRUE(*held);
  EXPECT_NE((**held).json.find("payments-config"), std::string::npos);
  const auto absent = lookup.find("bookstore-full", {"configmaps", "bookstore", "nope"}, {});
  ASSERT_TRUE(absent) << absent.error().message();
  EXPECT_FALSE(*absent);
}

TEST_F(ObjectHistoryTest, FindsTheNewestThatHoldsIt) {
  for (int i = 0; i < 40; ++i) {
    put(fmt::format("b{:02}", i), {configmap(i == 3 ? kSettings : "other", config("x", "EUR"))});
  }
  history();
  std::vector<std::string> problems;
  const auto newest = find_newest(kObject, backups_, problems, {});
  ASSERT_TRUE(newest) << newest.error().message();
  ASSERT_TRUE(*newest);
  EXPECT_EQ((**newest).backup, "b03");
  EXPECT_TRUE(problems.empty());
}

// ---- Two backups held against each other.

archive::ArchiveReader reader_of(const std::vector<Object>& objects) {
  const auto written = std::make_shared<archive::testing::WrittenArchive>(write_archive(objects));
  ViewSource source(written->index);
  auto index = archive::ArchiveIndex::parse(source);
  EXPECT_TRUE(index) << index.error().message();
  return archive::ArchiveReader::over(
      std::move(*index), "t.tar.gz",
      [written](ByteCount offset, ByteCount length) -> Result<Bytes> {
        return written->tarball.substr(offset, length);
      });
}

Object pod(std::string_view name, std::string_view owner) {
  return {{.group_resource = "pods", .ns = "shop", .name = name, .version = "v1"},
          fmt::format(
              R"({{"metadata":{{"name":"{}","ownerReferences":{}}}}})", name,
              owner.empty() ? "[]" : fmt::format(R"([{{"name":"{}","controller":true}}])", owner))};
}

std::vector<std::string> lines_of(const ObjectComparison& comparison) {
  std::vector<std::string> lines;
  for (const ObjectDifference& one : comparison.differences) {
    lines.push_back(fmt::format("{} {}", to_string(one.difference), one.object.text()));
    for (const restore::FieldChange& change : one.changes)
      lines.push_back(fmt::format("{}: {} -> {}", change.path, change.before, change.after));
  }
  return lines;
}

TEST(ObjectComparison, NamesWhatDiffersAndLeavesOutWhatControllersMake) {
  const Object secret_before{
      {.group_resource = "secrets", .ns = "shop", .name = "key", .version = "v1"},
      R"({"metadata":{"name":"key"},"data":{"k":"b2xk"}})"};
  Object secret_after = secret_before;
  secret_after.json = R"({"metadata":{"name":"key"},"data":{"k":"bmV3"}})";
  const auto before = reader_of({configmap("same", config("same", "a")),
                                 configmap("noise", config("noise", "a", 1)),
                                 configmap("gone", config("gone", "a")), secret_before,
                                 pod("web-1", "web"), pod("alone", "")});
  const auto after = reader_of(
      {configmap("same", config("same", "a")), configmap("noise", config("noise", "a", 2)),
       configmap("new", config("new", "a")), secret_after, pod("web-2", "web")});
  const auto found = compare_backups(before, after, {}, {});
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(lines_of(*found),
            (States{"removed configmaps/shop/gone", "added configmaps/shop/new",
                    "removed pods/shop/alone", "changed secrets/shop/key", "data.k: *** -> ***"}));
  EXPECT_EQ(found->same, 2U);
  EXPECT_EQ(found->left_out, 2U);
  const auto all = compare_backups(before, after, {.with_made_ones = true}, {});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->differences.size(), found->differences.size() + 2);
  const auto none = compare_backups(before, after, {.ns = "elsewhere"}, {});
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->differences.empty());
  const auto secrets = compare_backups(before, after, {.group_resource = "secrets"}, {});
  ASSERT_TRUE(secrets);
  EXPECT_EQ(secrets->differences.size(), 1U);
}

TEST(BackupsSince, AreTheLaterOnesAndTheLastBeforeOfEachSchedule) {
  const TimePoint at = *parse_rfc3339("2026-05-20T02:00:00Z");
  const std::vector<BackupTime> backups = {{"nightly", at - hours(48)},
                                           {"nightly", at - hours(24)},
                                           {"weekly", at - hours(100)},
                                           {"", at - hours(1)},
                                           {"nightly", at + hours(24)}};
  EXPECT_EQ(backups_since(backups, at), (std::vector<std::size_t>{4, 3, 1, 2}));
  EXPECT_TRUE(backups_since({}, at).empty());
}

// Times have seconds, and a script makes two backups in one.
TEST(BackupsSince, OfOneSecondTheLaterInTheListComesFirst) {
  const TimePoint at = *parse_rfc3339("2026-05-20T02:00:00Z");
  const BackupTime late{"", at + hours(1)};
  EXPECT_EQ(backups_since(std::vector{late, late, late}, at), (std::vector<std::size_t>{2, 1, 0}));
  const BackupTime early{"nightly", at - hours(1)};
  EXPECT_EQ(backups_since(std::vector{early, early}, at), (std::vector<std::size_t>{1}));
}

// ---- Which backups take an object.

kube::ResourceType type_of(std::string group, std::string resource, bool namespaced) {
  return {.gvr = {std::move(group), "v1", std::move(resource)},
          .kind = "K",
          .namespaced = namespaced,
          .verbs = {"list", "create", "get", "delete"},
          .preferred = true};
}

ScopeVerdict asked(const model::BackupSpec& spec,
                   const ObjectName& object,
                   const kube::Labels& labels = {}) {
  const kube::Discovery discovery({{.name = "", .versions = {"v1"}}},
                                  {type_of("", "configmaps", true), type_of("", "secrets", true),
                                   type_of("", "persistentvolumes", false)},
                                  {});
  const auto plan = backup::plan_backup(
      spec, discovery, {{.name = "shop", .labels = {}}, {.name = "other", .labels = {}}});
  return verdict_on(plan, *discovery.find(object.group_resource), object, &labels);
}

TEST(BackupScope, SaysWhyAnObjectIsNotTaken) {
  model::BackupSpec spec;
  EXPECT_TRUE(asked(spec, kObject).taken);
  EXPECT_EQ(asked(spec, kObject, {{"velero.io/exclude-from-backup", "true"}}).reason,
            "it has the label velero.io/exclude-from-backup=true");
  spec.included_namespaces = {"other"};
  EXPECT_EQ(asked(spec, kObject).reason, "namespace shop is not included");
  EXPECT_FALSE(asked(spec, kObject).may_come_along);
  spec.included_namespaces = {"shop"};
  spec.label_selector = model::LabelSelector{.match_labels = {{"app", "web"}}};
  EXPECT_EQ(asked(spec, kObject).reason, "its labels do not match app=web");
  EXPECT_TRUE(asked(spec, kObject, {{"app", "web"}}).taken);
  spec.excluded_resources = {"configmaps"};
  EXPECT_FALSE(asked(spec, kObject, {{"app", "web"}}).taken);
  EXPECT_FALSE(asked(spec, kObject, {{"app", "web"}}).reason.empty());
  const auto volume = asked(spec, {.group_resource = "persistentvolumes", .name = "pv-1"});
  EXPECT_FALSE(volume.taken);
  EXPECT_TRUE(volume.may_come_along) << "a claim leads to it";
}

}  // namespace
}  // namespace lateen::assurance
