// A restore that only asks: what it found out, and who asks.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/thread.h"
#include "kube/client.h"
#include "model/restore.h"
#include "restore/existing_object.h"
#include "restore/item_bringer.h"
#include "restore/preview.h"

namespace lateen::restore {

// What comes with this restore, and is thus not missing though the cluster does not have it yet.
struct ComingObjects {
  std::set<std::string, std::less<>> kinds;  // of definitions: "books.library.example.com"
  std::set<std::string, std::less<>> storage_classes;
};

// Its notes are thread-safe. Whoever walks the ranks alone says where it is, and which namespaces
// are not there yet, between them.
class Rehearsal {
 public:
  explicit Rehearsal(ComingObjects coming) : coming_(std::move(coming)) {}

  void note(PreviewedItem item);

  bool brings_kind(std::string_view group_resource) const {
    return coming_.kinds.count(group_resource) > 0;
  }

  bool brings_storage_class(std::string_view name) const {
    return coming_.storage_classes.count(name) > 0;
  }

  void enter_rank(std::size_t rank) { rank_ = rank; }

  void note_missing_namespace(const std::string& ns);
  bool is_missing_namespace(std::string_view ns) const;

  // Sorted.
  std::vector<PreviewedItem> take();

 private:
  const ComingObjects coming_;
  std::size_t rank_ = 0;
  mutable Mutex mu_;
  std::set<std::string, std::less<>> missing_namespaces_ LATEEN_GUARDED_BY(mu_);
  std::vector<PreviewedItem> items_ LATEEN_GUARDED_BY(mu_);
};

// Asks what would become of an object, and notes it. Thread-safe.
class ItemAsker final : public ItemBringer {
 public:
  ItemAsker(kube::Client& client, model::ExistingResourcePolicy policy, Rehearsal& rehearsal)
      : client_(client), policy_(policy), rehearsal_(rehearsal) {}

  // Always Skipped: nothing was done.
  Result<CreatedItem> bring(const Candidate& candidate, std::stop_token stop) override;

 private:
  Result<PreviewedItem> ask(const Candidate& candidate, std::stop_token stop);
  Result<PreviewedItem> ask_existing(const Candidate& candidate,
                                     const Json& there,
                                     PreviewedItem item,
                                     std::stop_token stop);
  Status ask_to_create(const Candidate& candidate, PreviewedItem& item, std::stop_token stop);
  Result<bool> lacks_storage_class(const Candidate& candidate, std::stop_token stop);

  kube::Client& client_;
  const model::ExistingResourcePolicy policy_;
  Rehearsal& rehearsal_;
  Mutex mu_;
  std::map<std::string, bool, std::less<>> storage_classes_
      LATEEN_GUARDED_BY(mu_);  // known: is it?
};

}  // namespace lateen::restore
