// managedFields as real API servers write them: the shapes here are those of Kubernetes 1.32 for
// the same objects.
#include <gtest/gtest.h>

#include "sandbox/fields/field_walk.h"
#include "sandbox/fields/managed_fields.h"

namespace lateen::sandbox {
namespace {

Json from(std::string_view text) {
  auto parsed = parse_json(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? std::move(*parsed) : Json();
}

FieldSchema pod_schema() {
  return FieldSchema::of_type(schema::TypeTable::builtin().find("", "v1", "Pod"));
}

FieldSchema config_map_schema() {
  return FieldSchema::of_type(schema::TypeTable::builtin().find("", "v1", "ConfigMap"));
}

TEST(FieldSet, ReadsAndWritesFieldsV1) {
  const std::string text = R"({"f:data":{".":{},"f:a":{}},"f:metadata":{"f:labels":{"f:app":{}}}})";
  EXPECT_EQ(write_json(FieldSet::from_json(from(text)).to_json()), text);
}

TEST(FieldSet, WithoutKeepsWhatOthersDoNotHave) {
  const FieldSet all = FieldSet::from_json(from(R"({"f:a":{},"f:b":{".":{},"f:c":{}}})"));
  const FieldSet some = FieldSet::from_json(from(R"({"f:a":{},"f:b":{"f:c":{}}})"));
  EXPECT_EQ(write_json(all.without(some).to_json()), R"({"f:b":{}})");
  EXPECT_EQ(write_json(all.intersected(some).to_json()), write_json(some.to_json()));
}

TEST(FieldSet, SaysPathsAsConflictsDo) {
  const FieldSet set = FieldSet::from_json(
      from(R"({"f:spec":{"f:containers":{"k:{\"name\":\"db\"}":{"f:image":{}}}}})"));
  EXPECT_EQ(to_string(set.paths().at(0)), R"(.spec.containers[name="db"].image)");
}

TEST(ManagedFields, ACreateOwnsWhatItSaid) {
  Json object = from(
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"n","uid":"u",
    "labels":{"app":"x"}},"data":{"a":"1"}})");
  record_update(nullptr, object, {.manager = "kubectl-create", .api_version = "v1"},
                config_map_schema(), "2026-11-22T10:00:00Z");
  EXPECT_EQ(
      write_json(*find(object, "metadata.managedFields")),
      R"([{"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{".":{},"f:a":{}},)"
      R"("f:metadata":{"f:labels":{".":{},"f:app":{}}}},"manager":"kubectl-create","operation":"Update",)"
      R"("time":"2026-11-22T10:00:00Z"}])");
}

TEST(ManagedFields, KeyedListsAreOwnedItemByItem) {
  Json pod = from(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[
    {"name":"db","image":"pg","ports":[{"containerPort":5432,"protocol":"TCP"}]}]}})");
  record_update(nullptr, pod, {.manager = "m", .api_version = "v1"}, pod_schema(), "t");
  const Json* fields = find(array_at(pod, "metadata.managedFields")->at(0), "fieldsV1");
  EXPECT_EQ(
      write_json(*fields),
      R"({"f:spec":{"f:containers":{"k:{\"name\":\"db\"}":{".":{},"f:image":{},"f:name":{},"f:ports":{".":{},)"
      R"("k:{\"containerPort\":5432,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:protocol":{}}}}}}})");
}

TEST(ManagedFields, AChangeMovesAFieldToWhoMadeIt) {
  Json before = from(R"({"metadata":{"name":"c"},"data":{"a":"1","b":"1"}})");
  record_update(nullptr, before, {.manager = "one", .api_version = "v1"}, config_map_schema(),
                "t1");
  Json after = before;
  ensure(after, "data.b") = "2";
  record_update(&before, after, {.manager = "two", .api_version = "v1"}, config_map_schema(), "t2");
  const auto entries = parse_managed_fields(after);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(write_json(entries[0].fields.to_json()), R"({"f:data":{".":{},"f:a":{}}})");
  EXPECT_EQ(write_json(entries[1].fields.to_json()), R"({"f:data":{"f:b":{}}})");
  EXPECT_EQ(entries[0].time, "t1");
}

TEST(ManagedFields, WhatAClientBringsIsKept) {
  // Velero copies managedFields from the backup with a merge patch of only that.
  Json before = from(R"({"metadata":{"name":"c"},"data":{"a":"1"}})");
  record_update(nullptr, before, {.manager = "velero", .api_version = "v1"}, config_map_schema(),
                "t1");
  Json after = before;
  ensure(after, "metadata.managedFields") = from(
      R"([{"manager":"kubectl","operation":"Update","apiVersion":"v1","time":"t0","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:a":{}}}}])");
  record_update(&before, after, {.manager = "velero", .api_version = "v1"}, config_map_schema(),
                "t2");
  const auto entries = parse_managed_fields(after);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].manager, "kubectl");
  EXPECT_EQ(entries[0].time, "t0");
}

TEST(Apply, MergesKeyedListsAndTakesBackWhatIsNoLongerSaid) {
  const FieldWriter writer{.manager = "m", .api_version = "v1"};
  const Json live =
      from(R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"other","image":"x"}]}})");
  Applied first = apply_config(
      live,
      from(
          R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"db","image":"pg","workingDir":"/"}]}})"),
      writer, false, pod_schema(), "t");
  EXPECT_TRUE(first.conflicts.empty());
  EXPECT_EQ(write_json(*find(first.object, "spec.containers")),
            R"([{"image":"x","name":"other"},{"image":"pg","name":"db","workingDir":"/"}])");
  const Applied second = apply_config(
      first.object,
      from(R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"db","image":"pg"}]}})"),
      writer, false, pod_schema(), "t");
  EXPECT_EQ(write_json(*find(second.object, "spec.containers")),
            R"([{"image":"x","name":"other"},{"image":"pg","name":"db"}])");
}

// What kubectl does after its first server-side apply: the old entry becomes its own, and it
// applies once more.
TEST(Apply, KeepsAMapThatItsManagerOwnedWholeBefore) {
  const FieldWriter writer{.manager = "kubectl", .api_version = "v1"};
  const Json live =
      from(R"({"metadata":{"name":"c","managedFields":[{"manager":"kubectl","operation":"Apply",
    "apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{".":{},"f:a":{},"f:b":{}}}}]},
    "data":{"a":"1","b":"2"}})");
  const Applied applied = apply_config(live, from(R"({"metadata":{"name":"c"},"data":{"a":"1"}})"),
                                       writer, false, config_map_schema(), "t");
  EXPECT_EQ(write_json(*find(applied.object, "data")), R"({"a":"1"})");
}

}  // namespace
}  // namespace lateen::sandbox
