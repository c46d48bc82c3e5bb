// Backups of the objects that the real Velero backed up (testdata/velero-bucket/expected.json), by
// the specs of its own backups: what goes in must be what it took.
#include "backup/run.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "archive/archive_reader.h"
#include "base/byte_source.h"
#include "base/gzip.h"
#include "base/log_capture.h"
#include "base/temp.h"
#include "model/codec.h"
#include "sandbox/testing/rest_api.h"

namespace lateen::backup {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

FilePath fixture(const std::string& name) {
  return FilePath(LATEEN_TESTDATA) / "velero-bucket" / name;
}

Json read_json(const FilePath& path) {
  auto bytes = read_file(path);
  EXPECT_TRUE(bytes) << path;
  if (!bytes) return {};
  auto text = path.extension() == ".gz" ? gunzip(*bytes, 64_MiB) : std::move(bytes);
  auto json = parse_json(*text);
  EXPECT_TRUE(json) << path;
  return json ? std::move(*json) : Json();
}

// Nobody runs pods here, so that their hooks would fail; that is tested elsewhere.
Json without_hooks(Json object) {
  std::vector<std::string> hooks;
  if (const JsonObject* annotations = kube::annotations_of(object)) {
    for (const auto& [key, value] : *annotations) {
      if (std::string_view(key).find("hook.backup.velero.io/") != std::string_view::npos)
        hooks.emplace_back(key);
    }
  }
  for (const std::string& key : hooks)
    kube::remove_annotation(object, key);
  return object;
}

// A Job's labels name the uid that it had there, and has no longer here.
Json with_new_uid(Json object) {
  if (kube::kind_of(object) != "Job") return object;
  erase(object, "spec.selector");
  JsonObject& labels = ensure(object, "spec.template.metadata.labels").as_object();
  for (const std::string_view key : {"controller-uid", "batch.kubernetes.io/controller-uid"})
    erase(labels, JsonKey{key});
  return object;
}

struct Held {
  BackupOutcome outcome;
  std::map<std::string, Json> objects;  // "pods shop/db-0"
};

class BackupRunTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    api_ = std::make_unique<sandbox::testing::RestApi>();
    const Json list = read_json(fixture("expected.json"));
    const auto rank = [](const Json& object) {
      const std::string_view kind = kube::kind_of(object);
      if (kind == "Namespace" || kind == "CustomResourceDefinition") return 0;
      return kind == "PriorityClass" || kind == "ServiceAccount" ? 1 : 2;
    };
    std::vector<Json> objects;
    for (const Json& object : *array_at(list, "items"))
      objects.push_back(with_new_uid(without_hooks(object)));
    std::stable_sort(objects.begin(), objects.end(),
                     [&rank](const Json& a, const Json& b) { return rank(a) < rank(b); });
    for (const Json& object : objects)
      api_->create(object);
  }

  static void TearDownTestSuite() { api_.reset(); }

  Held run(const model::BackupSpec& spec) {
    model::Backup backup;
    backup.metadata.name = "b1";
    backup.metadata.uid = "7d0b6d8e-0000-0000-0000-000000000001";
    backup.spec = spec;
    const auto discovery = kube::discover(api_->client());
    EXPECT_TRUE(discovery);
    const auto namespaces = read_namespaces(api_->client(), {});
    EXPECT_TRUE(namespaces);
    plan_ = plan_backup(spec, *discovery, *namespaces);
    const BackupTools tools{
        .client = api_->client(), .discovery = *discovery, .clock = clock_, .log = Log().to(sink_)};
    BytesSink tarball;
    archive::ArchiveWriter writer(tarball, nullptr, clock_, {});
    auto outcome = run_backup(backup, *plan_, tools, {}, writer, {});
    EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().describe());
    EXPECT_TRUE(writer.finish({}));
    Held held{.outcome = std::move(*outcome), .objects = {}};
    const TempDir dir = std::move(*TempDir::create("lateen-run-test"));
    EXPECT_TRUE(write_file(dir.path() / "b1.tar.gz", tarball.take(), 0600));
    const auto reader = archive::ArchiveReader::open(dir.path() / "b1.tar.gz", {}, {});
    EXPECT_TRUE(reader);
    for (const archive::ArchivedItem& item : reader->items()) {
      const std::string key = fmt::format("{} {}", item.key.group_resource,
                                          kube::object_key(item.key.ns, item.key.name));
      EXPECT_FALSE(held.objects.contains(key)) << key << " is there twice";
      held.objects[key] = parse_json(*reader->read(item)).value();
    }
    EXPECT_EQ(held.outcome.items, std::ssize(held.objects));
    return held;
  }

  static std::unique_ptr<sandbox::testing::RestApi> api_;
  SystemClock clock_;
  std::optional<BackupPlan> plan_;
  std::shared_ptr<CapturingSink> sink_ = std::make_shared<CapturingSink>(
      LogLevel::Info, LogFormat::Text, [](BytesView) { return Status(); });
};

std::unique_ptr<sandbox::testing::RestApi> BackupRunTest::api_;

std::map<std::string, std::vector<std::string>> list_of(const Json& json) {
  std::map<std::string, std::vector<std::string>> list;
  for (const auto& [kind, names] : json.as_object()) {
    for (const Json& name : names.as_array())
      list[std::string(kind)].emplace_back(as_text(&name));
  }
  return list;
}

