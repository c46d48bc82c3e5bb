// How often a Backup or Restore was begun anew because the server that was at it had gone: an
// annotation, which Velero passes over. Absent where the first run came to its end.
#pragma once

#include <string>
#include <string_view>

#include "base/text.h"
#include "model/object_meta.h"

namespace lateen::model {

inline constexpr std::string_view kRestarts = "lateen.io/restarts";

inline std::int64_t restarts_of(const ObjectMeta& metadata) {
  const auto count = parse_int(metadata.annotation(kRestarts));
  return count && *count > 0 ? *count : 0;
}

inline void count_restart(ObjectMeta& metadata) {
  metadata.annotations[std::string(kRestarts)] = std::to_string(restarts_of(metadata) + 1);
}

}  // namespace lateen::model
