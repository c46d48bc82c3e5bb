// A folder of many kinds of files, a repository, and the programs that work on them: `lateen repo`
// and the real restic.
#pragma once

#include <functional>
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/temp.h"
#include "voyages/testing/program.h"

namespace lateen::voyages {

inline constexpr const char* kRestic = "/usr/bin/restic";

class RepositoryVoyage : public ::testing::Test {
 protected:
  FilePath dir() const { return temp_.path(); }

  FilePath source() const { return dir() / "source"; }

  FilePath repo() const { return dir() / "repo"; }

  // A suite whose repository is elsewhere has another.
  virtual std::map<std::string, std::string> environment() const;
  Outcome restic(Words words) const;
  Outcome lateen(Words words, const std::string& input = {}) const;

  static void expect_ok(const Outcome& outcome) { EXPECT_EQ(outcome.code, 0) << outcome.story(); }

  // Both programs find nothing wrong, all data read.
  void expect_clean() const;

  static std::string noise(std::size_t size, unsigned seed);
  void make_source() const;
  void change_source(unsigned seed) const;

  // Everything that a backup must bring back, one line an entry.
  static std::string listing(const FilePath& path);

  // Restored by `program`, and equal to the source as it was.
  void expect_restores(const std::function<Outcome(Words)>& program,
                       const std::string& snapshot,
                       const std::string& expected) const;

  auto with_restic() const {
    return [this](Words words) { return restic(std::move(words)); };
  }

  auto with_lateen() const {
    return [this](Words words) { return lateen(std::move(words)); };
  }

  std::size_t snapshot_count() const;
  FilePath largest_pack() const;
  // Starts it and kills it, as a crash would, after so long.
  void kill_after(Words words, Duration wait) const;

 private:
  TempDir temp_ = TempDir::create("lateen-repository-voyage").value();
};

}  // namespace lateen::voyages
