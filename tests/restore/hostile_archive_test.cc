// A restore of a tarball as an enemy would write it (testdata/hostile), into the sandbox's API
// server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/process.h"
#include "base/temp.h"
#include "restore/run.h"
#include "restore/testing/fixtures.h"
#include "sandbox/testing/rest_api.h"

namespace lateen::restore {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class HostileRestoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const FilePath script = FilePath(LATEEN_TESTDATA) / "hostile/make_tarball.py";
    const auto made = run_process({.argv = {"python3", script.string(), tarball_.string()}},
                                  Deadline::after(std::chrono::seconds(30)), {});
    ASSERT_TRUE(made && made->ok()) << made->err;
    restore_.metadata.name = "r1";
    restore_.metadata.uid = "7d0b6d8e-0000-0000-0000-000000000002";
    restore_.spec.backup_name = "hostile";
  }

  RestoreOutcome run() {
    const auto archive =
        archive::ArchiveReader::open(tarball_, {.temp_dir = dir_.path()}, {}).value();
    const auto discovery = kube::discover(api_.client());
    EXPECT_TRUE(discovery);
    const RestorePlan plan = plan_restore(restore_.spec, archive.items(), *discovery);
    const RestoreTools tools{.client = api_.client(), .clock = clock_, .log = Log()};
    return run_restore(restore_, plan, archive, tools, {}, {}).value();
  }

  std::vector<std::string> config_maps() {
    const auto list = api_.client().list({.gvr = {"", "v1", "configmaps"}}, {});
    EXPECT_TRUE(list);
    std::vector<std::string> names;
    for (const Json& item : *array_at(*list, "items"))
      names.push_back(kube::object_key(item));
    return names;
  }

  TempDir dir_ = TempDir::create().value();
  const FilePath tarball_ = dir_.path() / "hostile.tar.gz";
  sandbox::testing::RestApi api_;
  SystemClock clock_;
  model::Restore restore_;
};

TEST_F(HostileRestoreTest, CreatesWhatIsAtItsPlaceAndNamesTheRest) {
  const std::vector<std::string> before = config_maps();
  const RestoreOutcome outcome = run();
  std::vector<std::string> created;
  for (const std::string& name : config_maps()) {
    if (std::ranges::find(before, name) == before.end() && !name.ends_with("kube-root-ca.crt"))
      created.push_back(name);
  }
  EXPECT_THAT(created, ElementsAre("shop/first", "shop/last", "shop/twice"));
  EXPECT_THAT(outcome.results.warnings.velero,
              Contains(HasSubstr("was not read: its name leads out of the archive")));
  EXPECT_THAT(outcome.results.warnings.velero,
              Contains(HasSubstr("line\\nbreak.json\" was not read: no object can be called so")));
  const model::StringList& errors = outcome.results.errors.namespaces.at("shop");
  EXPECT_THAT(errors, SizeIs(11));
  for (const auto& [name, why] : std::map<std::string, std::string>{
           {"elsewhere", "at its place in the tarball lies \"kube-system/elsewhere\" instead"},
           {"renamed", "at its place in the tarball lies \"shop/other\" instead"},
           {"nameless", "an object without a name instead"},
           {"secretly", "at its place lies a \"Secret\""},
           {"foreign", "one of \"rbac.authorization.k8s.io/v1\" instead"},
           {"deep", "it is broken in the backup"},
           {"deeparray", "it is broken in the backup"},
           {"cut", "it is broken in the backup"},
           {"array", "no JSON object"},
           {"empty", "it is broken in the backup"},
           {"notutf8", "it is broken in the backup"}}) {
    EXPECT_THAT(errors, Contains(AllOf(HasSubstr(name), HasSubstr(why))));
  }
}

}  // namespace
}  // namespace lateen::restore
