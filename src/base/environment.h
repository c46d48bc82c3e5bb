// The process's environment: the only home of getenv. Read at the edge, once; nothing here sets a
// variable.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lateen {

// Nothing if unset; an empty text if set to nothing.
std::optional<std::string> env(const std::string& name);

// All of it as NAME=value, for a child that gets ours and a little more.
std::vector<std::string> environment();

// `base` with the given NAME=value entries added, replacing those of the same name.
std::vector<std::string> with_variables(std::vector<std::string> base,
                                        const std::vector<std::string>& variables);

// $HOME, or the password database's answer; "/" if neither knows.
std::filesystem::path home_dir();

// $TMPDIR, or /tmp.
std::filesystem::path temp_dir();

}  // namespace lateen
