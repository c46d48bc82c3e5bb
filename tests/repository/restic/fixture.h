// The repositories in testdata/restic, unpacked, and what a restore of them must give.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/byte_source.h"
#include "base/file.h"
#include "base/random.h"
#include "base/tar.h"
#include "base/temp.h"
#include "base/testing/fake_clock.h"
#include "objects/fs_store.h"
#include "repository/restic/restic.h"

namespace lateen::repository::restic {

inline constexpr std::string_view kFixturePassword = "restic-fixture-pw";

// Cheap, so that tests are quick.
inline constexpr ScryptCost kCheapCost = {.n = 16, .r = 8, .p = 1};

inline FilePath fixture_path(const std::string& name) {
  return FilePath(LATEEN_TESTDATA) / "restic" / name;
}

// Regular files of a tar, below `target`.
inline void unpack(const FilePath& tar, const FilePath& target) {
  const Bytes bytes = read_file(tar).value();
  ViewSource source(bytes);
  TarReader reader(source);
  while (auto entry = reader.next().value()) {
    const FilePath path = target / entry->name;
    if (entry->type == TarType::Directory) {
      ASSERT_TRUE(make_dirs(path));
    } else {
      ASSERT_TRUE(make_dirs(path.parent_path()));
      ASSERT_TRUE(write_file(path, reader.read_all(64_MiB).value()));
    }
  }
}

inline std::unique_ptr<objects::ObjectStore> dir_store(const FilePath& dir, bool create = false) {
  return objects::FsStore::open({.root = dir, .create = create}).value();
}

// A folder, a clock that stands still, real randomness.
class ResticFixture : public ::testing::Test {
 protected:
  FilePath dir() const { return temp_.path(); }

  RepositoryAccess access() {
    return {.clock = clock_, .rng = rng_, .user = "tester", .host = "here"};
  }

  // The fixture repository of this version, unpacked.
  FilePath repository(int version) {
    const FilePath target = dir() / fmt::format("v{}", version);
    unpack(fixture_path(fmt::format("restic-repo-v{}.tar", version)), target);
    // The tar has one folder with the repository in it.
    const auto top = list_dir(target).value();
    return top.size() == 1 ? target / top.front().name : target;
  }

  Result<std::unique_ptr<ResticRepository>> open(const FilePath& path,
                                                 std::string_view password = kFixturePassword) {
    return open_repository(dir_store(path), Secret(std::string(password)),
                           {.new_key_cost = kCheapCost, .lock_settle = {}}, access());
  }

  std::unique_ptr<ResticRepository> create(const FilePath& path, int version = 2) {
    auto created = create_repository(dir_store(path, true), Secret("pw"),
                                     {.version = version, .cost = kCheapCost}, access());
    EXPECT_TRUE(created) << (created ? "" : created.error().message());
    return created ? std::move(*created) : nullptr;
  }

  TempDir temp_ = TempDir::create("lateen-restic").value();
  FakeClock clock_;
  SystemRng rng_;
};

}  // namespace lateen::repository::restic
