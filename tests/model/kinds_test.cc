#include <gtest/gtest.h>

#include "base/time.h"
#include "model/backup.h"
#include "model/backup_repository.h"
#include "model/data_movement.h"
#include "model/fixture.h"
#include "model/locations.h"
#include "model/pod_volumes.h"
#include "model/requests.h"
#include "model/restore.h"
#include "model/schedule.h"

namespace lateen::model {
namespace {

// Objects made by kubectl lack what Go always writes; `json` is `original` with only such empty
// values added, and durations in Go's spelling.
void expect_only_gos_zero_values_added(const Json& original,
                                       const Json& json,
                                       const std::string& path) {
  if (original.is_array()) {
    ASSERT_TRUE(json.is_array()) << path;
    ASSERT_EQ(json.get_array().size(), original.get_array().size()) << path;
    for (std::size_t i = 0; i < json.get_array().size(); ++i) {
      expect_only_gos_zero_values_added(original.get_array()[i], json.get_array()[i],
                                        path + "[" + std::to_string(i) + "]");
    }
    return;
  }
  if (!original.is_object()) {
    const bool respelt = as_text(&original) == "87600h" && as_text(&json) == "87600h0m0s";
    if (respelt) return;
    EXPECT_EQ(json, original) << path;
    return;
  }
  for (const auto& [key, value] : original.get_object()) {
    const Json* written = json.get_object().if_contains(key);
    ASSERT_NE(written, nullptr) << path << "." << key << " is lost";
    expect_only_gos_zero_values_added(value, *written, path + "." + std::string(key));
  }
  for (const auto& [key, value] : json.get_object()) {
    if (original.get_object().contains(key)) continue;
    EXPECT_TRUE(value.is_null() || as_text(&value) == "0s" || value == Json(JsonObject()))
        << path << "." << key;
  }
}

template <typename T>
void expect_round_trip(const Json& json) {
  const Result<T> object = from_json<T>(json);
  ASSERT_TRUE(object) << object.error().message();
  EXPECT_TRUE(object->unknown.empty());
  EXPECT_TRUE(object->spec.unknown.empty()) << write_json(Json(object->spec.unknown));
  EXPECT_TRUE(object->status.unknown.empty()) << write_json(Json(object->status.unknown));
  EXPECT_TRUE(object->metadata.unknown.empty());
  expect_only_gos_zero_values_added(json, to_json(*object), object->metadata.name);
}

TEST(Kinds, SurviveARoundTripOfEveryObjectOfARealCluster) {
  const Json list = parse(read_fixture(velero_bucket() / "velero-crs.json"));
  int objects = 0;
  for (const Json& item : *array_at(list, "items")) {
    const std::string_view kind = string_at(item, "kind");
    if (kind == "Backup") expect_round_trip<Backup>(item);
    if (kind == "Restore") expect_round_trip<Restore>(item);
    if (kind == "Schedule") expect_round_trip<Schedule>(item);
    if (kind == "PodVolumeBackup") expect_round_trip<PodVolumeBackup>(item);
    if (kind == "PodVolumeRestore") expect_round_trip<PodVolumeRestore>(item);
    if (kind == "BackupRepository") expect_round_trip<BackupRepository>(item);
    if (kind == "BackupStorageLocation") expect_round_trip<BackupStorageLocation>(item);
    ++objects;
  }
  EXPECT_EQ(objects, 32);
}

// What `velero backup create` sends for an empty Backup (velero-api.md §0).
TEST(Kinds, AreWrittenWithTheFieldsThatGoAlwaysWrites) {
  const Backup backup = {.metadata = {.name = "b", .ns = "velero"}};
  EXPECT_EQ(
      write_json_unsorted(to_json(backup)),
      R"({"kind":"Backup","apiVersion":"velero.io/v1","metadata":{"name":"b","namespace":"velero",)"
      R"("creationTimestamp":null},"spec":{"metadata":{},"ttl":"0s","hooks":{},"csiSnapshotTimeout":"0s",)"
      R"("itemOperationTimeout":"0s"},"status":{}})");
  EXPECT_EQ(write_json(*find(to_json(DataUpload()), "status")), R"({"progress":{}})");
  EXPECT_EQ(string_at(to_json(DataUpload()), "apiVersion"), "velero.io/v2alpha1");
}

TEST(Kinds, KeepWhatTheyDoNotKnowWhereItWas) {
  const Json json = parse(R"({"kind":"Backup","apiVersion":"velero.io/v1","later":1,
    "metadata":{"name":"b","zone":"x"},
    "spec":{"ttl":"1h0m0s","novel":{"a":[1]},"hooks":{"resources":[{"name":"h","pre":[{"exec":{"command":["x"],"user":0}}]}]}},
    "status":{"phase":"Hibernating","mood":"calm"}})");
  Result<Backup> backup = from_json<Backup>(json);
  ASSERT_TRUE(backup) << backup.error().message();
  EXPECT_EQ(backup->status.phase, BackupPhase::Unknown);
  backup->spec.storage_location = "s";
  const Json written = to_json(*backup);
  EXPECT_EQ(int_at(written, "later"), 1);
  EXPECT_EQ(string_at(written, "metadata.zone"), "x");
  EXPECT_NE(find(written, "spec.novel.a"), nullptr);
  EXPECT_EQ(string_at(written, "status.phase"), "Hibernating");
  EXPECT_EQ(string_at(written, "status.mood"), "calm");
  const Json& hook = array_at(written, "spec.hooks.resources")->at(0);
  EXPECT_EQ(int_at(array_at(hook, "pre")->at(0), "exec.user"), 0);
}

TEST(Kinds, KeepTheThreeStatesOfOptionalBooleans) {
  const auto snapshot_volumes = [](std::string_view spec) {
    return from_json<BackupSpec>(parse(spec))->snapshot_volumes;
  };
  EXPECT_EQ(snapshot_volumes("{}"), std::nullopt);
  EXPECT_EQ(snapshot_volumes(R"({"snapshotVolumes":null})"), std::nullopt);
  EXPECT_EQ(snapshot_volumes(R"({"snapshotVolumes":false})"), false);
  EXPECT_EQ(snapshot_volumes(R"({"snapshotVolumes":true})"), true);
  EXPECT_EQ(to_json(BackupSpec{.snapshot_volumes = false}).get_object().at("snapshotVolumes"),
            Json(false));
}

TEST(Kinds, SayWhichFieldCannotBeRead) {
  const auto message = [](std::string_view text) {
    return from_json<Backup>(parse(text)).error().message();
  };
  EXPECT_EQ(message(R"({"spec":{"ttl":5}})"),
            "spec.ttl: expected a duration such as \"1h30m\", got a number");
  EXPECT_EQ(message(R"({"spec":{"hooks":{"resources":[{"name":1}]}}})"),
            "spec.hooks.resources[0].name: expected a string, got a number");
  EXPECT_EQ(message(R"({"kind":"Restore"})"), "expected kind Backup, got kind Restore");
  EXPECT_EQ(message("[]"), "expected an object, got a list");
}

TEST(Kinds, WriteDurationsAsGoDoes) {
  const Result<BackupSpec> spec =
      from_json<BackupSpec>(parse(R"({"ttl":"720h","csiSnapshotTimeout":"90m"})"));
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->ttl, std::chrono::hours(720));
  EXPECT_EQ(string_at(to_json(*spec), "ttl"), "720h0m0s");
  EXPECT_EQ(string_at(to_json(*spec), "csiSnapshotTimeout"), "1h30m0s");
}

