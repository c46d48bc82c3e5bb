// Programs run as a person runs them: their exit code and what they said.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file.h"

namespace lateen::voyages {

using Words = std::vector<std::string>;

// How a program ended. Immutable.
struct Outcome {
  std::string command;
  int code = -1;  // -1: it could not be started, or did not end in time; `err` says which
  std::string out;
  std::string err;

  bool ok() const { return code == 0; }

  // The command, its exit code and both outputs: for the message of a failing test.
  std::string story() const;
};

struct ProgramOptions {
  std::map<std::string, std::string> env = {};  // added to ours
  std::string input = {};
  FilePath cwd = {};
  Duration within = std::chrono::seconds(180);
};

Outcome run_program(const Words& argv, const ProgramOptions& options = {});

// Tries until `condition` holds; past `within` the test fails, naming what it waited for. Says
// whether it came true.
bool wait_until(std::string_view what,
                const std::function<bool()>& condition,
                Duration within = std::chrono::seconds(120));

// The file's text; a failure of the test when there is none.
std::string text_of(const FilePath& path);
void write_text(const FilePath& path, std::string_view text);

}  // namespace lateen::voyages
