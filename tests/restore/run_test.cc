// Restores of the real Velero's bookstore-full into the sandbox's API server.
#include "restore/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/thread.h"
#include "model/documents.h"
#include "restore/action.h"
#include "restore/item_extension.h"
#include "restore/testing/fixtures.h"
#include "sandbox/testing/rest_api.h"

namespace lateen::restore {
namespace {

using samples::yaml;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RestoreRunTest : public ::testing::Test {
 protected:
  RestoreRunTest() {
    restore_.metadata.name = "r1";
    restore_.metadata.uid = "7d0b6d8e-0000-0000-0000-000000000002";
    restore_.spec.backup_name = "bookstore-full";
    restore_.spec.item_operation_timeout = std::chrono::seconds(1);
    const Bytes packed = read_file(samples::velero_bucket() /
                                   "bucket/backups/bookstore-full/"
                                   "bookstore-full-volumeinfo.json.gz")
                             .value();
    options_.volumes = model::read_backup_volume_infos(gunzip(packed, 64_MiB).value()).value();
    options_.resource_timeout = std::chrono::seconds(60);
  }

  RestoreOutcome run(const std::string& backup = "bookstore-full") {
    const archive::ArchiveReader archive = samples::open_velero(backup);
    const auto discovery = kube::discover(api_.client());
    EXPECT_TRUE(discovery);
    const RestorePlan plan = plan_restore(restore_.spec, archive.items(), *discovery);
    const RestoreTools tools{
        .client = api_.client(), .clock = clock_, .log = Log(), .extensions = extensions_};
    auto outcome = run_restore(restore_, plan, archive, tools, options_, {});
    EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().describe());
    return outcome ? std::move(*outcome) : RestoreOutcome();
  }

  Json get(const kube::GroupVersionResource& gvr, std::string ns, std::string name) {
    auto object = api_.client().get({.gvr = gvr, .ns = std::move(ns), .name = std::move(name)});
    EXPECT_TRUE(object) << (object ? "" : object.error().message());
    return object ? std::move(*object) : Json();
  }

  sandbox::testing::RestApi api_;
  SystemClock clock_;
  model::Restore restore_;
  RestoreRunOptions options_;
  std::vector<ItemExtension*> extensions_;
};

// The kinds and the mapping of Velero's own restore `copy`; its list says what each item became.
TEST_F(RestoreRunTest, BringsBackWhatVelerosCopyBroughtBack) {
  restore_.spec.namespace_mapping = {{"bookstore", "bookstore-copy"}};
  restore_.spec.included_namespaces = {"bookstore"};
  restore_.spec.included_resources = {"configmaps",      "secrets", "services",
                                      "serviceaccounts", "roles",   "rolebindings"};
  const RestoreOutcome outcome = run();
  const Json velero = samples::read_json(samples::velero_bucket() /
                                         "bucket/restores/copy/restore-copy-resource-list.json.gz");
  for (const auto& [kind, names] : velero.as_object()) {
    if (std::string_view(kind) == "library.example.com/v1/Book") continue;
    const auto ours = outcome.resource_list.find(std::string_view(kind));
    ASSERT_NE(ours, outcome.resource_list.end()) << std::string_view(kind);
    for (const Json& name : names.as_array()) {
      // There the cluster had these before the restore; here nobody makes them.
      const std::string text(as_text(&name));
      if (text.find("ca.crt") != std::string::npos || text.find("/default(") != std::string::npos)
        continue;
      EXPECT_THAT(ours->second, Contains(text));
    }
  }
  EXPECT_THAT(outcome.results.errors.velero, IsEmpty());
  EXPECT_EQ(outcome.results.errors.count(), 0U);
  const Json binding =
      get({"rbac.authorization.k8s.io", "v1", "rolebindings"}, "bookstore-copy", "config-reader");
  EXPECT_EQ(string_at(binding.at("subjects").at(0), "namespace"), "bookstore-copy");
  EXPECT_EQ(kube::label_of(binding, "velero.io/backup-name"), "bookstore-full");
  const Json ns = get({"", "v1", "namespaces"}, "", "bookstore-copy");
  EXPECT_FALSE(kube::has_label(ns, "velero.io/restore-name"));
}

TEST_F(RestoreRunTest, BringsDefinitionsBeforeTheirCustomResources) {
  restore_.spec.included_resources = {"customresourcedefinitions", "books.library.example.com"};
  const RestoreOutcome outcome = run();
  EXPECT_EQ(outcome.results.errors.count(), 0U);
  EXPECT_THAT(outcome.resource_list.at("library.example.com/v1/Book"),
              ElementsAre("bookstore/faust(created)", "bookstore/moby-dick(created)"));
}

TEST_F(RestoreRunTest, DoesNotListANamespaceThatWasThere) {
  api_.create_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: bookstore}}");
  restore_.spec.included_resources = {"secrets"};
  EXPECT_FALSE(run().resource_list.contains("v1/Namespace"));
}

