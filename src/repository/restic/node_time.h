// Times of files as restic writes them: RFC 3339 with up to nine digits of a fraction. Millions are
// read and written in a scan, so they do not go through the general parser.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lateen::repository::restic {

// Like the kernel's timespec: nanoseconds count upwards from the second, also before 1970. A value.
struct NodeTime {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;

  auto operator<=>(const NodeTime&) const = default;
};

// In UTC, with years outside 0…9999 moved to the nearer of these.
void append_time(std::string& out, NodeTime t);

// Any offset. Corrupt if it is not a time.
Result<NodeTime> parse_node_time(std::string_view text);

}  // namespace lateen::repository::restic
