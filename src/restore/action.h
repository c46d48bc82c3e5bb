// What is done with objects of some kinds on their way back: Velero's RestoreItemActions, built in.
// Each is a pure function on the object; what it must know of the world is read once, before the
// restore.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "archive/archive_paths.h"
#include "base/json.h"
#include "base/result.h"
#include "kube/discovery.h"
#include "model/restore.h"
#include "model/volume_info.h"

namespace lateen::restore {

class ItemExtension;

// How a claim's volume comes back.
enum class VolumeReturn {
  AsItWas,       // the PersistentVolume itself is restored, and the claim keeps its name
  FromSnapshot,  // provisioned anew from a CSI snapshot of the backup
  Empty,         // provisioned anew, without data
};

// Everything that actions may look at. Immutable while the restore runs.
struct ActionContext {
  const model::Restore& restore;
  const kube::Discovery& discovery;
  // What became of each volume in the backup, by persistent volume and by claim ("ns/name").
  std::map<std::string, model::BackupVolumeInfo, std::less<>> volume_by_pv = {};
  std::map<std::string, model::BackupVolumeInfo, std::less<>> volume_by_claim = {};
  // Of ConfigMaps velero.io/change-storage-class, velero.io/change-pvc-node-selector and
  // velero.io/change-image-name.
  model::StringMap storage_classes = {};
  std::set<std::string, std::less<>> missing_storage_classes = {};  // named there, and nowhere else
  model::StringMap nodes = {};
  std::vector<std::pair<std::string, std::string>> image_parts = {};
  // The first VolumeSnapshotClass of each driver on this cluster.
  model::StringMap snapshot_class_of_driver = {};
  std::vector<ItemExtension*> extensions = {};

  // The namespace that objects of `ns` go to.
  std::string target_of(std::string_view ns) const;

  // Whether an extension restores this volume's data.
  bool brings_back(const model::BackupVolumeInfo& volume) const;

  bool restores_volumes() const { return restore.spec.restore_pvs != false; }
};

struct ActionVerdict {
  std::string skip_reason =
      {};  // not empty: the object is not created, and that is as it should be
  std::vector<std::string> warnings = {};
  std::vector<std::string> errors = {};  // told, and the object is created all the same
};

// Runs every built-in action that applies to the kind, in Velero's order. `ns` is the object's
// namespace in the backup; the object still says it, and is stripped already (`status` is what it
// had). An Error means that the object cannot be restored.
Result<ActionVerdict> apply_actions(std::string_view group_resource,
                                    Json& object,
                                    const Json& status,
                                    const ActionContext& context);

// ---- The groups of actions, each in its own file.
void act_on_pod(Json& pod);
void act_on_job(Json& job);
void act_on_service(Json& service, const Json& managed_fields, bool preserve_node_ports);
void act_on_service_account(Json& account);
void act_on_role_binding(Json& binding, const ActionContext& context);
void act_on_definition(Json& definition);
void act_on_webhooks(Json& configuration);
std::string why_skip_secret(Json& secret);
void change_images(std::string_view group_resource, Json& object, const ActionContext& context);
Result<bool> change_storage_class(std::string_view group_resource,
                                  Json& object,
                                  const ActionContext& context);

// Volumes: volume_actions.cc.
VolumeReturn how_it_returns(const Json& claim, std::string_view ns, const ActionContext& context);
ActionVerdict act_on_volume(Json& volume, const ActionContext& context);
ActionVerdict act_on_claim(Json& claim, const ActionContext& context);
ActionVerdict act_on_snapshot(Json& snapshot, const ActionContext& context);
ActionVerdict act_on_snapshot_content(Json& content,
                                      const Json& status,
                                      const ActionContext& context);

// The name that a VolumeSnapshot and its content have in this restore: hex SHA-256 of "<restore
// uid>/<old name>".
std::string restored_snapshot_name(const model::Restore& restore, std::string_view old_name);

}  // namespace lateen::restore
