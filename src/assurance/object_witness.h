// Looks at every object that goes into a backup (or that a restore would bring), and says
// afterwards what lies out of its reach and what it would miss elsewhere.
//
//   ObjectWitness witness;
//   options.witness = &witness;                      // of backup::run_backup
//   const Findings found = witness.findings("the backup");
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "assurance/findings.h"
#include "assurance/object_needs.h"
#include "backup/item_witness.h"
#include "base/bytes.h"
#include "base/thread.h"

namespace lateen::assurance {

// By group resource: "deployments.apps".
using ObjectCounts = std::map<std::string, std::size_t, std::less<>>;

// Memory is bounded: of each sort of findings the first kMost are kept, and the rest is counted.
// Thread-safe.
class ObjectWitness final : public backup::ItemWitness {
 public:
  static constexpr std::size_t kMost = 1000;

  void see(const backup::ItemId& item, BytesView json) override;

  void look_at(std::string_view group_resource,
               std::string_view ns,
               std::string_view name,
               BytesView json);

  // Of what was seen.
  ObjectCounts counts() const;

  struct UnmetNeed {
    Need need;
    std::vector<std::string> by = {};  // the first few
    std::size_t count = 0;
  };

  // What was needed and did not come by. Sorted.
  std::vector<UnmetNeed> unmet_needs() const;

  // All of it. `where` says what the unmet needs are missing in.
  Findings findings(std::string_view where) const;

  // Without the unmet needs: for who knows better what is there.
  Findings findings() const;

 private:
  struct Needers {
    std::vector<std::string> first = {};
    std::size_t count = 0;
  };

  void take(const std::vector<Need>& needs, const std::string& by) LATEEN_REQUIRES(mu_);
  void add_warnings(std::vector<PlanWarning>& warnings) const LATEEN_REQUIRES(mu_);

  mutable Mutex mu_;
  ObjectCounts counts_ LATEEN_GUARDED_BY(mu_);
  std::vector<OutsideReference> outside_ LATEEN_GUARDED_BY(mu_);
  std::vector<LocalVolume> local_volumes_ LATEEN_GUARDED_BY(mu_);
  std::size_t not_listed_ LATEEN_GUARDED_BY(mu_) = 0;
  std::map<Need, Needers> needs_ LATEEN_GUARDED_BY(mu_);
  std::set<std::string, std::less<>> provided_ LATEEN_GUARDED_BY(mu_);       // "secrets shop/pull"
  std::map<std::string_view, std::size_t> tracked_ LATEEN_GUARDED_BY(mu_);   // objects by tool
  std::map<std::string_view, std::size_t> operated_ LATEEN_GUARDED_BY(mu_);  // by recipe's kind
};

}  // namespace lateen::assurance
