// Reads argv and hands over: nothing else in the product knows it.
#include <filesystem>
#include <string>
#include <vector>

#include "base/signal.h"
#include "cli/run.h"
#include "sandbox/runtime/container_entry.h"

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  // A container of the sandbox: before anything that starts a thread or changes signals.
  if (words.size() > 1 && words[1] == lateen::sandbox::kContainerArgument) {
    return lateen::sandbox::container_main(lateen::sandbox::kSpecFd);
  }
  lateen::ignore_sigpipe();
  const lateen::StopOnSignals signals;
  const std::string name =
      words.empty() ? "lateen" : std::filesystem::path(words.front()).filename().string();
  const std::vector<std::string> arguments(words.begin() + (words.empty() ? 0 : 1), words.end());
  return lateen::cli::run(name == "velero" ? "velero" : "lateen", arguments, signals.token());
}
