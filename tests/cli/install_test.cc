// What `install` makes, held against what the real Velero's installer makes of the same flags, and
// what `takeover` changes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/temp.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/takeover.h"
#include "cli/testing/recorded_console.h"
#include "kube/object.h"

namespace lateen::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Printed {
  int code;
  std::string out;
  std::string err;
};

Printed install(std::vector<std::string> words) {
  words.insert(words.begin(), "install");
  RecordedConsole console;
  const SystemClock clock;
  const int code = dispatch(root_command("lateen"), words, console, clock, {});
  return {.code = code, .out = console.printed, .err = console.complained};
}

JsonArray items_in(const std::string& text) {
  const auto list = parse_json(text);
  EXPECT_TRUE(list) << text.substr(0, 300);
  const JsonArray* items = list ? array_at(*list, "items") : nullptr;
  return items == nullptr ? JsonArray() : *items;
}

std::string title_of(const Json& object) {
  return fmt::format("{} {}", kube::kind_of(object), kube::name_of(object));
}

// Those of Velero's; of a definition, what the fixture has.
std::vector<Json> as_in_fixture(const JsonArray& items) {
  std::vector<Json> out;
  for (Json object : items) {
    if (kube::name_of(object).ends_with(".lateen.io")) continue;
    if (kube::kind_of(object) == "CustomResourceDefinition") {
      erase(object, "spec");
      const Json meta = object.as_object()["metadata"];
      ensure(object, "metadata") =
          JsonObject{{"name", *find(meta, "name")}, {"labels", *find(meta, "labels")}};
    }
    out.push_back(std::move(object));
  }
  return out;
}

struct InstallCase {
  const char* name;
  const char* fixture;
  std::vector<std::string> flags;
};

class InstalledObjects : public ::testing::TestWithParam<InstallCase> {};

