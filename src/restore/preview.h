// What a restore would do to this cluster, object by object, without doing it: the same plan,
// preparation and actions as the run, with creating replaced by asking (the object that is there,
// or the API server by a dry run).
//
//   const RestorePreview preview = TRY(preview_restore(restore, plan, archive, tools, options,
//   stop));
#pragma once

#include <cstddef>
#include <stop_token>
#include <string>
#include <vector>

#include "model/results.h"
#include "restore/field_changes.h"
#include "restore/run.h"

namespace lateen::restore {

enum class PreviewAction {
  Create,
  Same,                 // it is there, and needs nothing
  Differs,              // it is there, differs, and the policy leaves it alone
  Update,               // it is there and would be changed
  Recreate,             // it is there, and would be deleted and created
  Conflict,             // it is there, and the API server refuses the change
  Skipped,              // it is not restored, and that is as it should be
  MissingCrd,           // the cluster does not serve its kind (or its version)
  MissingStorageClass,  // the claim would wait for ever
  Denied,               // the API server refuses it
  Broken,               // it cannot be read, or an action cannot prepare it
};

// "create", "missing CRD", …
std::string_view to_string(PreviewAction action);

struct PreviewedItem {
  std::size_t rank = 0;  // 0: definitions and namespaces, which come before all others
  std::string group_resource = {};
  std::string kind = {};
  std::string ns = {};  // where it goes to
  std::string name = {};
  PreviewAction action = PreviewAction::Skipped;
  std::string reason = {};
  std::vector<FieldChange> changes = {};  // of Differs, Update and Conflict: cluster to backup
};

struct RestorePreview {
  std::vector<PreviewedItem> items;   // by rank, kind, namespace and name
  std::vector<SkippedItems> skipped;  // what the filters leave out
  model::Results results;             // warnings and errors that the restore would have had so far

  bool has_changes() const;   // something would be created or changed
  bool has_problems() const;  // something would not come back as it should
};

Result<RestorePreview> preview_restore(const model::Restore& restore,
                                       const RestorePlan& plan,
                                       const archive::ArchiveReader& archive,
                                       const RestoreTools& tools,
                                       const RestoreRunOptions& options,
                                       std::stop_token stop);

}  // namespace lateen::restore
