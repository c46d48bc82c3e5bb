// `coverage` for a person.
#pragma once

#include <string>

#include "assurance/coverage.h"

namespace lateen::cli {

std::string print_coverage(const assurance::CoverageReport& report);

// "3d", "5h", "12m".
std::string short_duration(Duration duration);

}  // namespace lateen::cli
