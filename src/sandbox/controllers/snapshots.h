// VolumeSnapshots as the external-snapshotter and a CSI driver make them, over directories.
//
//   VolumeSnapshot ──(dynamic)──▶ VolumeSnapshotContent ──▶ VolumeStore snapshot
//   VolumeSnapshot ──(source.volumeSnapshotContentName)──▶ a content that was there first, with a
//   snapshotHandle
#pragma once

#include <functional>

#include "sandbox/controllers/controller.h"
#include "sandbox/runtime/volume_store.h"

namespace lateen::sandbox {

// On contents: what both sides go by.
inline constexpr std::string_view kContentFinalizer =
    "snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection";
inline constexpr std::string_view kBeingDeletedAnnotation =
    "snapshot.storage.kubernetes.io/volumesnapshot-being-deleted";

// The VolumeSnapshot side: its content, and its status as a mirror of the content's. Keys are
// "ns/name".
class SnapshotController final : public Controller {
 public:
  explicit SnapshotController(ControllerContext& context);

  ~SnapshotController() override { stop(); }

 protected:
  Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) override;

 private:
  Status end(const Json& snapshot, std::stop_token stop);
  bool is_being_restored(const Json& snapshot);
  Result<bool> prepare(const Json& snapshot, std::stop_token stop);
  Result<Json> ensure_content(const Json& snapshot, std::stop_token stop);
  Result<Json> make_content(const Json& snapshot, std::stop_token stop);
  Result<Json> adopt_content(const Json& snapshot,
                             const std::string& content_name,
                             std::stop_token stop);
  Status mirror(const Json& snapshot, const Json& content);
  Result<std::string> default_class_for(const Json& snapshot);
  Status fail(const Json& snapshot, std::string_view reason, const std::string& message);
  Status protect_source(const Json& snapshot, bool protect);

  // The content that is this snapshot's own, by its name or by its reference.
  ObjectPtr content_of(const Json& snapshot);
};

// The VolumeSnapshotContent side: the data. Keys are names.
class SnapshotContentController final : public Controller {
 public:
  SnapshotContentController(ControllerContext& context, VolumeStore& store);

  ~SnapshotContentController() override { stop(); }

 protected:
  Result<LookAgain> reconcile(const std::string& key, std::stop_token stop) override;

 private:
  Result<LookAgain> end(const Json& content);
  Result<bool> may_go(const Json& content);
  Result<LookAgain> cut(const Json& content, std::stop_token stop);
  Result<LookAgain> find_existing(const Json& content);
  Result<LookAgain> report(const Json& content, const SnapshotInfo& info);
  Status fail(const Json& content, std::string_view reason, const std::string& message);
  std::optional<Strike> strike_snapshot(FaultKind kind,
                                        std::string_view verb,
                                        const Json& content,
                                        const std::string& key = {});

  VolumeStore& store_;
};

// A VolumeSnapshotClass may ask for snapshots that take their time: a Go duration under this
// parameter.
inline constexpr std::string_view kReadyDelayParameter = "sandbox.lateen.dev/ready-delay";

}  // namespace lateen::sandbox