// Their data lie in a repository that this version does not read: that is an error, and the
// volumes' claims wait for new ones.
TEST_F(RestoreRunTest, SaysThatFileSystemBackupsDoNotComeBack) {
  restore_.spec.included_resources = {"persistentvolumeclaims", "persistentvolumes"};
  const RestoreOutcome outcome = run();
  EXPECT_EQ(outcome.results.errors.count(), 2U);
  EXPECT_EQ(string_at(get({"", "v1", "persistentvolumeclaims"}, "bookstore", "catalog-data"),
                      "spec.volumeName"),
            "");
  EXPECT_FALSE(api_.client().get({.gvr = {"", "v1", "persistentvolumes"}, .name = "pv-catalog"}));
}

// Backups of Velero before 1.14 do not tell: then the volumes themselves do.
TEST_F(RestoreRunTest, BindsRetainedVolumesAgainThatNobodyToldOf) {
  options_.volumes.clear();
  restore_.spec.included_resources = {"persistentvolumeclaims", "persistentvolumes"};
  const RestoreOutcome outcome = run();
  EXPECT_EQ(outcome.results.errors.count(), 0U);
  EXPECT_EQ(string_at(get({"", "v1", "persistentvolumeclaims"}, "bookstore", "catalog-data"),
                      "spec.volumeName"),
            "pv-catalog");
  const Json volume = get({"", "v1", "persistentvolumes"}, "", "pv-catalog");
  EXPECT_EQ(string_at(volume, "spec.claimRef.name"), "catalog-data");
  EXPECT_EQ(string_at(volume, "spec.claimRef.uid"), "");
}

TEST_F(RestoreRunTest, RestoresAStatusWhereItIsAskedFor) {
  restore_.spec.included_resources = {"deployments", "statefulsets"};
  restore_.spec.restore_status.emplace();
  restore_.spec.restore_status->included_resources = {"deploy"};
  run();
  EXPECT_EQ(int_at(get({"apps", "v1", "deployments"}, "bookstore", "web"), "status.replicas"), 2);
  EXPECT_NE(
      int_at(get({"apps", "v1", "statefulsets"}, "bookstore", "payments-db"), "status.replicas"),
      1);
}

TEST_F(RestoreRunTest, AppliesModifiers) {
  options_.modifiers = Modifiers::parse(R"(
version: v1
resourceModifierRules:
- conditions: {groupResource: deployments.apps, resourceNameRegex: ^web$}
  patches: [{operation: replace, path: /spec/replicas, value: '1'}]
)")
                           .value();
  restore_.spec.included_resources = {"deployments"};
  run();
  EXPECT_EQ(int_at(get({"apps", "v1", "deployments"}, "bookstore", "web"), "spec.replicas"), 1);
}

// Brings back files, as far as the run can see.
class FakeVolumes final : public ItemExtension {
 public:
  bool brings_back(const model::BackupVolumeInfo&) const override { return true; }

  Result<ActionVerdict> prepare(std::string_view kind,
                                Json& object,
                                const Json&,
                                const ActionContext&) const override {
    if (kind == "pods") {
      ensure(object, "spec.initContainers") =
          JsonArray{JsonObject{{"name", "restore-wait"}, {"image", "lateen"}}};
    }
    return ActionVerdict();
  }

