// The plugin of the tests (plugin.py) as a program in a plugin directory.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/temp.h"

namespace lateen::plugins::testing {

struct ProgramOptions {
  std::string name = "velero-plugin-example";
  std::string mode = {};              // see plugin.py
  std::string prefix = "example.io";  // of its plugins' names
};

// A plugin directory, and what the plugins in it have written down. Not thread-safe.
class PluginDir {
 public:
  // Null, and a failure of the test, without the tests' Python (tests/tools/python-env.sh).
  static std::unique_ptr<PluginDir> create();

  explicit PluginDir(TempDir dir) : dir_(std::move(dir)) {}

  FilePath path() const { return dir_.path() / "plugins"; }

  FilePath state() const { return dir_.path() / "state"; }

  // Puts a program there; gives its path.
  FilePath add(const ProgramOptions& options = {}) const;
  FilePath add_file(std::string_view name, std::string_view content, mode_t mode) const;

  // What the plugins were asked, a line each, oldest first; of one call ("ObjectStore.Init") or
  // all.
  std::vector<Json> calls(std::string_view name = {}) const;

 private:
  TempDir dir_;
};

}  // namespace lateen::plugins::testing
