// What an exclusion list loses. "It is all in GitOps anyway" holds for what a repository has: not
// for what controllers made, for custom resources that nobody tracks, nor for data. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "assurance/backup_coverage.h"
#include "backup/item_witness.h"
#include "base/json.h"
#include "base/thread.h"
#include "model/results.h"

namespace lateen::assurance {

// Where an object that a backup does not hold can come back from.
enum class Recovery {
  MadeAnew,    // Kubernetes makes it by itself
  Tracked,     // a GitOps tool has it in its repository
  Release,     // Helm can install its chart again
  Controller,  // a controller made it out of something else, and no repository has it
  Nowhere,     // nobody else has it
};

// "made anew", "tracked", "Helm release", "made by a controller", "nowhere".
std::string_view to_string(Recovery recovery);

// What says whether an object is lost with an exclusion.
struct ObjectOrigin {
  Recovery recovery = Recovery::Nowhere;
  std::string by = {};  // the tool, or the controller
};

ObjectOrigin origin_of(std::string_view group_resource, const Json& object);

// The objects of one kind in one namespace that an exclusion loses.
struct LostKind {
  std::string ns = {};    // empty: cluster-scoped
  std::string kind = {};  // "configmaps", "books.library.example.com"
  bool is_custom = false;
  std::size_t total = 0;
  std::map<Recovery, std::size_t> by_recovery = {};
  std::vector<std::string> examples = {};  // names of those that come back from nowhere, and why
  std::string platform = {};               // of the namespace

  std::size_t at_risk() const;
};

struct ExclusionAudit {
  std::string schedule = {};
  std::vector<LeftOutNamespace> namespaces = {};  // that are left out
  std::vector<backup::SkippedKind> kinds = {};    // that are left out by a filter
  std::vector<LostKind> lost = {};                // by namespace and kind
  std::vector<std::string> lost_volumes = {};     // claims: their data are in no repository

  // Objects of people's own that come back from nowhere.
  std::size_t at_risk() const;

  bool loses() const { return at_risk() > 0 || !lost_volumes.empty(); }
};

// Sees everything that there is, and keeps account of what a selection does not hold. Memory: the
// counts, and a few names a kind. Thread-safe.
class LostObjects final : public backup::ItemWitness {
 public:
  // `held` outlives it: what the selection holds, by "apps/v1/Deployment", names sorted.
  explicit LostObjects(const model::ResourceList& held) : held_(held) {}

  void see(const backup::ItemId& item, BytesView json) override;

  // By namespace and kind.
  std::vector<LostKind> lost() const;
  std::vector<std::string> lost_volumes() const;

 private:
  bool holds(const backup::ItemId& item) const;

  static constexpr std::size_t kExamples = 5;

  const model::ResourceList& held_;
  mutable Mutex mu_;
  std::map<std::pair<std::string, std::string>, LostKind> lost_ LATEEN_GUARDED_BY(mu_);
  std::vector<std::string> lost_volumes_ LATEEN_GUARDED_BY(mu_);
};

ExclusionAudit audit_exclusions(std::string schedule,
                                const BackupCoverage& selection,
                                const LostObjects& lost);

Json to_json(const ExclusionAudit& audit);

}  // namespace lateen::assurance
