#include "kube/object.h"

#include "kube/testing/fixture.h"

namespace lateen::kube {
namespace {

const char* const kPod =
    R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"db","namespace":"shop",
  "uid":"u1","resourceVersion":"7","generation":3,"creationTimestamp":"2026-05-20T02:00:01Z",
  "labels":{"app.kubernetes.io/name":"db","empty":""},"annotations":{"a":"1"},"finalizers":["f1","f2"],
  "ownerReferences":[{"apiVersion":"apps/v1","kind":"StatefulSet","name":"db","uid":"s1","controller":true,
  "blockOwnerDeletion":true}]},"status":{"conditions":[{"type":"Ready","status":"True"},{"type":"X","status":"False"}]}})";

TEST(Object, TellsWhatItIs) {
  const Json pod = json(kPod);
  EXPECT_EQ(object_key(pod), "shop/db");
  EXPECT_EQ(uid_of(pod), "u1");
  EXPECT_EQ(resource_version_of(pod), "7");
  EXPECT_EQ(generation_of(pod), 3);
  EXPECT_TRUE(creation_time_of(pod));
  EXPECT_FALSE(is_being_deleted(pod));
  EXPECT_EQ(label_of(pod, "app.kubernetes.io/name"), "db");
  EXPECT_TRUE(has_label(pod, "empty"));
  EXPECT_FALSE(has_label(pod, "absent"));
  EXPECT_TRUE(is_condition_true(pod, "Ready"));
  EXPECT_FALSE(is_condition_true(pod, "X"));
  EXPECT_EQ(find_condition(pod, "Y"), nullptr);
  EXPECT_EQ(controller_of(pod)->name, "db");
}

TEST(Object, ReadsNothingFromAnEmptyTree) {
  const Json nothing;
  EXPECT_EQ(object_key(nothing), "");
  EXPECT_EQ(labels_of(nothing), nullptr);
  EXPECT_TRUE(owner_references_of(nothing).empty());
  EXPECT_FALSE(creation_time_of(nothing));
}

TEST(Object, TakesAndLosesLabelsAndFinalizers) {
  Json pod = json(kPod);
  set_annotation(pod, "velero.io/x", "y");
  EXPECT_EQ(annotation_of(pod, "velero.io/x"), "y");
  EXPECT_TRUE(remove_annotation(pod, "a"));
  EXPECT_TRUE(remove_annotation(pod, "velero.io/x"));
  EXPECT_EQ(annotations_of(pod), nullptr);
  EXPECT_FALSE(remove_annotation(pod, "a"));
  EXPECT_FALSE(add_finalizer(pod, "f1"));
  EXPECT_TRUE(remove_finalizer(pod, "f1"));
  EXPECT_TRUE(remove_finalizer(pod, "f2"));
  EXPECT_EQ(find(pod, "metadata.finalizers"), nullptr);
  EXPECT_TRUE(add_finalizer(pod, "f3"));
  EXPECT_TRUE(has_finalizer(pod, "f3"));
}

TEST(Object, IsOwnedOnceByEachOwner) {
  Json config = json(R"({"metadata":{"name":"c"}})");
  const Json pod = json(kPod);
  add_owner_reference(config, owner_reference_to(pod, false));
  add_owner_reference(config, owner_reference_to(pod, true));
  ASSERT_EQ(owner_references_of(config).size(), 1U);
  EXPECT_EQ(owner_references_of(config).front(), owner_reference_to(pod, true));
}

TEST(ObjectKey, GoesBothWays) {
  EXPECT_EQ(parse_object_key("shop/db"), (NamespacedName{.ns = "shop", .name = "db"}));
  EXPECT_EQ(parse_object_key("node-1"), (NamespacedName{.ns = "", .name = "node-1"}));
  EXPECT_EQ(object_key("", "node-1"), "node-1");
}

}  // namespace
}  // namespace lateen::kube
