// The program: finds the command and runs it.
#pragma once

#include <span>
#include <stop_token>
#include <string>

namespace lateen::cli {

// `arguments` without the program's own name; `program` is the name it was started by. Gives the
// exit code.
int run(const std::string& program, std::span<const std::string> arguments, std::stop_token stop);

}  // namespace lateen::cli
