#include "voyages/testing/program.h"

#include <gtest/gtest.h>

#include "base/environment.h"
#include "base/process.h"
#include "base/text.h"

namespace lateen::voyages {

std::string Outcome::story() const {
  return fmt::format("$ {}\nexit code {}\n-- stdout\n{}\n-- stderr\n{}", command, code, out, err);
}

Outcome run_program(const Words& argv, const ProgramOptions& options) {
  std::vector<std::string> variables;
  for (const auto& [name, value] : options.env)
    variables.push_back(fmt::format("{}={}", name, value));
  Outcome outcome{.command = join(argv, " "), .code = -1, .out = {}, .err = {}};
  auto ran = run_process({.argv = argv,
                          .env = with_variables(environment(), variables),
                          .cwd = options.cwd,
                          .stdin_bytes = options.input},
                         Deadline::after(options.within), {});
  if (!ran) {
    outcome.err = ran.error().describe();
    return outcome;
  }
  outcome.code = ran->exit_code;
  outcome.out = std::move(ran->out);
  outcome.err = std::move(ran->err);
  return outcome;
}

bool wait_until(std::string_view what, const std::function<bool()>& condition, Duration within) {
  constexpr std::chrono::milliseconds kBetweenTries{50};
  const Deadline deadline = Deadline::after(within);
  while (!condition()) {
    if (deadline.expired()) {
      ADD_FAILURE() << "waited in vain until " << what;
      return false;
    }
    sleep_unless_stopped(kBetweenTries, {});
  }
  return true;
}

std::string text_of(const FilePath& path) {
  auto text = read_file(path);
  if (text) return std::move(*text);
  ADD_FAILURE() << text.error().message();
  return {};
}

void write_text(const FilePath& path, std::string_view text) {
  const Status written = write_file(path, text, 0600);
  EXPECT_TRUE(written) << written.error().message();
}

}  // namespace lateen::voyages
