// `check iam`: the IAM policy of the server's role against the calls that it will make. And the
// printing of checks.
#pragma once

#include <string>
#include <vector>

#include "assurance/checks.h"
#include "assurance/iam_calls.h"
#include "cli/command.h"
#include "cli/output.h"

namespace lateen::cli {

Command check_iam_command();

std::string print_checks(const std::vector<assurance::CheckResult>& results);

// "✓" and its like, which begin a line.
std::string_view check_mark(assurance::CheckVerdict verdict);

std::string print_iam(const std::vector<assurance::IamVerdict>& verdicts,
                      const assurance::IamScenario& scenario);
Json iam_document(const std::vector<assurance::IamVerdict>& verdicts,
                  const assurance::IamScenario& scenario);

}  // namespace lateen::cli
