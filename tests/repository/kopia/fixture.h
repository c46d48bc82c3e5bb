// The repositories that real kopia wrote (tests/testdata/kopia/PROVENANCE.md), unpacked, and the
// listings of what is in them.
#pragma once

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/temp.h"
#include "objects/fs_store.h"
#include "repository/kopia/kopia.h"

namespace lateen::repository::kopia {

inline const Secret& fixture_password() {
  static const Secret password("static-passw0rd");
  return password;
}

// A line of a listing. Fields as they stand there.
struct ListedEntry {
  std::string type = {};
  std::string mode = {};
  std::string owner = {};  // "uid gid"
  std::string mtime = {};  // nanoseconds
  std::string size = {};
  std::string extra = {};  // SHA-256 of a file, target of a link

  bool operator==(const ListedEntry&) const = default;
};

using Listing = std::map<std::string, ListedEntry>;  // by path, "." is the root

std::ostream& operator<<(std::ostream& out, const ListedEntry& entry);

// "source.list" and such.
Listing read_listing(std::string_view name);
// What kopia keeps of it: files, directories, links; names as UTF-8.
Listing as_kopia_keeps(const Listing& listing);
// What is in a folder now; owners only if they could be set.
Listing list_folder(const FilePath& root);
// What a repository says is below an entry, its files read through.
Listing list_stored(const StoredEntry& root, Repository& repository);

class KopiaFixture : public ::testing::Test {
 protected:
  // Unpacks tests/testdata/kopia/<name>.tar, with the times of its files.
  FilePath unpack(std::string_view name);

  RepositoryAccess access() { return {.clock = clock_, .rng = rng_, .user = "u", .host = "h"}; }

  Result<std::unique_ptr<KopiaRepository>> open(const FilePath& dir,
                                                const Secret& password = fixture_password());

  static std::unique_ptr<objects::ObjectStore> store_of(const FilePath& dir);

  const FilePath& dir() const { return dir_.path(); }

 private:
  TempDir dir_ = *TempDir::create("kopia-test");
  SystemClock clock_;
  SystemRng rng_;
};

}  // namespace lateen::repository::kopia
