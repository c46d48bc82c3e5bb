// What a backup leaves in the bucket, read with the tools that everybody has.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

constexpr const char* kShop = R"(
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: books}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: payments-config, namespace: shop, labels: {app: payments}}
data: {currency: EUR, note: "<tab>\tüber & after"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other, namespace: shop}
data: {a: b}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: shop}
stringData: {key: not-a-real-key}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: writer, namespace: shop}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: writer
      image: busybox
      command: [/bin/sh, -c, "echo kept > /data/file; exec sleep 3600"]
      readinessProbe: {exec: {command: [test, -s, /data/file]}, periodSeconds: 1}
      volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: web, image: busybox, command: [sleep, "3600"]}]
)";

class BucketVoyage : public Voyage<BucketVoyage> {
 protected:
  static void SetUpTestSuite() {
    Voyage::SetUpTestSuite();
    start_server();
    harbour().apply(kShop);
    harbour().must_kubectl({"-n", "shop", "wait", "--for=condition=Ready", "pod", "--all"});
    back_up("shop", {"--include-namespaces", "shop", "--labels", "purpose=test"});
    restore("shop-again", {"--from-backup", "shop"});
  }

  static std::string tarball() { return (backup_dir("shop") / "shop.tar.gz").string(); }

  static std::vector<std::string> entries() {
    const Outcome listed = run_program({"tar", "tzf", tarball()});
    EXPECT_TRUE(listed.ok()) << listed.story();
    EXPECT_EQ(listed.err, "");
    return split_trimmed(listed.out, '\n');
  }

  static std::set<std::string> files(const FilePath& dir) {
    std::set<std::string> names;
    auto found = list_dir(dir);
    EXPECT_TRUE(found) << found.error().message();
    if (!found) return names;
    for (const DirEntry& entry : *found)
      names.insert(entry.name);
    return names;
  }

  static std::string jq(const FilePath& file, const std::string& filter) {
    const bool packed = file.extension() == ".gz";
    std::string input = text_of(file);
    if (packed) {
      const Outcome unpacked = run_program({"gzip", "-dc"}, {.input = input});
      EXPECT_TRUE(unpacked.ok()) << file << ": " << unpacked.err;
      input = unpacked.out;
    }
    const Outcome ran = run_program({"jq", "-cr", filter}, {.input = input});
    EXPECT_TRUE(ran.ok()) << file << ": " << ran.story();
    return std::string(trim(ran.out));
  }

  static std::string document(const std::string& name) { return "shop-" + name + ".json.gz"; }
};

TEST_F(BucketVoyage, HoldsExactlyTheFilesThatVeleroWritesAndOurs) {
  EXPECT_EQ(files(bucket()), (std::set<std::string>{"backups", "restores"}));
  EXPECT_EQ(files(backup_dir("shop")),
            (std::set<std::string>{
                "velero-backup.json", "shop.tar.gz", "shop-logs.gz", "shop-results.gz",
                document("resource-list"), document("volumesnapshots"),
                document("podvolumebackups"), document("itemoperations"), document("volumeinfo"),
                document("index"), document("coverage"), "shop-manifest.jsonl"}));
  EXPECT_EQ(files(bucket() / "restores/shop-again"),
            (std::set<std::string>{"restore-shop-again-logs.gz", "restore-shop-again-results.gz",
                                   "restore-shop-again-resource-list.json.gz",
                                   "restore-shop-again-itemoperations.json.gz",
                                   "shop-again-volumeinfo.json.gz"}));
}

TEST_F(BucketVoyage, GzipAndTarAndJqReadEverything) {
  for (const FilePath& dir : {backup_dir("shop"), bucket() / "restores/shop-again"}) {
    for (const std::string& name : files(dir)) {
      if (name.ends_with(".gz")) {
        const Outcome tested = run_program({"gzip", "-t", (dir / name).string()});
        EXPECT_TRUE(tested.ok()) << tested.story();
      }
      if (name.find(".json") != std::string::npos || name.ends_with("-results.gz"))
        jq(dir / name, "type");
    }
  }
  const FilePath unpacked = harbour().dir() / "unpacked";
  ASSERT_TRUE(make_dirs(unpacked));
  const Outcome ran = run_program({"tar", "xzf", tarball(), "-C", unpacked.string()});
  ASSERT_TRUE(ran.ok()) << ran.story();
  const Outcome read = run_program(
      {"find", unpacked.string(), "-name", "*.json", "-exec", "jq", "-e", ".kind", "{}", "+"});
  EXPECT_TRUE(read.ok()) << read.story();
  EXPECT_EQ(text_of(unpacked / "metadata/version"), "1.1.0\n");
}

