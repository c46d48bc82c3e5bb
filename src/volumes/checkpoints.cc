#include "volumes/checkpoints.h"

#include "repository/repository.h"

namespace lateen::volumes {

std::vector<std::string> abandoned_checkpoints(std::span<const repository::Snapshot> all,
                                               TimePoint now) {
  std::vector<std::string> ids;
  for (const repository::Snapshot& one : all) {
    if (!one.incomplete.empty() && one.end.value_or(one.time) + kCheckpointsKept < now)
      ids.push_back(one.id);
  }
  return ids;
}

}  // namespace lateen::volumes