// Every name of the list that the fixture's objects have: Events were not kept with them.
TEST_F(BackupRunTest, HoldsTheObjectsThatVelerosBackupsHold) {
  for (const std::string name : {"bookstore-full", "bookstore-app-web", "bookstore-orlabels",
                                 "bookstore-policy", "bookstore-scoped"}) {
    const FilePath dir = fixture("bucket/backups/" + name);
    const auto velero = model::from_json<model::Backup>(read_json(dir / "velero-backup.json"));
    ASSERT_TRUE(velero) << velero.error().message();
    model::BackupSpec spec = velero->spec;
    spec.hooks = {};
    const Held held = run(spec);
    auto expected = list_of(read_json(dir / (name + "-resource-list.json.gz")));
    expected.erase("v1/Event");
    const model::ResourceList list = held.outcome.names.list();
    const std::map<std::string, std::vector<std::string>> ours(list.begin(), list.end());
    EXPECT_EQ(ours, expected) << name;
  }
}

TEST_F(BackupRunTest, StoresObjectsAsTheApiServerGivesThem) {
  model::BackupSpec spec;
  spec.included_namespaces = {"bookstore"};
  const Held held = run(spec);
  const Json stored = held.objects.at("configmaps bookstore/payments-config");
  const auto there = api_->client().get(
      {.gvr = {"", "v1", "configmaps"}, .ns = "bookstore", .name = "payments-config"});
  ASSERT_TRUE(there);
  EXPECT_EQ(stored, *there);
  EXPECT_FALSE(kube::uid_of(stored).empty());
}

TEST_F(BackupRunTest, LeavesOutWhatIsLabelledSo) {
  model::BackupSpec spec;
  spec.included_namespaces = {"bookstore"};
  EXPECT_FALSE(run(spec).objects.contains("configmaps bookstore/left-out"));
}

// Every kind, asked for by two selectors that the same objects match.
TEST_F(BackupRunTest, CountsAnObjectOnceThatTwoSelectorsMatch) {
  model::BackupSpec spec;
  spec.included_namespaces = {"bookstore"};
  model::LabelSelector one;
  one.match_labels = {{"app", "web"}};
  spec.or_label_selectors = {one, one};
  const Held held = run(spec);  // which looks for doubles
  EXPECT_TRUE(held.objects.contains("deployments.apps bookstore/web"));
}

TEST_F(BackupRunTest, PutsOrderedResourcesFirstAndOnlyOnce) {
  model::BackupSpec spec;
  spec.included_namespaces = {"bookstore"};
  spec.included_resources = {"configmaps"};
  spec.ordered_resources = {{"configmaps", "bookstore/payments-config,bookstore/frozen-config"},
                            {"secrets", "bookstore/basic"}};
  const Held held = run(spec);
  EXPECT_TRUE(held.objects.contains("configmaps bookstore/payments-config"));
  EXPECT_FALSE(held.objects.contains("secrets bookstore/basic"));
  EXPECT_THAT(plan_->warnings,
              ElementsAre("orderedResources names secrets, which this backup does not collect"));
}

TEST_F(BackupRunTest, AnOrderedResourceThatTheSelectorDoesNotMatchStaysOut) {
  model::BackupSpec spec;
  spec.included_namespaces = {"bookstore"};
  model::LabelSelector web;
  web.match_labels = {{"app", "web"}};
  spec.label_selector = web;
  spec.ordered_resources = {{"configmaps", "bookstore/frozen-config"}, {"pods", "bookstore/loner"}};
  const Held held = run(spec);
  EXPECT_FALSE(held.objects.contains("configmaps bookstore/frozen-config"));
  EXPECT_FALSE(held.objects.contains("pods bookstore/loner"));
  EXPECT_EQ(sink_->warnings(), 2U);
}

// "The result is less than asked": who chose file-system backup must hear that it did not happen.
TEST_F(BackupRunTest, SaysOfEachVolumeWhyItsDataIsNotInTheBackup) {
  model::BackupSpec spec;
  spec.included_namespaces = {"bookstore"};
  const Held held = run(spec);
  std::vector<std::string> told;
  for (const model::BackupVolumeInfo& info : held.outcome.volumes) {
    EXPECT_TRUE(info.skipped);
    told.push_back(fmt::format("{}: {}", info.pvc_name, info.skipped_reason));
  }
  EXPECT_EQ(told.size(), 2U) << fmt::format("{}", fmt::join(told, "; "));
  EXPECT_GT(sink_->errors() + sink_->warnings(), 0U);
}

// bookstore-hookfail: a pod whose pre hook fails is not in the backup, and both are errors.
TEST_F(BackupRunTest, APodWhosePreHookFailsIsNotInTheBackup) {
  model::BackupSpec spec;
  spec.included_namespaces = {"bookstore"};
  spec.included_resources = {"pods"};
  model::BackupResourceHookSpec hook;
  hook.name = "failing";
  model::BackupResourceHook pre;
  pre.exec = model::ExecHook();
  pre.exec->command = {"/bin/false"};
  pre.exec->on_error = model::HookErrorMode::Fail;
  hook.pre = {pre};
  model::LabelSelector web;
  web.match_labels = {{"app", "web"}};
  hook.label_selector = web;
  spec.hooks.resources = {hook};
  const Held held = run(spec);
  for (const auto& [key, object] : held.objects)
    EXPECT_NE(kube::label_of(object, "app"), "web") << key;
  EXPECT_EQ(held.outcome.hooks.hooks_attempted, 2);
  EXPECT_EQ(held.outcome.hooks.hooks_failed, 2);
  std::vector<std::string> messages;
  for (const LogEntry& entry : sink_->kept())
    messages.push_back(entry.message);
  EXPECT_THAT(messages, Contains("Error executing hook"));
  EXPECT_THAT(messages, Contains(HasSubstr("Error running pre hooks for pod")));
}

}  // namespace
}  // namespace lateen::backup
