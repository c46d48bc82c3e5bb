#include "repository/tree/tree_warming.h"

#include <set>

#include <gtest/gtest.h>

#include "base/temp.h"
#include "base/thread.h"

namespace lateen::repository {
namespace {

// A disk that does not answer may be what was left out.
TEST(TreeWarming, LooksAtFoldersAndNotIntoWhatIsLeftOut) {
  if (hardware_threads() < 2) GTEST_SKIP() << "with one core it does nothing";
  const TempDir dir = TempDir::create("tree-warming").value();
  const std::string top = dir.path().native();
  for (const char* below : {"/a/b/c", "/out/d", "/e"})
    ASSERT_TRUE(make_dirs(top + below));
  ASSERT_TRUE(write_file(top + "/a/file", "x"));
  Mutex mu;
  Condition asked_of_all;
  std::set<std::string> asked;
  const std::set<std::string> expected = {"/a", "/a/b", "/a/b/c", "/e", "/out"};
  const TreeWarming warming({.paths = {top + "/", top + "/not-there", top + "/a/file"},
                             .exclude = [&](const std::string& path, const Entry& entry) {
                               EXPECT_EQ(entry.type, EntryType::Directory);
                               Lock lock(mu);
                               asked.insert(path.substr(top.size()));
                               asked_of_all.notify_all();
                               return path.ends_with("/out");
                             }});
  Lock lock(mu);
  asked_of_all.wait(mu, Deadline::after(std::chrono::seconds(60)), {},
                    [&] { return asked == expected; });
  EXPECT_EQ(asked, expected);
}

}  // namespace
}  // namespace lateen::repository
