#include "plugins/testing/plugin_program.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/text.h"

namespace lateen::plugins::testing {
namespace {

FilePath python() {
  return FilePath(LATEEN_SOURCE_DIR) / "build/test-python/bin/python3";
}

std::string quoted(const FilePath& path) {
  return "'" + path.native() + "'";
}

}  // namespace

std::unique_ptr<PluginDir> PluginDir::create() {
  if (!path_exists(python())) {
    ADD_FAILURE() << python() << " is missing: run tests/tools/python-env.sh";
    return nullptr;
  }
  auto dir = TempDir::create("lateen-plugins");
  EXPECT_TRUE(dir) << dir.error().message();
  if (!dir) return nullptr;
  auto made = std::make_unique<PluginDir>(std::move(*dir));
  EXPECT_TRUE(make_dirs(made->path()));
  EXPECT_TRUE(make_dirs(made->state()));
  return made;
}

FilePath PluginDir::add(const ProgramOptions& options) const {
  const std::string script = fmt::format(
      "#!/bin/sh\nexec {} {} --descriptors {} --state {} --mode '{}' --prefix '{}' \"$@\"\n",
      quoted(python()), quoted(FilePath(LATEEN_SOURCE_DIR) / "tests/plugins/testing/plugin.py"),
      quoted(LATEEN_PLUGIN_CONTRACTS), quoted(state()), options.mode, options.prefix);
  return add_file(options.name, script, 0755);
}

FilePath PluginDir::add_file(std::string_view name, std::string_view content, mode_t mode) const {
  FilePath file = path() / name;
  EXPECT_TRUE(make_dirs(file.parent_path()));
  EXPECT_TRUE(write_file(file, content, mode));
  EXPECT_EQ(::chmod(file.c_str(), mode), 0);
  return file;
}

std::vector<Json> PluginDir::calls(std::string_view name) const {
  std::vector<Json> found;
  const auto text = read_file(state() / "calls.jsonl");
  if (!text) return found;
  // What follows the last end of a line is still being written.
  const BytesView whole = BytesView(*text).substr(0, text->rfind('\n') + 1);
  for (const std::string_view line : split(whole, '\n')) {
    if (line.empty()) continue;
    auto call = parse_json(line);
    EXPECT_TRUE(call) << line;
    if (call && (name.empty() || string_at(*call, "call") == name)) {
      found.push_back(std::move(*call));
    }
  }
  return found;
}

}  // namespace lateen::plugins::testing