TEST(Schedule, NamesItsBackupsByTheTime) {
  const TimePoint noon = *parse_rfc3339("2026-05-20T02:00:11Z");
  EXPECT_EQ(scheduled_backup_name("nightly-cluster-backup", noon),
            "nightly-cluster-backup-20260520020011");
}

TEST(LabelSelector, PrintsAsKubectlDoes) {
  const Result<LabelSelector> selector = from_json<LabelSelector>(parse(
      R"({"matchLabels":{"tier":"web","app":"shop"},"matchExpressions":[{"key":"env","operator":"In","values":["b","a"]},
          {"key":"old","operator":"DoesNotExist"},{"key":"x","operator":"Exists"},{"key":"z","operator":"NotIn","values":["q"]}]})"));
  ASSERT_TRUE(selector);
  EXPECT_EQ(selector->format(), "app=shop,env in (a,b),!old,tier=web,x,z notin (q)");
  EXPECT_EQ(LabelSelector().format(), "<none>");
}

TEST(LabelSelector, MatchesOnlyWhatMeetsEveryRequirement) {
  const LabelSelector selector = {
      .match_labels = {{"app", "web"}},
      .match_expressions = {{.key = "env", .op = "NotIn", .values = {"dev"}},
                            {.key = "old", .op = "DoesNotExist"}}};
  EXPECT_TRUE(selector.matches({{"app", "web"}}));
  EXPECT_TRUE(selector.matches({{"app", "web"}, {"env", "prod"}}));
  EXPECT_FALSE(selector.matches({{"app", "web"}, {"env", "dev"}}));
  EXPECT_FALSE(selector.matches({{"app", "web"}, {"old", ""}}));
  EXPECT_FALSE(selector.matches({}));
}

TEST(LabelSelector, RefusesAnUnknownOperator) {
  const LabelSelector selector = {
      .match_expressions = {{.key = "a", .op = "Like", .values = {"x"}}}};
  EXPECT_FALSE(selector.validate());
  EXPECT_FALSE(selector.matches({{"a", "x"}}));
}

}  // namespace
}  // namespace lateen::model
