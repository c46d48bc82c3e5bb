#include "backup/csi_actions.h"

#include <vector>

#include "backup/csi_snapshot_taker.h"
#include "backup/data_uploads.h"
#include "base/quantity.h"
#include "base/time.h"
#include "kube/object.h"
#include "model/names.h"

namespace lateen::backup {
namespace {

const kube::GroupResource kSecrets{"", "secrets"};

RelatedItem related(const kube::GroupVersionResource& kind,
                    std::string_view ns,
                    std::string_view name) {
  return {.kind = kind.group_resource(),
          .ns = std::string(ns),
          .name = std::string(name),
          .must_include = true};
}

class CsiClaimAction final : public ItemAction {
 public:
  explicit CsiClaimAction(const CsiActionTools& tools) : taker_(tools) {}

  std::string_view name() const override { return "velero.io/csi-pvc-backupper"; }

  bool applies_to(std::string_view kind) const override { return kind == "persistentvolumeclaims"; }

  Result<ActionOutcome> execute(Json& claim, const Log& log, std::stop_token stop) override {
    ActionOutcome outcome;
    const auto saved = TRY(taker_.save_volume(claim, log, stop));
    if (!saved) return outcome;
    if (saved->upload) {
      const model::DataUpload& upload = *saved->upload;
      mark_moved_claim(claim, upload);
      outcome.operations.push_back(
          {.action = std::string(kMoveAction),
           .operation_id = std::string(upload.metadata.label(model::labels::kAsyncOperationId)),
           .items_to_update = {{.kind = {"velero.io", "datauploads"},
                                .ns = upload.metadata.ns,
                                .name = upload.metadata.name,
                                .must_include = false}}});
      return outcome;
    }
    const Json& snapshot = saved->snapshot.snapshot;
    mark_claim(claim, saved->snapshot);
    outcome.related.push_back(
        related(volumes::kVolumeSnapshots, kube::namespace_of(snapshot), kube::name_of(snapshot)));
    return outcome;
  }

 private:
  SnapshotTaker taker_;
};

class SnapshotAction final : public ItemAction {
 public:
  explicit SnapshotAction(const CsiActionTools& tools) : tools_(tools) {}

  std::string_view name() const override { return kSnapshotAction; }

  bool applies_to(std::string_view kind) const override {
    return kind == "volumesnapshots.snapshot.storage.k8s.io";
  }

  Result<ActionOutcome> execute(Json& snapshot, const Log&, std::stop_token stop) override {
    const std::string backup_name = model::valid_name(tools_.backup.metadata.name);
    const Json content = TRY(volumes::content_of(tools_.client, snapshot, stop)
                                 .wrap("reading the content of the VolumeSnapshot"));
    annotate_snapshot(snapshot, content, backup_name);
    ActionOutcome outcome;
    const std::string_view ns = kube::namespace_of(snapshot);
    const std::string_view name = kube::name_of(snapshot);
    if (const auto cls = string_at(snapshot, "spec.volumeSnapshotClassName"); !cls.empty()) {
      outcome.related.push_back(related(volumes::kVolumeSnapshotClasses, {}, cls));
    }
    outcome.related.push_back(
        related(volumes::kVolumeSnapshotContents, {}, kube::name_of(content)));
    outcome.operations.push_back({.action = std::string(kSnapshotAction),
                                  .operation_id = snapshot_operation_id(snapshot),
                                  .items_to_update = {related(volumes::kVolumeSnapshots, ns, name),
                                                      related(volumes::kVolumeSnapshotContents, {},
                                                              kube::name_of(content))}});
    return outcome;
  }

 private:
  const CsiActionTools tools_;
};

// A content or class names the driver's secret in two annotations.
void add_secret(const Json& object,
                std::string_view name_key,
                std::string_view ns_key,
                ActionOutcome& out) {
  const std::string_view name = kube::annotation_of(object, name_key);
  const std::string_view ns = kube::annotation_of(object, ns_key);
  if (name.empty() || ns.empty()) return;
  out.related.push_back(
      {.kind = kSecrets, .ns = std::string(ns), .name = std::string(name), .must_include = true});
}

class ContentAction final : public ItemAction {
 public:
  explicit ContentAction(std::string backup_name) : backup_name_(std::move(backup_name)) {}

  std::string_view name() const override { return "velero.io/csi-volumesnapshotcontent-backupper"; }

  bool applies_to(std::string_view kind) const override {
    return kind == "volumesnapshotcontents.snapshot.storage.k8s.io";
  }

  Result<ActionOutcome> execute(Json& content, const Log&, std::stop_token) override {
    ActionOutcome outcome;
    label_content(content, backup_name_);
    for (const auto& [name_key, ns_key] : volumes::kDeletionSecretKeys)
      add_secret(content, name_key, ns_key, outcome);
    return outcome;
  }

 private:
  const std::string backup_name_;
};

class ClassAction final : public ItemAction {
 public:
  std::string_view name() const override { return "velero.io/csi-volumesnapshotclass-backupper"; }

  bool applies_to(std::string_view kind) const override {
    return kind == "volumesnapshotclasses.snapshot.storage.k8s.io";
  }

  Result<ActionOutcome> execute(Json& snapshot_class, const Log&, std::stop_token) override {
    ActionOutcome outcome;
    add_secret(snapshot_class, "csi.storage.k8s.io/snapshotter-list-secret-name",
               "csi.storage.k8s.io/snapshotter-list-secret-namespace", outcome);
    return outcome;
  }
};

}  // namespace

void annotate_snapshot(Json& snapshot, const Json& content, std::string_view backup_name) {
  namespace names = model::annotations;
  kube::set_label(snapshot, model::labels::kBackupName, backup_name);
  kube::set_annotation(snapshot, names::kVolumeSnapshotHandle,
                       string_at(content, "status.snapshotHandle"));
  kube::set_annotation(snapshot, names::kDriverName, string_at(content, "spec.driver"));
  kube::set_annotation(snapshot, names::kVscDeletionPolicy,
                       string_at(content, "spec.deletionPolicy"));
  if (const auto size = int_at(content, "status.restoreSize")) {
    kube::set_annotation(snapshot, names::kVolumeSnapshotRestoreSize,
                         Quantity::from(*size, Quantity::Format::BinarySI).format());
  }
}

void label_content(Json& content, std::string_view backup_name) {
  kube::set_label(content, model::labels::kBackupName, backup_name);
}

std::unique_ptr<ItemAction> make_csi_claim_action(const CsiActionTools& tools) {
  return std::make_unique<CsiClaimAction>(tools);
}

std::unique_ptr<ItemAction> make_csi_snapshot_action(const CsiActionTools& tools) {
  return std::make_unique<SnapshotAction>(tools);
}

std::unique_ptr<ItemAction> make_csi_content_action(std::string backup_name) {
  return std::make_unique<ContentAction>(std::move(backup_name));
}

std::unique_ptr<ItemAction> make_csi_class_action() {
  return std::make_unique<ClassAction>();
}

}  // namespace lateen::backup
