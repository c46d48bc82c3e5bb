// A bucket that the real Velero 1.18.1 wrote (tests/testdata/velero-bucket): listed, described and
// restored into a sandbox, and held against what the real cluster had.
#include <algorithm>
#include <array>
#include <map>

#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "voyages/testing/node_agent.h"
#include "voyages/testing/objects.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

using Names = std::vector<std::string>;

class VeleroBucketVoyage : public Voyage<VeleroBucketVoyage> {
 public:
  static Words server_flags() {
    return {"--backup-sync-period", "1s", "--resource-timeout", "20s"};
  }

 protected:
  static FilePath fixture() { return FilePath(LATEEN_TESTDATA) / "velero-bucket"; }

  static void SetUpTestSuite() {
    Voyage::SetUpTestSuite();
    const Outcome copied = run_program({"cp", "-r", (fixture() / "bucket/backups").string(),
                                        (fixture() / "bucket/restores").string(),
                                        (fixture() / "bucket/kopia").string(), bucket().string()});
    ASSERT_TRUE(copied.ok()) << copied.story();
    start_server();
    wait_until("the eight backups have been synced",
               [] { return harbour().names({"-n", "velero", "backups.velero.io"}).size() == 8; });
    agent_ = start_node_agent(harbour());
  }

  static void TearDownTestSuite() {
    agent_.reset();
    Voyage::TearDownTestSuite();
  }

  static Json expected() {
    const auto json = parse_json(text_of(fixture() / "expected.json"));
    EXPECT_TRUE(json);
    return json ? *json : Json();
  }

  static inline std::unique_ptr<Server> agent_;
};

TEST_F(VeleroBucketVoyage, ItsBackupsAppearInTheCluster) {
  EXPECT_EQ(
      harbour().names({"-n", "velero", "backups.velero.io"}),
      (Names{"bookstore-app-web", "bookstore-full", "bookstore-hookfail", "bookstore-orlabels",
             "bookstore-policy", "bookstore-scoped", "cluster-all", "nightly-20261122103737"}));
  // The table that Velero's own CLI printed of the same backups; the expiry is counted from today.
  const auto expires = parse_rfc3339("2036-11-19T10:37:15Z");
  ASSERT_TRUE(expires);
  const std::string theirs = replace_all(text_of(fixture() / "backup-get.txt"), "9y",
                                         human_time_from_now(*expires, SystemClock().now()));
  const std::string ours = harbour().must_lateen({"backup", "get"});
  const auto lines_of = [](const std::string& table) {
    Names lines;
    for (const std::string& line : split_trimmed(table, '\n'))
      lines.push_back(join(split_trimmed(replace_all(line, "  ", "\t"), '\t'), " | "));
    return lines;
  };
  EXPECT_EQ(lines_of(ours), lines_of(theirs));
}

TEST_F(VeleroBucketVoyage, ABackupIsDescribedAsVeleroDescribesIt) {
  std::string theirs = text_of(fixture() / "describe-backup-bookstore-full.txt");
  for (const char* colour : {"\x1b[1m", "\x1b[22m", "\x1b[32m", "\x1b[0m"})
    theirs = replace_all(theirs, colour, "");
  const std::string ours =
      harbour().must_lateen({"backup", "describe", "bookstore-full", "--details"});
  EXPECT_EQ(split_trimmed(ours, '\n'), split_trimmed(theirs, '\n'));
}

TEST_F(VeleroBucketVoyage, ItsLogsAndItsContentsAreThere) {
  EXPECT_NE(harbour().must_lateen({"backup", "logs", "bookstore-full"}).find("level=info"),
            std::string::npos);
  harbour().must_lateen({"backup", "download", "bookstore-scoped", "-o", "scoped.tar.gz"});
  EXPECT_EQ(text_of(harbour().dir() / "scoped.tar.gz"),
            text_of(fixture() / "bucket/backups/bookstore-scoped/bookstore-scoped.tar.gz"));
}

