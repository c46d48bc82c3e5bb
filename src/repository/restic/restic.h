// restic repositories: opened and created here; used through repository/repository.h and the few
// calls that only restic's format has.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "objects/object_store.h"
#include "repository/crypto/kdf.h"
#include "repository/repository.h"
#include "repository/restic/files.h"
#include "repository/restic/keys.h"
#include "repository/restic/lock.h"

namespace lateen::repository::restic {

struct CreateOptions {
  int version = 2;
  std::optional<std::uint64_t> polynomial = {};  // of another repository, to share its chunks
  ScryptCost cost = kDefaultScryptCost;
};

struct OpenOptions {
  std::string key_hint = {};     // the beginning of a key's ID
  Bytes config = {};             // what find_repository gave; empty: it is read
  bool load_index = true;        // reader(), backup(), … need it
  ByteCount pack_size = 16_MiB;  // of packs that are written
  ScryptCost new_key_cost = kDefaultScryptCost;
  Duration lock_settle = kLockSettle;  // less only where nobody else is
};

// A password.
struct KeyInfo {
  std::string id = {};
  std::string user = {};
  std::string host = {};
  TimePoint created = {};
  bool current = false;  // the one that this repository was opened with
};

// Locks: every method takes the lock that it needs, unless lock() has; what only reads takes none
// by itself. A lock is held until the repository is closed.
class ResticRepository : public Repository {
 public:
  // Loads the index, or what has come to it since. For who opened without it, and before what a
  // snapshot refers to is read.
  virtual Status ensure_index(std::stop_token stop) = 0;
  // The same for who only reads: what cannot be read of the index is in `problems`.
  virtual Status ensure_some_index(std::vector<Error>& problems, std::stop_token stop) = 0;

  // Conflict if others' locks exclude it. An exclusive lock that is held serves for a shared one.
  // Whether somebody locked exclusively at the same moment as we shared is only known a little
  // later: whatever writes waits for that, and settle_lock() does, and gives a lock up that is not
  // to be had.
  virtual Status lock(LockMode mode, std::stop_token stop) = 0;
  virtual Status settle_lock(std::stop_token stop) = 0;
  // How many were removed: the stale ones, or all.
  virtual Result<std::size_t> remove_locks(bool all, std::stop_token stop) = 0;

  virtual Result<std::vector<KeyInfo>> keys(std::vector<Error>& problems, std::stop_token stop) = 0;
  // The new key's ID.
  virtual Result<std::string> add_key(const Secret& password,
                                      const KeyOwner& owner,
                                      std::stop_token stop) = 0;
  virtual Status remove_key(std::string_view id, std::stop_token stop) = 0;
  virtual Result<std::string> change_password(const Secret& password, std::stop_token stop) = 0;
  // How many keys this password opened, none of which is left. Refused for the only password.
  virtual Result<std::size_t> remove_password(const Secret& password, std::stop_token stop) = 0;

  // Replaces snapshots by ones with these tags: their new IDs.
  virtual Result<std::string> retag(std::string_view snapshot_id,
                                    std::vector<std::string> tags,
                                    std::stop_token stop) = 0;

  // The documents as JSON: `cat` and `list`.
  virtual Result<Bytes> document(FileType type, const Id& id, std::stop_token stop) = 0;
  virtual Result<std::vector<ListedFile>> list(FileType type, std::stop_token stop) = 0;
  virtual std::string config_json() const = 0;
  virtual std::string master_key_json() const = 0;
};

// The config of the restic repository in this store, as it lies there; nothing if there is none.
Result<std::optional<Bytes>> find_repository(objects::ObjectStore& store, std::stop_token stop);

// NotFound if there is none; Unauthenticated for a wrong password; Unsupported for what is newer
// than we are.
Result<std::unique_ptr<ResticRepository>> open_repository(
    std::unique_ptr<objects::ObjectStore> store,
    const Secret& password,
    const OpenOptions& options,
    const RepositoryAccess& access,
    std::stop_token stop = {});

// AlreadyExists if there is one.
Result<std::unique_ptr<ResticRepository>> create_repository(
    std::unique_ptr<objects::ObjectStore> store,
    const Secret& password,
    const CreateOptions& options,
    const RepositoryAccess& access,
    std::stop_token stop = {});

}  // namespace lateen::repository::restic
