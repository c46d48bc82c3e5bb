// A listing that still shows what a prune has removed.
#include "repository/testing/both_formats.h"
#include "repository/testing/lagging_store.h"
#include "repository/testing/test_stream.h"

namespace lateen::repository::restic {
namespace {

Result<BackupReport> back_up(Repository& repository, BytesView bytes) {
  ViewSource source(bytes);
  BackupRequest request{.host = "h", .user = "u"};
  request.stdin_source = &source;
  request.stdin_name = "file";
  Progress progress;
  return repository.backup(request, progress, {});
}

TEST(ResticLateListing, NoSnapshotNamesWhatAPruneHasRemoved) {
  repository::testing::MemoryRepository repository{.format = RepositoryFormat::Restic};
  const Bytes bytes = repository::testing::test_bytes(7, 100'000);
  auto other = repository.create();
  const auto first = back_up(*other, bytes);
  ASSERT_TRUE(first) << first.error().message();
  bool late = false;
  auto lists = std::make_unique<repository::testing::LaggingStore>(repository.store(), late);
  ASSERT_TRUE(lists->list("index/", "", {}));
  const OpenOptions options{.lock_settle = Duration::zero()};
  const auto opened =
      open_repository(std::move(lists), Secret("pw"), options, repository.access()).value();
  other = repository.open();
  const std::vector<std::string> ids = {first->snapshot.id};
  ASSERT_TRUE(other->forget(ids, {}));
  Progress progress;
  ASSERT_TRUE(other->prune({.max_unused_percent = 0.0}, progress, {}));
  other.reset();

  late = true;
  const auto refused = back_up(*opened, bytes);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("was removed by others"), std::string::npos)
      << refused.error().message();
  late = false;
  const auto done = back_up(*opened, bytes);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(repository::testing::check_all(*opened), "");
}

}  // namespace
}  // namespace lateen::repository::restic