TEST_F(BucketVoyage, TheTarballBeginsWithItsVersionAndHasEveryObjectTwice) {
  const std::vector<std::string> found = entries();
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.front(), "metadata/version");
  const std::set<std::string> all(found.begin(), found.end());
  EXPECT_EQ(all.size(), found.size()) << "an entry is there twice under one name";
  for (const char* entry : {
           "resources/namespaces/cluster/shop.json",
           "resources/namespaces/v1-preferredversion/cluster/shop.json",
           "resources/configmaps/namespaces/shop/payments-config.json",
           "resources/configmaps/v1-preferredversion/namespaces/shop/payments-config.json",
           "resources/secrets/namespaces/shop/key.json",
           "resources/deployments.apps/namespaces/shop/web.json",
           "resources/deployments.apps/v1-preferredversion/namespaces/shop/web.json",
           "resources/persistentvolumeclaims/namespaces/shop/data.json",
           "resources/pods/namespaces/shop/writer.json",
       }) {
    EXPECT_EQ(all.count(entry), 1U) << entry;
  }
  std::size_t single = 0;
  std::size_t preferred = 0;
  for (const std::string& entry : found) {
    EXPECT_NE(entry.back(), '/') << "an entry for a folder";
    if (entry == "metadata/version") continue;
    (entry.find("-preferredversion/") == std::string::npos ? single : preferred) += 1;
  }
  EXPECT_EQ(single, preferred);
  EXPECT_GT(single, 10U);
  EXPECT_EQ(std::to_string(single),
            jq(backup_dir("shop") / "velero-backup.json", ".status.progress.itemsBackedUp"));
}

TEST_F(BucketVoyage, TheObjectsInItAreWhatTheApiServerHas) {
  const Outcome cat = run_program(
      {"tar", "xzOf", tarball(), "resources/configmaps/namespaces/shop/payments-config.json"});
  ASSERT_TRUE(cat.ok()) << cat.story();
  const auto stored = parse_json(cat.out);
  ASSERT_TRUE(stored);
  // Raw: kubectl hides managedFields since 1.21, and before it has no flag to show them.
  const auto live = parse_json(harbour().must_kubectl(
      {"get", "--raw", "/api/v1/namespaces/shop/configmaps/payments-config"}));
  ASSERT_TRUE(live);
  EXPECT_EQ(write_json(*stored), write_json(*live));
  EXPECT_NE(cat.out.back(), '\n');
}

TEST_F(BucketVoyage, TheMetadataTellsTheWholeStory) {
  const FilePath metadata = backup_dir("shop") / "velero-backup.json";
  EXPECT_EQ(jq(metadata,
               "[.kind, .apiVersion, .metadata.name, .status.phase, .status.formatVersion,"
               " .status.version, .metadata.labels.purpose]"),
            R"(["Backup","velero.io/v1","shop","Completed","1.1.0",1,"test"])");
  EXPECT_EQ(jq(metadata, ".spec.includedNamespaces[0], .spec.storageLocation, .spec.ttl"),
            "shop\ndefault\n720h0m0s");
  EXPECT_EQ(jq(metadata,
               "[.status.csiVolumeSnapshotsAttempted, "
               ".status.csiVolumeSnapshotsCompleted]"),
            "[1,1]");
  EXPECT_EQ(jq(backup_dir("shop") / document("volumeinfo"),
               ".[] | [.pvcName, .pvcNamespace, .backupMethod, .result, .snapshotDataMoved]"),
            R"(["data","shop","CSISnapshot","succeeded",false])");
  EXPECT_EQ(jq(backup_dir("shop") / document("resource-list"), R"(.["v1/ConfigMap"])"),
            R"(["shop/kube-root-ca.crt","shop/other","shop/payments-config"])");
  EXPECT_EQ(jq(backup_dir("shop") / "shop-results.gz", "."), R"({"errors":{},"warnings":{}})");
}

