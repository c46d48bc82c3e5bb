// Brings one prepared object into the cluster: creates it, or deals with the one that is there
// already.
#pragma once

#include <stop_token>

#include "base/clock.h"
#include "kube/client.h"
#include "model/restore.h"
#include "restore/existing_object.h"
#include "restore/item_bringer.h"

namespace lateen::restore {

// How a run that goes on after an interruption knows what the one before has made.
struct EarlierRun {
  std::string restore_label =
      {};                // of every object that this Restore brings; empty: no earlier run
  TimePoint began = {};  // what is older was only changed
};

// Thread-safe.
class ItemCreator final : public ItemBringer {
 public:
  // `longest_deletion` is how long one that is to be created anew may take to go.
  ItemCreator(kube::Client& client,
              model::ExistingResourcePolicy policy,
              Duration longest_deletion,
              EarlierRun earlier = {})
      : client_(client),
        policy_(policy),
        longest_deletion_(longest_deletion),
        earlier_(std::move(earlier)) {}

  // An object that is there and the same is Skipped; what becomes of one that differs is the
  // policy's (existing_object.h), Failed with a warning where it is left alone.
  Result<CreatedItem> bring(const Candidate& candidate, std::stop_token stop) override;

 private:
  Result<CreatedItem> create(const Candidate& candidate, std::stop_token stop);
  Result<CreatedItem> deal_with_existing(const Candidate& candidate,
                                         Error why,
                                         std::stop_token stop);
  Result<CreatedItem> update(const Candidate& candidate,
                             const Json& there,
                             const ExistingDecision& decision,
                             std::stop_token stop);
  Result<CreatedItem> recreate(const Candidate& candidate, const Json& there, std::stop_token stop);
  Result<CreatedItem> apply(const Candidate& candidate, const Json& there, std::stop_token stop);
  Result<CreatedItem> only_label(const Candidate& candidate,
                                 const Error& refusal,
                                 std::stop_token stop);
  bool is_of_earlier_run(const Json& there) const;
  Status wait_until_gone(const kube::ObjectPath& path, std::string_view uid, std::stop_token stop);

  kube::Client& client_;
  const model::ExistingResourcePolicy policy_;
  const Duration longest_deletion_;
  const EarlierRun earlier_;
};

// Names the owner of what a restore applies, in managedFields.
inline constexpr std::string_view kApplyManager = "lateen-restore";

}  // namespace lateen::restore
