// Passwords of a repository. Each is a file in `keys/` that holds the one master key, encrypted
// with a key that is derived from the password.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "objects/object_store.h"
#include "repository/crypto/kdf.h"
#include "repository/restic/documents.h"

namespace lateen::repository {
class DerivedKeys;
}

namespace lateen::repository::restic {

// What deriving a key from a password costs: about what restic settles on.
inline constexpr ScryptCost kDefaultScryptCost = {.n = 32768, .r = 8, .p = 5};

struct OpenedKey {
  Id id = {};
  KeyFile file = {};
  MasterKey master = {};
};

// Tries `hint` first (the beginning of a key's ID), else all keys. Unauthenticated if the password
// opens none of them; NotFound if there are no keys at all: this is no repository. What is among
// `known`, which may be null, is not derived again.
Result<OpenedKey> open_with_password(objects::ObjectStore& store,
                                     const Secret& password,
                                     std::string_view hint,
                                     DerivedKeys* known,
                                     std::stop_token stop);

// Who a new key is for.
struct KeyOwner {
  std::string username = {};
  std::string hostname = {};
};

MasterKey make_master_key(Rng& rng);

// Stores another password for the same master key. Its ID.
Result<Id> add_key(objects::ObjectStore& store,
                   const MasterKey& master,
                   const Secret& password,
                   const KeyOwner& owner,
                   TimePoint now,
                   Rng& rng,
                   const ScryptCost& cost = kDefaultScryptCost);

struct ListedKey {
  Id id = {};
  KeyFile file = {};
};

// Those that cannot be read are left out, and named in `problems`.
Result<std::vector<ListedKey>> list_keys(objects::ObjectStore& store,
                                         std::vector<Error>& problems,
                                         std::stop_token stop);

}  // namespace lateen::repository::restic
