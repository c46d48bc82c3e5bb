// What a restore of the real Velero's bookstore-full would do to the sandbox's API server.
#include "restore/preview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/discovery.h"
#include "model/documents.h"
#include "restore/testing/fixtures.h"
#include "sandbox/testing/rest_api.h"

namespace lateen::restore {
namespace {

using samples::yaml;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class PreviewTest : public ::testing::Test {
 protected:
  PreviewTest() {
    restore_.metadata.name = "r1";
    restore_.metadata.uid = "7d0b6d8e-0000-0000-0000-000000000002";
    restore_.spec.backup_name = "bookstore-full";
  }

  RestorePlan plan() {
    return plan_restore(restore_.spec, archive_.items(), kube::discover(api_.client()).value());
  }

  RestorePreview preview() {
    auto made = preview_restore(restore_, plan(), archive_, tools_, options_, {});
    EXPECT_TRUE(made) << (made ? "" : made.error().describe());
    return made ? std::move(*made) : RestorePreview();
  }

  void run() { ASSERT_TRUE(run_restore(restore_, plan(), archive_, tools_, options_, {})); }

  static const PreviewedItem& of(const RestorePreview& preview,
                                 std::string_view kind,
                                 std::string_view name) {
    static const PreviewedItem kNone{.reason = "it is not in the preview"};
    for (const PreviewedItem& item : preview.items) {
      if (item.group_resource == kind && item.name == name) return item;
    }
    return kNone;
  }

  static std::string action_of(const RestorePreview& preview,
                               std::string_view kind,
                               std::string_view name) {
    return std::string(to_string(of(preview, kind, name).action));
  }

  sandbox::testing::RestApi api_;
  SystemClock clock_;
  const archive::ArchiveReader archive_ = samples::open_velero("bookstore-full");
  model::Restore restore_;
  RestoreRunOptions options_;
  const RestoreTools tools_{.client = api_.client(), .clock = clock_, .log = Log()};
};

TEST_F(PreviewTest, CreatesNothing) {
  restore_.spec.included_resources = {"configmaps", "customresourcedefinitions",
                                      "books.library.example.com"};
  const RestorePreview made = preview();
  EXPECT_EQ(action_of(made, "namespaces", "bookstore"), "create");
  EXPECT_EQ(action_of(made, "customresourcedefinitions.apiextensions.k8s.io",
                      "books.library.example.com"),
            "create");
  EXPECT_EQ(action_of(made, "books.library.example.com", "faust"), "create");
  EXPECT_TRUE(made.has_changes());
  EXPECT_FALSE(made.has_problems());
  EXPECT_FALSE(api_.client().get({.gvr = {"", "v1", "namespaces"}, .name = "bookstore"}));
}

TEST_F(PreviewTest, AfterTheRestoreThereIsNothingToDo) {
  restore_.spec.included_resources = {"configmaps", "secrets", "serviceaccounts", "roles",
                                      "rolebindings"};
  run();
  const RestorePreview made = preview();
  EXPECT_FALSE(made.has_changes());
  for (const PreviewedItem& item : made.items)
    EXPECT_EQ(to_string(item.action), "same") << item.group_resource << " " << item.name;
}

TEST_F(PreviewTest, WithoutItsDefinitionACustomResourceHasNoKind) {
  restore_.spec.included_resources = {"books.library.example.com"};
  const RestorePreview made = preview();
  EXPECT_EQ(action_of(made, "books.library.example.com", "faust"), "missing CRD");
  EXPECT_TRUE(made.has_problems());
}

TEST_F(PreviewTest, SaysWhichFieldsDiffer) {
  restore_.spec.included_resources = {"configmaps", "secrets"};
  run();
  const std::string config = "payments-config";
  const auto change = [&](std::string_view resource, const std::string& name, const Json& data) {
    const Json patch = JsonObject{{"data", data}};
    EXPECT_TRUE(api_.client().patch(
        {.gvr = {"", "v1", std::string(resource)}, .ns = "bookstore", .name = name},
        kube::PatchType::Merge, patch));
  };
  change("configmaps", config, yaml("{added: here}"));
  RestorePreview made = preview();
  EXPECT_EQ(action_of(made, "configmaps", config), "differs");
  ASSERT_EQ(of(made, "configmaps", config).changes.size(), 1U);
  EXPECT_EQ(of(made, "configmaps", config).changes[0].path, "data.added");
  EXPECT_EQ(of(made, "configmaps", config).changes[0].before, "\"here\"");
  EXPECT_FALSE(made.has_changes());

  restore_.spec.existing_resource_policy = model::ExistingResourcePolicy::Update;
  made = preview();
  EXPECT_EQ(action_of(made, "configmaps", config), "update");
  EXPECT_TRUE(made.has_changes());
  restore_.spec.existing_resource_policy = model::ExistingResourcePolicy::Recreate;
  EXPECT_EQ(action_of(preview(), "configmaps", config), "recreate");
}

TEST_F(PreviewTest, AClaimWhoseClassIsMissingIsSaidBeforehand) {
  restore_.spec.included_resources = {"persistentvolumeclaims"};
  const FilePath infos =
      samples::velero_bucket() / "bucket/backups/bookstore-full/bookstore-full-volumeinfo.json.gz";
  options_.volumes =
      model::read_backup_volume_infos(gunzip(read_file(infos).value(), 1_MiB).value()).value();
  api_.create_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: bookstore}}");
  const RestorePreview made = preview();
  std::size_t missing = 0;
  for (const PreviewedItem& item : made.items) {
    if (item.action != PreviewAction::MissingStorageClass) continue;
    ++missing;
    EXPECT_THAT(item.reason, HasSubstr("is not in this cluster"));
  }
  EXPECT_GT(missing, 0U);
}

}  // namespace
}  // namespace lateen::restore
