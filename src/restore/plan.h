// A restore as a value: which objects of the backup will be created, in which order and under which
// namespace, what is left out and why. Pure: made from the spec, from the tarball's list of objects
// and from what the target cluster serves.
#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "archive/item_table.h"
#include "kube/discovery.h"
#include "kube/resource.h"
#include "model/restore.h"
#include "restore/api_versions.h"

namespace lateen::restore {

// One object of the plan.
struct PlannedItem {
  std::size_t archived = 0;  // its index in ArchiveReader::items()
  std::string target_ns;     // after namespace mapping; empty when cluster-scoped
};

// Objects of one kind, all of which may be created at once.
struct RestoreStep {
  std::string group_resource;  // "configmaps", "deployments.apps"
  std::vector<PlannedItem> items;
};

struct SkippedItems {
  std::string what;  // "nodes", "secrets in kube-system"
  std::size_t count = 0;
  std::string reason;
};

struct RestorePlan {
  // CustomResourceDefinitions: created and established before discovery is asked again and the rest
  // begins.
  std::vector<RestoreStep> definitions;
  // Everything else. Ranks follow each other; the steps of one rank may run at once.
  std::vector<std::vector<RestoreStep>> ranks;
  std::vector<SkippedItems> skipped;
  std::size_t total = 0;  // items in all ranks
};

// Velero's order of kinds; `-` parts what comes first from what comes last (server flag
// --restore-resource-priorities).
struct ResourcePriorities {
  std::vector<std::string> high;
  std::vector<std::string> low;
};

const ResourcePriorities& default_priorities();

// `discovery` is the target's before the restore; kinds it does not serve yet may be served once
// the definitions are there, and are planned by their plain names. Label selectors are evaluated on
// the stored objects when they are read, not here.
RestorePlan plan_restore(const model::RestoreSpec& spec,
                         std::span<const archive::ArchivedItem> items,
                         const kube::Discovery& discovery,
                         const ResourcePriorities& priorities = default_priorities(),
                         const VersionPreferences& versions = {});

// Puts these objects (their indexes in `items`) into ranks.
class Selection;
RestorePlan arrange(const std::set<std::size_t>& chosen,
                    std::span<const archive::ArchivedItem> items,
                    const Selection& selection,
                    const kube::Discovery& discovery,
                    const ResourcePriorities& priorities);

// The plan for a person.
std::string describe(const RestorePlan& plan);

}  // namespace lateen::restore