TEST_F(BucketVoyage, DescribeSaysInVelerosWordsWhatIsThere) {
  const std::string told = harbour().must_lateen({"backup", "describe", "shop", "--details"});
  for (const char* line :
       {"Name:         shop\n", "Namespace:    velero\n", "Phase:  Completed\n",
        "  Included:  shop\n", "Storage Location:  default\n", "TTL:  720h0m0s\n",
        "Resource List:\n", "- shop/payments-config\n", "CSI Snapshots:\n", "shop/data:"}) {
    EXPECT_NE(told.find(line), std::string::npos) << "no \"" << line << "\" in\n" << told;
  }
  const auto json = parse_json(harbour().must_lateen({"backup", "describe", "shop", "-o", "json"}));
  ASSERT_TRUE(json);
  EXPECT_EQ(string_at(*json, "phase"), "Completed");
}

TEST_F(BucketVoyage, LogsAreWhatTheServerLogged) {
  const std::string log = harbour().must_lateen({"backup", "logs", "shop"});
  EXPECT_NE(log.find("level=info"), std::string::npos);
  EXPECT_NE(log.find("backup=velero/shop"), std::string::npos);
  EXPECT_EQ(log.find("level=error"), std::string::npos) << log;
  EXPECT_NE(
      harbour().must_lateen({"restore", "logs", "shop-again"}).find("restore=velero/shop-again"),
      std::string::npos);
}

TEST_F(BucketVoyage, DownloadGivesTheTarballAsItLiesInTheBucket) {
  harbour().must_lateen({"backup", "download", "shop"});
  const FilePath file = harbour().dir() / "shop-data.tar.gz";
  EXPECT_EQ(text_of(file), text_of(tarball()));
  const Outcome again = harbour().lateen({"backup", "download", "shop"});
  EXPECT_EQ(again.code, 1);
  EXPECT_NE(again.err.find("exists"), std::string::npos) << again.story();
  harbour().must_lateen({"backup", "download", "shop", "--force"});
}

// docs/formats/archive-index.md: "To bring one object back: find its line, read `length` bytes at
// `offset` of its member (one ranged GET), unpack them, cut, compare the digest."
TEST_F(BucketVoyage, TheIndexBringsOneObjectWithoutReadingTheRest) {
  const FilePath index = backup_dir("shop") / document("index");
  const std::string place =
      jq(index,
         "if .member then . elif .name == \"payments-config\" and .resource == \"configmaps\" "
         "then . else empty end");
  Json member;
  Json item;
  for (const std::string& line : split_trimmed(place, '\n')) {
    const auto json = parse_json(line);
    ASSERT_TRUE(json) << line;
    if (find(*json, "resource") != nullptr) {
      item = *json;
      break;
    }
    member = *json;
  }
  ASSERT_EQ(string_at(item, "namespace"), "shop") << place;
  const auto at = [](const Json& line, std::string_view field) {
    return static_cast<std::size_t>(int_at(line, field).value_or(0));
  };
  const std::string whole = text_of(tarball());
  const Outcome unpacked = run_program(
      {"gzip", "-dc"}, {.input = whole.substr(at(member, "offset"), at(member, "length"))});
  ASSERT_TRUE(unpacked.ok()) << unpacked.story();
  const std::string cut_out = unpacked.out.substr(at(item, "offset"), at(item, "size"));
  const auto config = parse_json(cut_out);
  ASSERT_TRUE(config) << cut_out;
  EXPECT_EQ(string_at(*config, "data.currency"), "EUR");
  const Outcome digest = run_program({"sha256sum"}, {.input = cut_out});
  EXPECT_EQ(digest.out.substr(0, 64), string_at(item, "sha256"));
}

}  // namespace
}  // namespace lateen::voyages
