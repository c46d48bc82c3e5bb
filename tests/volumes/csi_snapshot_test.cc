#include "volumes/csi_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/yaml.h"
#include "kube/object.h"
#include "kube/testing/fake_api.h"

namespace lateen::volumes {
namespace {

using ::testing::ElementsAre;

Json yaml(std::string_view text) {
  auto parsed = parse_yaml(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? std::move(*parsed) : Json();
}

std::string body(std::string_view text) {
  return write_json(yaml(text));
}

constexpr const char* kSnapshots =
    "/apis/snapshot.storage.k8s.io/v1/namespaces/shop/volumesnapshots";
constexpr const char* kContents = "/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents";

std::string on(const char* method, const char* collection, const char* name = nullptr) {
  return name == nullptr ? fmt::format("{} {}", method, collection)
                         : fmt::format("{} {}/{}", method, collection, name);
}

// "METHOD path" of everything that was asked, reads left out.
std::vector<std::string> changes(const kube::FakeApi& api) {
  std::vector<std::string> made;
  for (const auto& request : api.asked()) {
    if (request.method == "GET") continue;
    made.push_back(fmt::format("{} {}{}", request.method,
                               request.path.substr(request.path.rfind('/') + 1),
                               request.method == "PATCH" ? " " + request.body : ""));
  }
  return made;
}

class CsiSnapshotTest : public ::testing::Test {
 protected:
  Result<CsiSnapshot> take(Duration timeout = std::chrono::seconds(60)) {
    const SnapshotRequest request{
        .claim = yaml("{metadata: {name: data, namespace: shop, labels: {app: db}}}"),
        .snapshot_class = "fast",
        .backup_name = "b1",
        .backup_uid = "u1",
        .timeout = timeout};
    return take_snapshot(*client_, request, Log(), {});
  }

  kube::FakeApi api_;
  std::unique_ptr<kube::Client> client_ = api_.client();
};

constexpr const char* kBound =
    "{metadata: {name: velero-data-x, namespace: shop}, status: {boundVolumeSnapshotContentName: "
    "c1}}";

TEST_F(CsiSnapshotTest, IsTakenOfTheClaimAndWaitedForUntilItHasAHandle) {
  api_.answer(on("POST", kSnapshots), 201, body(kBound));
  api_.answer(on("GET", kSnapshots, "velero-data-x"), 200,
              body("{metadata: {name: velero-data-x, namespace: shop}}"));
  api_.answer(on("GET", kSnapshots, "velero-data-x"), 200, body(kBound));
  api_.answer(on("GET", kContents, "c1"), 200, body("{metadata: {name: c1}}"));
  api_.answer(on("GET", kContents, "c1"), 200,
              body("{metadata: {name: c1}, status: {snapshotHandle: h1}}"));
  const auto taken = take();
  ASSERT_TRUE(taken) << taken.error().message();
  EXPECT_EQ(string_at(taken->content, "status.snapshotHandle"), "h1");
  const Json made = parse_json(api_.asked()[0].body).value();
  EXPECT_EQ(string_at(made, "metadata.generateName"), "velero-data-");
  EXPECT_EQ(kube::label_of(made, "app"), "db");
  EXPECT_EQ(kube::label_of(made, "velero.io/backup-name"), "b1");
  EXPECT_EQ(string_at(made, "spec.source.persistentVolumeClaimName"), "data");
  EXPECT_EQ(string_at(made, "spec.volumeSnapshotClassName"), "fast");
}

TEST_F(CsiSnapshotTest, ThatComesTooLateIsRemovedAgainAndSaysWhatTheDriverSaid) {
  api_.answer(on("POST", kSnapshots), 201, body(kBound));
  api_.answer(on("GET", kSnapshots, "velero-data-x"), 200, body(kBound));
  api_.answer(on("GET", kContents, "c1"), 200,
              body("{metadata: {name: c1}, status: {error: {message: quota is full}}}"));
  api_.answer(on("PATCH", kContents, "c1"), 200, body("{metadata: {name: c1}}"));
  api_.answer(on("DELETE", kSnapshots, "velero-data-x"), 200, body("{kind: Status}"));
  const auto taken = take(std::chrono::milliseconds(1));
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().message(),
            "VolumeSnapshot shop/velero-data-x got no snapshot handle in time: quota is full");
  EXPECT_THAT(changes(api_), ElementsAre("POST volumesnapshots",
                                         R"(PATCH c1 {"spec":{"deletionPolicy":"Delete"}})",
                                         "DELETE velero-data-x"));
}

// The storage's snapshot must survive: Retain before anything is deleted, the content first.
TEST_F(CsiSnapshotTest, IsReleasedWithoutLosingTheData) {
  api_.answer(on("GET", kSnapshots, "velero-data-x"), 200, body(kBound));
  api_.answer(on("PATCH", kContents, "c1"), 200, body("{metadata: {name: c1}}"));
  api_.answer(on("DELETE", kContents, "c1"), 200, body("{kind: Status}"));
  api_.answer(on("DELETE", kSnapshots, "velero-data-x"), 200, body("{kind: Status}"));
  ASSERT_TRUE(release_snapshot(*client_, "shop", "velero-data-x", {}));
  EXPECT_THAT(changes(api_), ElementsAre(R"(PATCH c1 {"spec":{"deletionPolicy":"Retain"}})",
                                         "DELETE c1", "DELETE velero-data-x"));
}

TEST_F(CsiSnapshotTest, NothingIsDeletedWhenRetainCannotBeSet) {
  api_.answer(on("GET", kSnapshots, "velero-data-x"), 200, body(kBound));
  api_.answer(on("PATCH", kContents, "c1"), 403, kube::status_body(403, "Forbidden", "no"));
  EXPECT_FALSE(release_snapshot(*client_, "shop", "velero-data-x", {}));
  EXPECT_EQ(api_.count(on("DELETE", kSnapshots, "velero-data-x")), 0U);
  EXPECT_EQ(api_.count(on("DELETE", kContents, "c1")), 0U);
}

TEST_F(CsiSnapshotTest, OneThatIsGoneIsReleased) {
  api_.answer(on("GET", kSnapshots, "velero-data-x"), 404,
              kube::status_body(404, "NotFound", "gone"));
  EXPECT_TRUE(release_snapshot(*client_, "shop", "velero-data-x", {}));
}

TEST_F(CsiSnapshotTest, AStoredOneIsDeletedByAContentThatTheDriverSees) {
  api_.answer(on("POST", kContents), 201, body("{metadata: {name: vsc-1}}"));
  api_.answer(on("GET", kContents, "vsc-1"), 200,
              body("{metadata: {name: vsc-1, finalizers: [f]}}"));
  api_.answer(on("DELETE", kContents, "vsc-1"), 200, body("{kind: Status}"));
  const Json stored = yaml(R"(
metadata:
  name: c1
  labels: {velero.io/backup-name: b1}
  annotations:
    snapshot.storage.kubernetes.io/deletion-secret-name: creds
    snapshot.storage.kubernetes.io/deletion-secret-namespace: csi
    snapshot.storage.kubernetes.io/volumesnapshot-being-deleted: "yes"
spec: {driver: d, volumeSnapshotClassName: fast}
status: {snapshotHandle: h1}
)");
  ASSERT_TRUE(delete_stored_snapshot(*client_, stored, "vsc-1", {}));
  EXPECT_EQ(parse_json(api_.asked()[0].body).value(), yaml(R"(
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshotContent
metadata:
  name: vsc-1
  annotations:
    snapshot.storage.kubernetes.io/deletion-secret-name: creds
    snapshot.storage.kubernetes.io/deletion-secret-namespace: csi
spec:
  deletionPolicy: Delete
  driver: d
  source: {snapshotHandle: h1}
  volumeSnapshotRef: {kind: VolumeSnapshot, namespace: ns-vsc-1, name: name-vsc-1}
)"));
  EXPECT_THAT(changes(api_), ElementsAre("POST volumesnapshotcontents", "DELETE vsc-1"));
}

TEST_F(CsiSnapshotTest, OneThatNeverGotAHandleNeedsNoDeleting) {
  EXPECT_TRUE(delete_stored_snapshot(*client_, yaml("{spec: {driver: d}}"), "vsc-1", {}));
  EXPECT_TRUE(api_.asked().empty());
}

TEST(Readiness, AnErrorOfAReadyContentIsOld) {
  EXPECT_TRUE(readiness_of(yaml("{status: {readyToUse: true, error: {message: m}}}")).ready);
  EXPECT_EQ(readiness_of(yaml("{status: {readyToUse: true, error: {message: m}}}")).error, "");
  EXPECT_EQ(readiness_of(yaml("{status: {error: {message: m}}}")).error, "m");
}

}  // namespace
}  // namespace lateen::volumes
