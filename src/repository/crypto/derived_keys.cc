#include "repository/crypto/derived_keys.h"

#include <algorithm>

namespace lateen::repository {
namespace {

// A node's repositories at one time, with the keys of the location that are tried for each.
constexpr std::size_t kMostKnown = 64;

}  // namespace

Result<Secret> DerivedKeys::scrypt(const Secret& password,
                                   BytesView salt,
                                   const ScryptCost& cost,
                                   std::size_t size) {
  const auto is_it = [&](const Known& one) {
    return one.salt == salt && one.cost == cost && one.key.reveal().size() == size &&
           equal_in_constant_time(one.password.reveal(), password.reveal());
  };
  {
    const Lock lock(mu_);
    const auto found = std::ranges::find_if(known_, is_it);
    if (found != known_.end()) return found->key;
  }
  Secret key(TRY(repository::scrypt(password, salt, cost, size)));
  const Lock lock(mu_);
  if (known_.size() == kMostKnown) known_.pop_front();
  known_.push_back({.password = password, .salt = Bytes(salt), .cost = cost, .key = key});
  return key;
}

Result<Secret> derive_by_scrypt(DerivedKeys* known,
                                const Secret& password,
                                BytesView salt,
                                const ScryptCost& cost,
                                std::size_t size) {
  if (known != nullptr) return known->scrypt(password, salt, cost, size);
  return Secret(TRY(scrypt(password, salt, cost, size)));
}

}  // namespace lateen::repository
