#include "repository/restic/account_names.h"

#include <optional>
#include <vector>

#include <grp.h>
#include <pwd.h>

namespace lateen::repository::restic {
namespace {

// More than any entry of a password database takes.
constexpr std::size_t kEntrySize = 64 << 10;

std::string look_up_user(std::uint32_t uid) {
  std::vector<char> room(kEntrySize);
  passwd entry = {};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, room.data(), room.size(), &found) != 0 || found == nullptr) {
    return {};
  }
  return found->pw_name;
}

std::string look_up_group(std::uint32_t gid) {
  std::vector<char> room(kEntrySize);
  group entry = {};
  group* found = nullptr;
  if (::getgrgid_r(gid, &entry, room.data(), room.size(), &found) != 0 || found == nullptr) {
    return {};
  }
  return found->gr_name;
}

std::optional<std::string> find_name(const std::unordered_map<std::uint32_t, std::string>& names,
                                     std::uint32_t number) {
  const auto at = names.find(number);
  return at == names.end() ? std::nullopt : std::optional(at->second);
}

}  // namespace

std::string AccountNames::user(std::uint32_t uid) {
  {
    const Lock lock(mu_);
    if (auto known = find_name(users_, uid)) return std::move(*known);
  }
  std::string name = look_up_user(uid);
  const Lock lock(mu_);
  return users_.emplace(uid, std::move(name)).first->second;
}

std::string AccountNames::group(std::uint32_t gid) {
  {
    const Lock lock(mu_);
    if (auto known = find_name(groups_, gid)) return std::move(*known);
  }
  std::string name = look_up_group(gid);
  const Lock lock(mu_);
  return groups_.emplace(gid, std::move(name)).first->second;
}

}  // namespace lateen::repository::restic
