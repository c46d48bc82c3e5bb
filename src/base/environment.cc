#include "base/environment.h"

#include <cstdlib>
#include <string_view>

#include <pwd.h>
#include <unistd.h>

namespace lateen {

std::optional<std::string> env(const std::string& name) {
  // Nothing in this program sets variables, so that reading them from several threads is safe.
  const char* const value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

std::vector<std::string> environment() {
  std::vector<std::string> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    all.emplace_back(*entry);
  }
  return all;
}

std::vector<std::string> with_variables(std::vector<std::string> base,
                                        const std::vector<std::string>& variables) {
  for (const std::string& variable : variables) {
    const std::string name_and_sign = variable.substr(0, variable.find('=')) + "=";
    std::erase_if(base, [&](const std::string& e) { return e.starts_with(name_and_sign); });
    base.push_back(variable);
  }
  return base;
}

std::filesystem::path home_dir() {
  if (const auto home = env("HOME"); home && !home->empty()) return *home;
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16384);
  if (getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return entry.pw_dir;
  }
  return "/";
}

std::filesystem::path temp_dir() {
  const auto dir = env("TMPDIR");
  return dir && !dir->empty() ? *dir : "/tmp";
}

}  // namespace lateen
