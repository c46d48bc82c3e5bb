// In which region a backed-up volume's snapshot lies. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace lateen::assurance {

// "eu-west-1" of "eu-west-1a"; a name that is no zone of AWS stays as it is.
std::string region_of_zone(std::string_view zone);

// Of a PersistentVolume, by its labels and its node affinity; "" when neither says.
std::string region_of_volume(const Json& volume);

}  // namespace lateen::assurance
