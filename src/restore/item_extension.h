// What takes part in a restore beside the built-in actions and the plugins: whoever brings back
// data that lie outside of the tarball and of the storage's snapshots.
#pragma once

#include <stop_token>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "kube/resource.h"
#include "model/volume_info.h"

namespace lateen::restore {

struct ActionContext;
struct ActionVerdict;
struct RestoreOutcome;

// Thread-safe: items are worked on at once.
class ItemExtension {
 public:
  ItemExtension() = default;
  ItemExtension(const ItemExtension&) = delete;
  ItemExtension& operator=(const ItemExtension&) = delete;
  virtual ~ItemExtension() = default;

  // Whether it brings back the data of this volume: its claim is then not told to come back empty.
  virtual bool brings_back(const model::BackupVolumeInfo& volume) const = 0;

  // Changes an object before it is created: after the built-in actions, before the plugins', the
  // resource modifiers and the init containers of hooks. `object` still has its namespace of the
  // backup; `original` is as it lies there. Asks nobody and begins nothing: a plan calls it, too.
  // An Error means that the object cannot be restored.
  virtual Result<ActionVerdict> prepare(std::string_view group_resource,
                                        Json& object,
                                        const Json& original,
                                        const ActionContext& context) const = 0;

  // `there` has been created; told of pods and claims. What goes wrong is an error of the object.
  virtual Status created(std::string_view group_resource,
                         const kube::ObjectPath& path,
                         const Json& there,
                         const Json& original,
                         std::stop_token stop) = 0;

  // After the last object, still InProgress: waits for what it began, and adds what came of it to
  // the outcome's results and volumes. Once told to stop it ends what it began. An Error ends the
  // restore.
  virtual Status finish(RestoreOutcome& outcome, std::stop_token stop) = 0;
};

}  // namespace lateen::restore
