// What a backup does not hold, for a person: shared by the dry run, `backup describe` and
// `coverage`.
#pragma once

#include <string>
#include <vector>

#include "assurance/backup_coverage.h"

namespace lateen::cli {

std::vector<std::string> namespace_lines(const std::vector<assurance::LeftOutNamespace>& left_out);
std::vector<std::string> local_volume_lines(const std::vector<assurance::LocalVolume>& volumes);
// References to one target once, with the first place where it was found.
std::vector<std::string> outside_lines(const std::vector<assurance::OutsideReference>& outside);
std::vector<std::string> warning_lines(const std::vector<assurance::PlanWarning>& warnings);

// All three of them under their headings; "" when there is nothing to say.
std::string print_out_of_reach(const assurance::Findings& findings);

}  // namespace lateen::cli
