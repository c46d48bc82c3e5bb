// What has gone into a backup so far: the door through which every object reaches the tarball, and
// the count and the list of names that come out of it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "archive/archive_writer.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/thread.h"
#include "kube/resource.h"

namespace lateen::backup {

// One object, by where it lies.
struct ItemId {
  const kube::ResourceType* type = nullptr;  // never null in use; outlives the run
  std::string ns;
  std::string name;

  // "pods shop/db-0", for messages.
  std::string describe() const;
};

// Memory: the names of all objects, and for kinds that can be reached on two ways their keys.
// Thread-safe.
class BackedUpItems {
 public:
  // `every_kind`: any object may come twice (several label selectors), so that all are remembered.
  BackedUpItems(archive::ArchiveWriter& archive, bool every_kind);

  // Says whether the caller is the first to take this object: later ones leave it alone.
  bool claim(const ItemId& item);

  // Whether somebody has taken it: for objects that others lead to, before they are fetched.
  bool is_claimed(const ItemId& item) const;

  // Objects of this kind may come that were taken already: from now on they are all remembered.
  void may_come_again(const kube::ResourceType& type);

  Status add(const ItemId& item, BytesView json, std::stop_token stop);

  std::int64_t count() const;

  // "apps/v1/Deployment" → sorted "shop/web".
  std::map<std::string, std::vector<std::string>> resource_list() const;

  // The namespaces that something was taken from.
  std::set<std::string> namespaces() const;

  // The kinds of which there is at least one object, by group resource.
  std::set<std::string> kinds() const;

 private:
  bool can_come_twice(const kube::ResourceType& type) const LATEEN_REQUIRES(mu_);

  archive::ArchiveWriter& archive_;
  const bool every_kind_;
  mutable Mutex mu_;
  std::unordered_set<std::string> claimed_ LATEEN_GUARDED_BY(mu_);
  std::set<std::string> coming_again_ LATEEN_GUARDED_BY(mu_);  // kinds, by group resource
  std::map<std::string, std::vector<std::string>> by_kind_ LATEEN_GUARDED_BY(mu_);
  std::set<std::string> namespaces_ LATEEN_GUARDED_BY(mu_);
  std::set<std::string> kinds_ LATEEN_GUARDED_BY(mu_);
  std::int64_t count_ LATEEN_GUARDED_BY(mu_) = 0;
};

}  // namespace lateen::backup