  Status created(std::string_view kind,
                 const kube::ObjectPath& path,
                 const Json& there,
                 const Json&,
                 std::stop_token) override {
    const Lock lock(mu_);
    if (kind == "pods" && kube::name_of(there) == path.name) ++pods_;
    return {};
  }

  Status finish(RestoreOutcome& outcome, std::stop_token) override {
    const Lock lock(mu_);
    outcome.results.warnings.add_velero(fmt::format("{} pods", pods_));
    return {};
  }

 private:
  Mutex mu_;
  int pods_ LATEEN_GUARDED_BY(mu_) = 0;
};

// The files must be there before a hook looks at them.
TEST_F(RestoreRunTest, WhoBringsFilesBackComesBeforeTheHooksAndIsWaitedFor) {
  restore_.spec.included_resources = {"pods", "serviceaccounts", "persistentvolumeclaims"};
  model::RestoreResourceHookSpec& hooks = restore_.spec.hooks.resources.emplace_back();
  hooks.name = "prepare";
  hooks.post_hooks.emplace_back().init.emplace().init_containers.push_back(
      yaml("{name: prepare, image: busybox, command: [\"true\"]}"));
  FakeVolumes volumes;
  extensions_ = {&volumes};
  const RestoreOutcome outcome = run();
  EXPECT_THAT(outcome.results.warnings.velero, Contains(HasSubstr(" pods")));
  const Json pods = api_.client().list({.gvr = {"", "v1", "pods"}, .ns = "bookstore"}, {}).value();
  ASSERT_FALSE(array_at(pods, "items")->empty());
  for (const Json& pod : *array_at(pods, "items")) {
    const JsonArray* containers = array_at(pod, "spec.initContainers");
    ASSERT_NE(containers, nullptr);
    EXPECT_EQ(string_at(containers->at(0), "name"), "restore-wait");
    EXPECT_EQ(string_at(containers->at(1), "name"), "prepare");
  }
}

TEST_F(RestoreRunTest, TwoNamespacesThatWouldBecomeOneAreAnErrorBeforeTheFirstObject) {
  restore_.spec.included_resources = {"configmaps"};
  restore_.spec.namespace_mapping = {{"*", "one"}};
  const RestoreOutcome outcome = run("cluster-all");
  ASSERT_TRUE(outcome.cut_short);
  EXPECT_THAT(outcome.cut_short->message(), HasSubstr("would both be restored into one"));
  EXPECT_THAT(outcome.resource_list, IsEmpty());
}

TEST_F(RestoreRunTest, ASecondRestoreSkipsWhatIsTheSame) {
  restore_.spec.included_resources = {"configmaps", "secrets", "serviceaccounts", "roles"};
  run();
  restore_.metadata.name = "r2";
  const RestoreOutcome again = run();
  EXPECT_EQ(again.results.errors.count() + again.results.warnings.count(), 0U);
  for (const auto& [kind, names] : again.resource_list) {
    for (const std::string& name : names)
      EXPECT_THAT(name, HasSubstr("(skipped)")) << kind;
  }
}

TEST_F(RestoreRunTest, NothingSelectedIsAWarning) {
  restore_.spec.included_namespaces = {"nowhere"};
  EXPECT_THAT(run().results.warnings.velero, ElementsAre(HasSubstr("zero items to be restored")));
}

TEST_F(RestoreRunTest, CountsItsItemsForProgress) {
  Mutex mu;
  std::int64_t most = 0;
  std::int64_t of = 0;
  options_.progress = [&](std::int64_t done, std::int64_t total) {
    const Lock lock(mu);
    most = std::max(most, done);
    of = total;
  };
  restore_.spec.included_resources = {"configmaps"};
  EXPECT_EQ(run().items, 4);
  EXPECT_EQ(most, 4);
  EXPECT_EQ(of, 4);
}

}  // namespace
}  // namespace lateen::restore
