// How much a test is to do: little in CI, more where somebody asks for it by a variable.
#pragma once

#include <cstdint>

#include "base/environment.h"
#include "base/text.h"

namespace lateen::repository::testing {

inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const auto text = env(variable);
  const auto number = text ? parse_int(*text) : Result<std::int64_t>(0);
  return number && *number > 0 ? static_cast<std::uint64_t>(*number) : otherwise;
}

}  // namespace lateen::repository::testing
