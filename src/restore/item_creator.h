// Brings one prepared object into the cluster: creates it, or deals with the one that is there
// already.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "kube/client.h"
#include "model/restore.h"

namespace lateen::restore {

enum class ItemOutcome { Created, Updated, Skipped, Failed };

// "created", …: as the resource list says it.
std::string_view to_string(ItemOutcome outcome);

struct CreatedItem {
  ItemOutcome outcome = ItemOutcome::Failed;
  // As it is in the cluster now. Of what was created only pods and claims: nobody looks into the
  // others' answers.
  Json object = {};
  std::vector<std::string> warnings = {};
};

// Thread-safe.
class ItemCreator {
 public:
  ItemCreator(kube::Client& client, const model::Restore& restore)
      : client_(client), restore_(restore) {}

  // `object` is stripped and labelled. An object that is there and the same is Skipped; one that
  // differs is left alone with a warning (Failed), or brought up to ours where the policy says
  // update. ServiceAccounts are merged.
  Result<CreatedItem> bring(const kube::ObjectPath& path, const Json& object, std::stop_token stop);

 private:
  Result<CreatedItem> deal_with_existing(const kube::ObjectPath& path,
                                         const Json& object,
                                         Error why,
                                         std::stop_token stop);
  Result<CreatedItem> merge_account(const kube::ObjectPath& path,
                                    const Json& there,
                                    const Json& object,
                                    std::stop_token stop);
  Result<CreatedItem> update(const kube::ObjectPath& path,
                             const Json& there,
                             const Json& object,
                             std::stop_token stop);

  kube::Client& client_;
  const model::Restore& restore_;
};

}  // namespace lateen::restore