TEST_P(InstalledObjects, AreThoseOfVelero) {
  const auto folder = TempDir::create("lateen-install");
  ASSERT_TRUE(folder);
  const std::string file = (folder->path() / "credentials").string();
  ASSERT_TRUE(write_file(file, "[default]\naws_access_key_id=a\n"));
  std::vector<std::string> words = {"--dry-run", "-o", "json", "--image", "velero/velero:v1.18.1"};
  for (const std::string& flag : GetParam().flags)
    words.push_back(flag == "FILE" ? file : flag);
  const Printed printed = install(words);
  ASSERT_EQ(printed.code, 0) << printed.err;
  const auto fixture = read_file(FilePath(LATEEN_TESTDATA) / "install" / GetParam().fixture);
  ASSERT_TRUE(fixture);
  const std::vector<Json> wanted = as_in_fixture(items_in(*fixture));
  const std::vector<Json> made = as_in_fixture(items_in(printed.out));
  ASSERT_EQ(made.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    EXPECT_EQ(write_json_pretty(made[i]), write_json_pretty(wanted[i])) << title_of(wanted[i]);
}

INSTANTIATE_TEST_SUITE_P(
    ,
    InstalledObjects,
    ::testing::Values(
        InstallCase{"WithANodeAgent",
                    "agent.json",
                    {"--provider", "aws", "--plugins", "velero/velero-plugin-for-aws:v1.12.0",
                     "--bucket", "b", "--no-secret", "--use-node-agent"}},
        InstallCase{"WithEverything",
                    "everything.json",
                    {"--provider",
                     "aws",
                     "--plugins",
                     "velero/velero-plugin-for-aws:v1.12.0,x.io/a/b:v2",
                     "--bucket",
                     "b",
                     "--prefix",
                     "p",
                     "--secret-file",
                     "FILE",
                     "--use-node-agent",
                     "--use-node-agent-windows",
                     "--privileged-node-agent",
                     "--backup-location-config",
                     "region=eu-west-1,s3Url=http://x",
                     "--snapshot-location-config",
                     "region=eu-west-1",
                     "--cacert",
                     "FILE",
                     "--features",
                     "EnableCSI,EnableX",
                     "--pod-annotations",
                     "a=b",
                     "--pod-labels",
                     "c=d",
                     "--sa-annotations",
                     "eks.amazonaws.com/role-arn=arn:aws:iam::1:role/v",
                     "--default-volumes-to-fs-backup",
                     "--default-snapshot-move-data",
                     "--disable-informer-cache",
                     "--schedule-skip-immediately",
                     "--restore-only",
                     "--default-repo-maintain-frequency",
                     "2h",
                     "--garbage-collection-frequency",
                     "30m",
                     "--pod-volume-operation-timeout",
                     "5h",
                     "--keep-latest-maintenance-jobs",
                     "2",
                     "--maintenance-job-cpu-limit",
                     "1",
                     "--maintenance-job-cpu-request",
                     "500m",
                     "--maintenance-job-mem-limit",
                     "1Gi",
                     "--maintenance-job-mem-request",
                     "500Mi",
                     "--item-block-worker-count",
                     "3",
                     "--concurrent-backups",
                     "2",
                     "--velero-pod-cpu-request",
                     "1000m",
                     "--velero-pod-mem-limit",
                     "0",
                     "--node-agent-pod-mem-limit",
                     "1Gi",
                     "--node-agent-pod-cpu-request",
                     "0.5",
                     "--csi-snapshot-early-frequent-polling",
                     "--kubelet-root-dir",
                     "/var/snap/kubelet",
                     "--server-priority-class-name",
                     "high",
                     "--node-agent-priority-class-name",
                     "higher",
                     "-n",
                     "backups"}},
        InstallCase{"WithAnAccountOfOnesOwn",
                    "own-account.json",
                    {"--provider", "aws", "--plugins", "velero/velero-plugin-for-aws", "--bucket",
                     "b", "--no-secret", "--image", "localhost:5000/velero/velero:v1",
                     "--no-default-backup-location=false", "--use-volume-snapshots=false",
                     "--service-account-name", "mine", "--node-agent-disable-host-path",
                     "--use-node-agent"}},
        InstallCase{
            "WithoutLocations",
            "nothing-default.json",
            {"--no-default-backup-location", "--use-volume-snapshots=false", "--no-secret"}}),
    [](const ::testing::TestParamInfo<InstallCase>& one) { return std::string(one.param.name); });

TEST(Install, RefusesInVelerosWords) {
  struct Refusal {
    std::vector<std::string> flags;
    const char* text;
  };

  const std::vector<Refusal> refusals = {
      {{}, "--provider is required"},
      {{"--provider", "aws"}, "--bucket is required"},
      {{"--provider", "gcp", "--bucket", "b"}, "--plugins flag is required"},
      {{"--provider", "aws", "--bucket", "b"}, "One of --secret-file or --no-secret is required"},
      {{"--provider", "aws", "--bucket", "b", "--no-secret", "--secret-file", "x"},
       "Cannot use both --secret-file and --no-secret"},
      {{"--bucket", "-x"}, "Bucket names cannot begin with a dash. Bucket name was: -x"},
      {{"--provider", "aws", "--bucket", "b", "--use-volume-snapshots=false",
        "--snapshot-location-config", "a=b"},
       "--snapshot-location-config must be empty when --use-volume-snapshots=false"},
      {{"--provider", "aws", "--bucket", "b", "--no-secret", "--default-volumes-to-fs-backup"},
       "--use-node-agent is required when using --default-volumes-to-fs-backup"},
      {{"--provider", "aws", "--bucket", "b", "--no-secret", "--velero-pod-cpu-request", "2"},
       "CPU request \"2\" must be less than or equal to CPU limit \"1\""},
      {{"-o", "table"}, "'table' format is not supported with 'install' command"}};
  for (const Refusal& refusal : refusals) {
    const Printed printed = install(refusal.flags);
    EXPECT_EQ(printed.code, 1);
    EXPECT_THAT(printed.err, HasSubstr(fmt::format("An error occurred: {}\n", refusal.text)));
  }
}

TEST(Install, ShowsAFolderThatIsTheBucketToItsPods) {
  const Printed printed =
      install({"--dry-run", "-o", "json", "--provider", "filesystem", "--bucket", "lateen",
               "--backup-location-config", "path=/mnt/backups", "--use-node-agent"});
  ASSERT_EQ(printed.code, 0) << printed.err;
  int pods = 0;
  for (const Json& object : items_in(printed.out)) {
    EXPECT_NE(kube::kind_of(object), "VolumeSnapshotLocation");
    const JsonArray* volumes = array_at(object, "spec.template.spec.volumes");
    if (volumes == nullptr) continue;
    ++pods;
    EXPECT_EQ(string_at(volumes->back(), "hostPath.path"), "/mnt/backups");
    const Json* container = velero_container(object);
    ASSERT_NE(container, nullptr);
    EXPECT_EQ(string_at(array_at(*container, "volumeMounts")->back(), "mountPath"), "/mnt/backups");
  }
  EXPECT_EQ(pods, 2);
}

// The server's Deployment as Velero's installer makes it.
Json velero_deployment() {
  const auto fixture = read_file(FilePath(LATEEN_TESTDATA) / "install/everything.json");
  if (!fixture) return nullptr;
  for (const Json& object : items_in(*fixture)) {
    if (kube::kind_of(object) == "Deployment") return object;
  }
  return nullptr;
}

TEST(Takeover, ChangesTheImageAloneAndCanBeUndone) {
  const Json before = velero_deployment();
  const auto after = taken_over(before, "lateen/lateen:v0.1.0");
  ASSERT_TRUE(after) << after.error().message();
  EXPECT_THAT(container_changes(before, *after),
              ElementsAre("- image: velero/velero:v1.18.1", "+ image: lateen/lateen:v0.1.0"));
  const auto newer = taken_over(*after, "lateen/lateen:latest");
  ASSERT_TRUE(newer);
  EXPECT_THAT(container_changes(*after, *newer),
              ElementsAre("- image: lateen/lateen:v0.1.0", "+ image: lateen/lateen:latest",
                          "- imagePullPolicy: IfNotPresent", "+ imagePullPolicy: Always"));
  const auto back = given_back(*newer);
  ASSERT_TRUE(back);
  EXPECT_EQ(write_json_pretty(*back), write_json_pretty(before));
  EXPECT_FALSE(given_back(*back));
}

TEST(Takeover, FindsArgumentsThatTheServerWouldNotStartWith) {
  Json deployment = velero_deployment();
  std::vector<FlagSpec> flags = server_command().flags;
  for (FlagSpec& global : global_flags())
    flags.push_back(std::move(global));
  EXPECT_THAT(refused_arguments(deployment, flags), ElementsAre())
      << "an argument of Velero's installer is not known";
  JsonArray& containers = ensure(deployment, "spec.template.spec.containers").as_array();
  ensure(containers.front(), "args") = JsonArray{"server",
                                                 "--log-level",
                                                 "debug",
                                                 "--restic-timeout=1h",
                                                 "--uploader-type=kopia",
                                                 "--client-page-size=many"};
  EXPECT_THAT(refused_arguments(deployment, flags),
              ElementsAre("--restic-timeout=1h", "--client-page-size=many"));
}

TEST(Takeover, ReadsTheVersionOfAnImagesTag) {
  EXPECT_EQ(velero_minor_of("velero/velero:v1.14.1"), 14);
  EXPECT_EQ(velero_minor_of("a.registry:5000/velero:v1.9.0@sha256:00"), 9);
  EXPECT_EQ(velero_minor_of("velero/velero:main"), std::nullopt);
  EXPECT_EQ(velero_minor_of("velero/velero"), std::nullopt);
}

}  // namespace
}  // namespace lateen::cli
