// Names of users and groups by number: restic stores both.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/thread.h"

namespace lateen::repository::restic {

// Remembers what it was told. Thread-safe.
class AccountNames {
 public:
  // Empty if there is none.
  std::string user(std::uint32_t uid);
  std::string group(std::uint32_t gid);

 private:
  using Names = std::unordered_map<std::uint32_t, std::string>;

  Mutex mu_;
  Names users_ LATEEN_GUARDED_BY(mu_);
  Names groups_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::repository::restic
