// What has gone into a backup so far: the door through which every object reaches the tarball, and
// the count and the list of names that come out of it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "archive/archive_writer.h"
#include "backup/item_witness.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/thread.h"
#include "kube/resource.h"
#include "model/resource_names.h"

namespace lateen::backup {

// One object, by where it lies.
struct ItemId {
  const kube::ResourceType* type = nullptr;  // never null in use; outlives the run
  std::string ns;
  std::string name;

  // "pods shop/db-0", for messages.
  std::string describe() const;
};

// Memory: a few bytes of each object's name, and 64 for each of a kind that can be reached on two
// ways. Thread-safe.
class BackedUpItems {
 public:
  // `every_kind`: any object may come twice (several label selectors), so that all are remembered.
  // `witness` may be null.
  BackedUpItems(archive::ArchiveWriter& archive, bool every_kind, ItemWitness* witness = nullptr);

  // Says whether the caller is the first to take this object: later ones leave it alone.
  bool claim(const ItemId& item);

  // Whether somebody has taken it: for objects that others lead to, before they are fetched.
  bool is_claimed(const ItemId& item);

  // Objects of this kind may come that were taken already: from now on they are all remembered.
  void may_come_again(const kube::ResourceType& type);

  Status add(const ItemId& item, BytesView json, std::stop_token stop);

  std::int64_t count() const;

  // Of everything that was added. Once, when all is done.
  model::ResourceNames take_names();

  // The namespaces that something was taken from.
  std::set<std::string> namespaces() const;

  // The kinds of which there is at least one object, by group resource.
  std::set<std::string> kinds() const;

 private:
  // One version of one resource.
  struct Kind {
    std::string key;
    std::string group_resource;
    std::size_t number = 0;  // in names_
    bool comes_twice = false;
    bool is_populated = false;
  };

  Kind& kind_of(const kube::ResourceType& type) LATEEN_REQUIRES(mu_);
  static std::string claim_of(const Kind& kind, std::string_view name);

  archive::ArchiveWriter& archive_;
  const bool every_kind_;
  ItemWitness* const witness_;
  mutable Mutex mu_;
  std::map<std::string, Kind> kinds_ LATEEN_GUARDED_BY(mu_);
  std::unordered_map<const kube::ResourceType*, Kind*> by_type_ LATEEN_GUARDED_BY(mu_);
  model::ResourceNames names_ LATEEN_GUARDED_BY(mu_);
  std::unordered_set<std::string> claimed_ LATEEN_GUARDED_BY(mu_);
  std::set<std::string> namespaces_ LATEEN_GUARDED_BY(mu_);
  std::int64_t count_ LATEEN_GUARDED_BY(mu_) = 0;
};

}  // namespace lateen::backup
