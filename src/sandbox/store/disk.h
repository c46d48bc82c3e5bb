// The store's files: every object's newest state and the newest revision, in SQLite.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sandbox/store/sqlite.h"
#include "sandbox/store/stored_object.h"

namespace lateen::sandbox {

// One change to be made durable.
struct DiskChange {
  std::string resource;  // "apps/deployments"
  StoredPtr object;
  bool deleted = false;
};

// Not thread-safe: one user at a time.
class Disk {
 public:
  static Result<Disk> open(const std::string& path);

  // Calls `each` for every object, ordered by resource, namespace and name; answers the newest
  // revision.
  Result<std::uint64_t> load(const std::function<void(std::string_view resource, StoredPtr)>& each);

  // All changes in one transaction, or none. They are on the disk when it returns.
  Status commit(std::span<const DiskChange> changes);

 private:
  Disk(SqliteDatabase db, SqliteStatement put, SqliteStatement erase, SqliteStatement mark);

  Status apply(const DiskChange& change);

  SqliteDatabase db_;
  SqliteStatement put_;
  SqliteStatement erase_;
  SqliteStatement mark_;
};

}  // namespace lateen::sandbox
