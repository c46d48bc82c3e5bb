// A repository in memory, of either format.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "base/temp.h"
#include "repository/kopia/kopia.h"
#include "repository/kopia/timed_store.h"
#include "repository/restic/restic.h"

namespace lateen::repository::testing {

// One machine's bucket with one repository in it.
struct MemoryRepository {
  RepositoryFormat format = RepositoryFormat::Kopia;
  kopia::TestClock clock = {};
  SystemRng rng = {};
  std::shared_ptr<kopia::Bucket> bucket = std::make_shared<kopia::Bucket>();

  std::unique_ptr<objects::ObjectStore> store() { return kopia::open_bucket(bucket, clock); }

  RepositoryAccess access() {
    return {.clock = clock, .rng = rng, .user = "u", .host = "h", .threads = 2};
  }

  std::unique_ptr<Repository> create() {
    if (format == RepositoryFormat::Kopia) {
      return std::move(kopia::create_repository(store(), Secret("pw"), {}, access()).value());
    }
    const restic::CreateOptions options{.cost = {.n = 2, .r = 1, .p = 1}};
    (void)restic::create_repository(store(), Secret("pw"), options, access()).value();
    return open();
  }

  std::unique_ptr<Repository> open() {
    if (format == RepositoryFormat::Kopia) {
      return std::move(kopia::open_repository(store(), Secret("pw"), access()).value());
    }
    // Nobody else takes locks here: nobody has to wait for them to be seen.
    const restic::OpenOptions options{.lock_settle = Duration::zero()};
    return std::move(restic::open_repository(store(), Secret("pw"), options, access()).value());
  }
};

inline std::string format_name(RepositoryFormat format) {
  return format == RepositoryFormat::Kopia ? "Kopia" : "Restic";
}

inline std::string format_case_name(const ::testing::TestParamInfo<RepositoryFormat>& tested) {
  return format_name(tested.param);
}

// The tree of the only folder that the snapshot is of, wherever it hangs.
inline StoredEntry root_of(Repository& repository, const Snapshot& snapshot) {
  StoredEntry at = snapshot.root;
  Workspace workspace;
  while (true) {
    auto entries =
        repository.trees().read_directory(at.object, repository.reader(), workspace).value();
    if (entries.size() != 1 || entries.front().entry.type != EntryType::Directory) return at;
    at = entries.front();
  }
}

// All damage that a check with all data read finds, a line each.
inline std::string check_all(Repository& repository) {
  Progress progress;
  CheckRequest request;
  request.verify.read_data = true;
  const auto checked = repository.check(request, progress, {});
  std::string out;
  if (!checked) out = checked.error().message() + "\n";
  for (const Problem& problem : progress.problems.take())
    out += problem.path + ": " + problem.error.message() + "\n";
  return out;
}

}  // namespace lateen::repository::testing