// What a restore does not bring back, or another controller writes anew.
bool is_made_anew(std::string_view kind, std::string_view name) {
  constexpr std::array<std::string_view, 6> kKinds = {
      "Pod",            // one by one further below
      "Endpoints",      // the cluster's own, of its Services
      "EndpointSlice",  // as above
      "PersistentVolume",
      "StorageClass",
      "Publisher"};
  if (std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end()) return true;
  return name == "left-out" ||          // labelled velero.io/exclude-from-backup
         name == "kube-root-ca.crt" ||  // every cluster has its own
         name == "import-books" ||      // a Job that had completed
         name == "publishers.library.example.com";
}

std::map<std::string, std::string> comparable(const Json& list) {
  std::map<std::string, std::string> objects;
  for (const Json& item : items_of(list)) {
    const std::string_view kind = string_at(item, "kind");
    const std::string_view name = string_at(item, "metadata.name");
    if (is_made_anew(kind, name)) continue;
    Json written = as_written(item);
    // Velero drops a claim's selector while it backs it up.
    if (kind == "PersistentVolumeClaim") erase(written, "spec.selector");
    // A token is of its cluster: a restore leaves its making to that.
    if (string_at(written, "type") == "kubernetes.io/service-account-token") {
      erase(written, "data");
      erase(ensure(written, "metadata.annotations").as_object(),
            JsonKey{"kubernetes.io/service-account.uid"});
    }
    objects[fmt::format("{}/{}", kind, name)] = write_json_pretty(written);
  }
  return objects;
}

TEST_F(VeleroBucketVoyage, ItsObjectsComeBackAsTheyWere) {
  // The bookstore's claims want a class that is not in its backup: it was of the cluster.
  const Json classes = harbour().get({"storageclasses"});
  ASSERT_FALSE(items_of(classes).empty());
  harbour().apply(
      fmt::format("apiVersion: storage.k8s.io/v1\nkind: StorageClass\n"
                  "metadata: {{name: local-bench}}\nprovisioner: {}\n",
                  string_at(items_of(classes).front(), "provisioner")));
  restore("full", {"--from-backup", "bookstore-full"});

  Json there = harbour().get(
      {"-n", "bookstore",
       "controllerrevisions,daemonsets,deployments,replicasets,statefulsets,"
       "horizontalpodautoscalers,cronjobs,jobs,books.library.example.com,ingresses,"
       "networkpolicies,poddisruptionbudgets,roles,rolebindings,configmaps,limitranges,"
       "persistentvolumeclaims,resourcequotas,secrets,services,serviceaccounts,pods"});
  const auto add = [&there](const Words& what) {
    ensure(there, "items").as_array().push_back(harbour().get(what));
  };
  add({"namespace", "bookstore"});
  add({"crd", "books.library.example.com"});
  add({"clusterrole", "bookstore-books"});
  add({"clusterrolebinding", "bookstore-books"});
  add({"priorityclass", "bookstore-high"});

  const auto wanted = comparable(expected());
  const auto found = comparable(there);
  EXPECT_GE(wanted.size(), 38U);
  for (const auto& [name, text] : wanted) {
    const auto at = found.find(name);
    if (at == found.end()) {
      ADD_FAILURE() << name << " was not restored";
    } else {
      EXPECT_EQ(at->second, text) << name;
    }
  }
  // The files that Velero saved in its own repository.
  std::map<std::string, std::string> sums;
  for (const std::string& line : split_trimmed(text_of(fixture() / "volumes-expected.txt"), '\n')) {
    const Cut parts = cut(line, "  ");
    if (parts.found && parts.before.size() == 64) sums[std::string(parts.after)] = parts.before;
  }
  const FilePath catalog = folder_of_claim(harbour(), "bookstore", "catalog-data");
  EXPECT_EQ(sha256_hex(text_of(catalog / "books.txt")), sums["catalog/books.txt"]);
  EXPECT_EQ(sha256_hex(text_of(catalog / "a/zeros")), sums["catalog/a/zeros"]);
  // The pod of the other volume writes to its file by itself.
  EXPECT_TRUE(path_exists(folder_of_claim(harbour(), "bookstore", "db-payments-db-0") / "table"));
  // The hook of the real catalog's pod: it ran, in a pod that was restored.
  EXPECT_EQ(int_at(velero("restores", "full"), "status.hookStatus.hooksAttempted"), 1);
  EXPECT_EQ(int_at(velero("restores", "full"), "status.hookStatus.hooksFailed").value_or(0), 0);
  const Names pods = harbour().names({"-n", "bookstore", "pods"});
  for (const char* pod : {"catalog-777b7cf6cf-kkn4j", "loner", "web-568fcc89fd-b7575",
                          "web-568fcc89fd-w8mtw", "payments-db-0"}) {
    EXPECT_NE(std::find(pods.begin(), pods.end(), pod), pods.end()) << pod;
  }
  EXPECT_EQ(std::find(pods.begin(), pods.end(), "import-books-8vrpv"), pods.end())
      << "a pod that had ended was started again";
}

