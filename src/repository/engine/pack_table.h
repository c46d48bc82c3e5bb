// Names of packs by number: an index has far more contents than packs, so rows carry numbers.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/thread.h"

namespace lateen::repository {

// Only grows; a name keeps its number and its address. Thread-safe.
class PackTable {
 public:
  // The number of this name, a new one if it is new.
  std::uint32_t intern(std::string_view name);

  std::optional<std::uint32_t> find(std::string_view name) const;

  // `number` came from intern().
  std::string_view name(std::uint32_t number) const;

  std::size_t size() const;

 private:
  mutable Mutex mu_;
  std::deque<std::string> names_ LATEEN_GUARDED_BY(mu_);
  std::unordered_map<std::string_view, std::uint32_t> numbers_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::repository
