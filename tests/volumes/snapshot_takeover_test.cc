#include "volumes/snapshot_takeover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/yaml.h"
#include "kube/object.h"
#include "kube/testing/fake_api.h"

namespace lateen::volumes {
namespace {

using ::testing::ElementsAre;

const std::string kOld =
    "/apis/snapshot.storage.k8s.io/v1/namespaces/shop/volumesnapshots/velero-data-x";
const std::string kOldContent = "/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents/c1";
const std::string kNew =
    "/apis/snapshot.storage.k8s.io/v1/namespaces/velero/volumesnapshots/nightly-x";
const std::string kNewContent = "/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents/nightly-x";

std::string json(std::string_view text) {
  return write_json(parse_yaml(text).value());
}

class SnapshotTakeoverTest : public ::testing::Test {
 protected:
  Result<TakenSnapshot> take_over() {
    return take_over_snapshot(
        *client_,
        {.source_ns = "shop", .source_name = "velero-data-x", .ns = "velero", .name = "nightly-x"},
        {});
  }

  // "METHOD name" of all that changed something.
  std::vector<std::string> changes() const {
    std::vector<std::string> made;
    for (const auto& request : api_.asked()) {
      if (request.method == "GET") continue;
      made.push_back(
          fmt::format("{} {}", request.method, request.path.substr(request.path.rfind('/') + 1)));
    }
    return made;
  }

  kube::FakeApi api_;
  std::unique_ptr<kube::Client> client_ = api_.client();
};

TEST_F(SnapshotTakeoverTest, TheOldOneGoesWhenTheNewOneIsThereAndItsDataStay) {
  api_.answer("GET " + kOld, 200,
              json("{metadata: {name: velero-data-x, namespace: shop}, spec: "
                   "{volumeSnapshotClassName: fast}, status: {readyToUse: true, "
                   "boundVolumeSnapshotContentName: c1}}"));
  api_.answer("GET " + kOldContent, 200,
              json("{metadata: {name: c1}, spec: {driver: d, deletionPolicy: Delete, "
                   "sourceVolumeMode: Block}, status: {snapshotHandle: h1, restoreSize: 4096}}"));
  api_.answer("POST /apis/snapshot.storage.k8s.io/v1/namespaces/velero/volumesnapshots", 201, "{}");
  api_.answer("POST /apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents", 201, "{}");
  api_.answer("PATCH " + kOldContent, 200, "{}");
  api_.answer("DELETE " + kOldContent, 200, "{}");
  api_.answer("DELETE " + kOld, 200, "{}");
  api_.answer("GET " + kNew, 200,
              json("{metadata: {name: nightly-x, annotations: "
                   "{velero.io/csi-volumesnapshot-restore-size: '4096'}}, status: {readyToUse: "
                   "true}}"));
  const auto taken = take_over();
  ASSERT_TRUE(taken) << taken.error().message();
  EXPECT_TRUE(taken->ready);
  EXPECT_EQ(taken->restore_size, 4096);
  EXPECT_THAT(changes(), ElementsAre("POST volumesnapshots", "POST volumesnapshotcontents",
                                     "PATCH c1", "DELETE c1", "DELETE velero-data-x"));
  for (const auto& request : api_.asked()) {
    if (request.method == "PATCH") {
      EXPECT_EQ(request.body, R"({"spec":{"deletionPolicy":"Retain"}})");
    }
    if (request.method != "POST" || !request.path.ends_with("contents")) continue;
    const Json content = parse_json(request.body).value();
    EXPECT_EQ(string_at(content, "spec.source.snapshotHandle"), "h1");
    EXPECT_EQ(string_at(content, "spec.deletionPolicy"), "Delete");
    EXPECT_EQ(string_at(content, "spec.sourceVolumeMode"), "Block");
  }
}

TEST_F(SnapshotTakeoverTest, ASnapshotThatIsNotReadyStaysWhereItIs) {
  api_.answer("GET " + kOld, 200,
              json("{metadata: {name: velero-data-x, namespace: shop}, status: {readyToUse: false, "
                   "error: {message: throttled}}}"));
  const auto taken = take_over();
  ASSERT_TRUE(taken) << taken.error().message();
  EXPECT_FALSE(taken->ready);
  EXPECT_EQ(taken->complaint, "throttled");
  EXPECT_THAT(changes(), ElementsAre());
}

// Killed between the two: the old objects go, and nothing is made twice.
TEST_F(SnapshotTakeoverTest, AnInterruptedOneIsTakenUp) {
  api_.answer("GET " + kNewContent, 200, json("{metadata: {name: nightly-x}}"));
  api_.answer("GET " + kNew, 200,
              json("{metadata: {name: nightly-x}, status: {readyToUse: true, restoreSize: 1Gi}}"));
  const auto taken = take_over();
  ASSERT_TRUE(taken) << taken.error().message();
  EXPECT_TRUE(taken->ready);
  EXPECT_EQ(taken->restore_size, 1 << 30);
  EXPECT_THAT(changes(), ElementsAre());
}

TEST_F(SnapshotTakeoverTest, ASnapshotThatIsNowhereIsAnError) {
  const auto taken = take_over();
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().message(),
            "VolumeSnapshot shop/velero-data-x is gone: its data cannot be moved");
}

}  // namespace
}  // namespace lateen::volumes
