// Another password for a repository, and what is left when the change is cut short.
#include <gmock/gmock.h>

#include "base/file.h"
#include "repository/kopia/fixture.h"
#include "repository/kopia/format.h"

namespace lateen::repository::kopia {
namespace {

using ::testing::HasSubstr;

class KopiaPassword : public KopiaFixture {
 protected:
  static std::string unique_name(const FilePath& dir, const std::string& blob) {
    for (const std::string& name : {blob + ".f", blob}) {
      if (path_exists(dir / name)) return name;
    }
    ADD_FAILURE() << blob << " is not there";
    return blob;
  }
};

TEST_F(KopiaPassword, TheNewOneOpensWhatKopiaWroteAndTheFormerOneDoesNot) {
  const FilePath repo = unpack("kopia-repo");
  const Secret fresh("another one");
  std::size_t snapshots = 0;
  {
    const auto before = open(repo);
    ASSERT_TRUE(before) << before.error().message();
    snapshots = (*before)->snapshots({}).value().size();
    ASSERT_GT(snapshots, 0U);
    const Status changed = (*before)->change_password(fresh, {});
    ASSERT_TRUE(changed) << changed.error().describe();
    // Who had it open goes on writing.
    EXPECT_TRUE(
        (*before)->set_policy({.host = "h", .user = "u", .path = "/p"}, velero_policy(1), {}));
  }
  const auto former = open(repo);
  ASSERT_FALSE(former);
  EXPECT_TRUE(former.error().is(Code::Unauthenticated));
  const auto after = open(repo, fresh);
  ASSERT_TRUE(after) << after.error().message();
  EXPECT_EQ((*after)->snapshots({}).value().size(), snapshots);
  Progress progress;
  ASSERT_TRUE((*after)->check({.verify = {.read_data = true}}, progress, {}));
  EXPECT_TRUE(progress.problems.take().empty());
  EXPECT_TRUE((*after)->maintain({.force = true}, progress, {})) << "its schedule is read, too";
}

TEST_F(KopiaPassword, WhoHadItOpenElsewhereIsToldToOpenItAgain) {
  const FilePath repo = unpack("kopia-repo");
  const auto other = open(repo).value();
  ASSERT_TRUE(open(repo).value()->change_password(Secret("another one"), {}));
  EXPECT_TRUE(other->snapshots({})) << "what is stored is under the same keys";
  const Status written =
      other->set_policy({.host = "h", .user = "u", .path = "/p"}, velero_policy(1), {});
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message(), HasSubstr("password was changed meanwhile"));
}

// Cut short between the two documents: the former password opens it, and the change is made whole
// by the same call.
TEST_F(KopiaPassword, AChangeThatWasCutShortIsMadeWholeByTheNext) {
  const FilePath repo = unpack("kopia-repo");
  const FilePath format = repo / unique_name(repo, "kopia.repository");
  const std::string before = read_file(format).value();
  ASSERT_TRUE(open(repo).value()->change_password(Secret("another one"), {}));
  ASSERT_TRUE(write_file(format, before));
  const auto half = open(repo).value();
  EXPECT_FALSE(half->snapshots({}).value().empty());
  const Status written =
      half->set_policy({.host = "h", .user = "u", .path = "/p"}, velero_policy(1), {});
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().hint(), HasSubstr("rekey"));
  const Status third = half->change_password(Secret("a third one"), {});
  ASSERT_FALSE(third);
  EXPECT_THAT(third.error().hint(), HasSubstr("run it again with that one"));
  ASSERT_TRUE(half->change_password(Secret("another one"), {}));
  ASSERT_TRUE(open(repo, Secret("another one")));
}

}  // namespace
}  // namespace lateen::repository::kopia
