#include "repository/engine/pack_table.h"

#include "base/result.h"

namespace lateen::repository {

std::uint32_t PackTable::intern(std::string_view name) {
  Lock lock(mu_);
  const auto found = numbers_.find(name);
  if (found != numbers_.end()) return found->second;
  const auto number = static_cast<std::uint32_t>(names_.size());
  names_.emplace_back(name);
  numbers_.emplace(names_.back(), number);
  return number;
}

std::optional<std::uint32_t> PackTable::find(std::string_view name) const {
  Lock lock(mu_);
  const auto found = numbers_.find(name);
  if (found == numbers_.end()) return std::nullopt;
  return found->second;
}

std::string_view PackTable::name(std::uint32_t number) const {
  Lock lock(mu_);
  LATEEN_ASSERT(number < names_.size(), "numbers of packs come from intern()");
  return names_[number];
}

std::size_t PackTable::size() const {
  Lock lock(mu_);
  return names_.size();
}

}  // namespace lateen::repository
