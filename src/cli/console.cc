#include "cli/console.h"

#include <unistd.h>

#include "base/file.h"

namespace lateen::cli {

void SystemConsole::out(std::string_view text) {
  (void)write_all(STDOUT_FILENO, text);  // there is nowhere to say that nobody listens
}

void SystemConsole::err(std::string_view text) {
  (void)write_all(STDERR_FILENO, text);
}

std::optional<std::string> SystemConsole::read_line() {
  constexpr std::size_t kLongestLine = 4096;
  while (true) {
    const std::size_t end = pending_.find('\n');
    if (end != std::string::npos) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return line;
    }
    if (pending_.size() >= kLongestLine) return std::exchange(pending_, {});
    auto more = read_some(STDIN_FILENO, kLongestLine);
    if (!more || more->empty()) return std::nullopt;
    pending_ += *more;
  }
}

bool SystemConsole::is_terminal() const {
  return isatty(STDOUT_FILENO) != 0;
}

}  // namespace lateen::cli