TEST_F(VeleroBucketVoyage, VolumesThatComeBackEmptyWithoutTheirPodsAreNamed) {
  restore("volumes",
          {"--from-backup", "bookstore-full", "--include-resources",
           "persistentvolumeclaims,persistentvolumes", "--namespace-mappings",
           "bookstore:only-volumes"},
          "PartiallyFailed");
  const std::string told = harbour().must_lateen({"restore", "describe", "volumes"});
  for (const char* claim : {"catalog-data", "db-payments-db-0"})
    EXPECT_NE(told.find(claim), std::string::npos) << told;
  EXPECT_NE(told.find("its file-system backup failed, or its files are not to be restored: the "
                      "volume comes back empty"),
            std::string::npos)
      << told;
}

TEST_F(VeleroBucketVoyage, ItsCustomResourcesBringTheirKindAlong) {
  // Faust bears a finalizer of a controller that is not here.
  harbour().kubectl({"-n", "bookstore", "patch", "book", "faust", "--type", "merge", "-p",
                     R"({"metadata":{"finalizers":[]}})"});
  harbour().kubectl({"delete", "namespace", "bookstore", "--ignore-not-found", "--timeout=120s"});
  harbour().must_kubectl({"delete", "crd", "books.library.example.com", "--ignore-not-found"});
  // Without a word about namespaces: with one, Velero's rule keeps cluster-scoped objects out.
  restore("scoped", {"--from-backup", "bookstore-scoped", "--include-resources",
                     "books.library.example.com,customresourcedefinitions.apiextensions.k8s.io",
                     "--namespace-mappings", "bookstore:shelf"});
  EXPECT_EQ(harbour().names({"-n", "shelf", "books.library.example.com"}),
            (Names{"faust", "moby-dick"}));
  const Json faust = harbour().get({"-n", "shelf", "book", "faust"});
  const JsonArray* finalizers = array_at(faust, "metadata.finalizers");
  ASSERT_NE(finalizers, nullptr);
  EXPECT_EQ(finalizers->size(), 1U);
}

TEST_F(VeleroBucketVoyage, ARestoreBesideTheOthersIsAskedForByItsOwnNames) {
  restore("mapped", {"--from-backup", "bookstore-full", "--include-resources", "configmaps,secrets",
                     "--namespace-mappings", "bookstore:copy"});
  const Json config = harbour().get({"-n", "copy", "configmap", "payments-config"});
  for (const Json& item : items_of(expected())) {
    if (string_at(item, "metadata.name") != "payments-config") continue;
    EXPECT_EQ(write_json(*find(config, "data")), write_json(*find(item, "data")));
    EXPECT_EQ(write_json(*find(config, "binaryData")), write_json(*find(item, "binaryData")));
  }
}

}  // namespace
}  // namespace lateen::voyages
