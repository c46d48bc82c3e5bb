// The part of the VolumeBinder that makes volumes: what the external-provisioner and a CSI driver
// do in a cluster.
#include "base/quantity.h"
#include "kube/object.h"
#include "sandbox/controllers/volume_binder.h"
#include "sandbox/controllers/workload.h"
#include "sandbox/write_options.h"

namespace lateen::sandbox {
namespace {

constexpr std::string_view kStorageProvisionerAnnotation =
    "volume.kubernetes.io/storage-provisioner";
constexpr std::string_view kBetaStorageProvisionerAnnotation =
    "volume.beta.kubernetes.io/storage-provisioner";
constexpr std::string_view kSnapshotGroup = "snapshot.storage.k8s.io";
constexpr std::string_view kFsTypeParameter = "csi.storage.k8s.io/fstype";

constexpr Duration kRetry = std::chrono::milliseconds(500);
constexpr Duration kFaultPoll = std::chrono::milliseconds(200);  // whether it is over

Json volume_object(const Json& claim, const Json& storage_class, const std::string& handle) {
  const std::string_view driver = string_at(storage_class, "provisioner");
  JsonObject csi{
      {"driver", driver},
      {"volumeHandle", handle},
      {"volumeAttributes", JsonObject{{"storage.kubernetes.io/csiProvisionerIdentity", driver}}}};
  if (const Json* fs_type = find(find(storage_class, "parameters"), JsonKey{kFsTypeParameter}))
    csi["fsType"] = *fs_type;
  std::string_view policy = string_at(storage_class, "reclaimPolicy");
  if (policy.empty()) policy = "Delete";
  JsonObject spec{
      {"capacity", JsonObject{{"storage", string_at(claim, "spec.resources.requests.storage")}}},
      {"accessModes", *find(claim, "spec.accessModes")},
      {"persistentVolumeReclaimPolicy", policy},
      {"storageClassName", kube::name_of(storage_class)},
      {"volumeMode", "Filesystem"},
      {"claimRef", JsonObject{{"apiVersion", "v1"},
                              {"kind", "PersistentVolumeClaim"},
                              {"namespace", kube::namespace_of(claim)},
                              {"name", kube::name_of(claim)},
                              {"uid", kube::uid_of(claim)},
                              {"resourceVersion", kube::resource_version_of(claim)}}},
      {"csi", std::move(csi)}};
  if (const Json* options = find(storage_class, "mountOptions")) spec["mountOptions"] = *options;
  return JsonObject{
      {"apiVersion", "v1"},
      {"kind", "PersistentVolume"},
      {"metadata", JsonObject{{"name", handle},
                              {"annotations", JsonObject{{kProvisionedByAnnotation, driver}}},
                              {"finalizers", JsonArray{kVolumeProtection, kProvisionerFinalizer}}}},
      {"spec", std::move(spec)}};
}

}  // namespace

Error driver_error(const Fault& fault, std::string_view otherwise) {
  return {Code::Unavailable, "rpc error: code = Internal desc = {}",
          fault.message.empty() ? fmt::format("the driver {}, as was asked for", otherwise)
                                : fault.message};
}

Result<LookAgain> VolumeBinder::provision(const Json& claim,
                                          const Json& storage_class,
                                          std::stop_token stop) {
  const std::string_view provisioner = string_at(storage_class, "provisioner");
  if (kube::annotation_of(claim, kStorageProvisionerAnnotation) != provisioner) {
    const Json patch = JsonObject{
        {"metadata", JsonObject{{"annotations",
                                 JsonObject{{kStorageProvisionerAnnotation, provisioner},
                                            {kBetaStorageProvisionerAnnotation, provisioner}}}}}};
    TRY(patch_seen(api(), caches().claims, claim, patch, name(), stop));
    return LookAgain();
  }
  const FaultSubject subject{.verb = "create",
                             .resource = "persistentvolumeclaims",
                             .ns = kube::namespace_of(claim),
                             .name = kube::name_of(claim),
                             .storage_class = kube::name_of(storage_class)};
  const bool hangs =
      strike(FaultKind::ProvisionHang, subject, std::string(kube::uid_of(claim))).has_value();
  if (hangs || !is_sandbox_driver(provisioner)) {
    events().normal(claim, "ExternalProvisioning",
                    fmt::format("Waiting for a volume to be created either by the external "
                                "provisioner '{}' or manually by the "
                                "system administrator. If volume creation is delayed, please "
                                "verify that the provisioner is "
                                "running and correctly registered.",
                                provisioner));
    return hangs ? LookAgain(kFaultPoll) : LookAgain();
  }
  events().normal(claim, "Provisioning",
                  fmt::format("External provisioner is provisioning volume for claim \"{}\"",
                              kube::object_key(claim)));
  const std::string handle = fmt::format("pvc-{}", kube::uid_of(claim));
  const auto struck = strike(FaultKind::ProvisionFailure, subject);
  auto filled = struck ? Status(driver_error(*struck->fault, "makes no volume"))
                       : fill(claim, provisioner, handle, stop);
  if (!filled) {
    events().warning(claim, "ProvisioningFailed",
                     fmt::format("failed to provision volume with StorageClass \"{}\": {}",
                                 kube::name_of(storage_class), filled.error().message()));
    // What it lacks may come, and nothing tells us of it: a source claim that is bound, a snapshot
    // that is ready.
    return LookAgain(kRetry);
  }
  auto made = create_seen(api(), caches().volumes, volume_object(claim, storage_class, handle),
                          name(), stop);
  if (!made && !made.error().is(Code::AlreadyExists)) return std::move(made).error();
  events().normal(claim, "ProvisioningSucceeded",
                  fmt::format("Successfully provisioned volume {}", handle));
  queue().add(fmt::format("claim:{}", kube::object_key(claim)));
  return LookAgain();
}

Status VolumeBinder::fill(const Json& claim,
                          std::string_view driver,
                          const std::string& handle,
                          std::stop_token stop) {
  if (string_at(claim, "spec.volumeMode") == "Block") {
    return Error(Code::Unsupported, "the sandbox's volumes are directories, not block devices");
  }
  if (find(claim, "spec.selector") != nullptr)
    return Error(Code::InvalidArgument, "claim Selector is not supported");
  const Json* source = data_source_of(claim);
  if (source == nullptr) return store_.create_volume(handle);
  if (!string_at(*source, "namespace").empty()) {
    return Error(Code::Unsupported, "the sandbox fills no volume from another namespace ({})",
                 string_at(*source, "namespace"));
  }
  const std::string_view kind = string_at(*source, "kind");
  const std::string source_name(string_at(*source, "name"));
  const bool from_snapshot =
      kind == "VolumeSnapshot" && string_at(*source, "apiGroup") == kSnapshotGroup;
  const bool from_claim = kind == "PersistentVolumeClaim";
  if (driver != kDriverName && (from_snapshot || from_claim)) {
    return Error(Code::Unsupported,
                 "CSI driver does not support {}: controller {} capability is not reported",
                 from_snapshot ? "snapshot restore" : "clone operations",
                 from_snapshot ? "CREATE_DELETE_SNAPSHOT" : "CLONE_VOLUME");
  }
  if (from_snapshot) {
    return fill_from_snapshot(claim, source_name, handle, std::move(stop));
  }
  if (from_claim) return fill_from_claim(claim, source_name, handle, std::move(stop));
  return Error(Code::Unsupported, "the sandbox fills no volume from a {}", kind);
}

Status VolumeBinder::fill_from_snapshot(const Json& claim,
                                        const std::string& snapshot,
                                        const std::string& handle,
                                        std::stop_token stop) {
  const std::string_view ns = kube::namespace_of(claim);
  const ObjectPtr source = caches().snapshots.find(ns, snapshot);
  if (!source) {
    return Error(Code::NotFound,
                 "error getting handle for DataSource Type VolumeSnapshot by Name {}: error "
                 "getting snapshot {} from api "
                 "server: volumesnapshots.snapshot.storage.k8s.io \"{}\" not found",
                 snapshot, snapshot, snapshot);
  }
  const std::string_view content_name = string_at(*source, "status.boundVolumeSnapshotContentName");
  if (content_name.empty()) {
    return Error(
        Code::Unavailable,
        "error getting handle for DataSource Type VolumeSnapshot by Name {}: snapshot {} not bound",
        snapshot, snapshot);
  }
  const Json content = TRY(api().get(resources::kVolumeSnapshotContents, "", content_name));
  const bool ready = bool_at(*source, "status.readyToUse").value_or(false);
  if (!ready) return Error(Code::Unavailable, "snapshot {} is not Ready", snapshot);
  if (string_at(content, "spec.driver") != kDriverName) {
    return Error(Code::InvalidArgument,
                 "requested volume claims data source snapshot {} of driver {}", snapshot,
                 string_at(content, "spec.driver"));
  }
  const std::int64_t restore_size = int_at(content, "status.restoreSize").value_or(0);
  const Quantity asked = TRY(Quantity::parse(string_at(claim, "spec.resources.requests.storage")));
  if (asked.value() < restore_size) {
    return Error(Code::InvalidArgument,
                 "requested volume size {} is less than the size {} for the source snapshot {}",
                 asked.value(), restore_size, snapshot);
  }
  return store_.create_volume_from_snapshot(
      handle, std::string(string_at(content, "status.snapshotHandle")), std::move(stop));
}

Status VolumeBinder::fill_from_claim(const Json& claim,
                                     const std::string& source,
                                     const std::string& handle,
                                     std::stop_token stop) {
  const Json from =
      TRY(api().get(resources::kPersistentVolumeClaims, kube::namespace_of(claim), source));
  if (string_at(from, "status.phase") != "Bound") {
    return Error(Code::Unavailable, "the PVC {} that is to be cloned is not bound", source);
  }
  const Json volume =
      TRY(api().get(resources::kPersistentVolumes, "", string_at(from, "spec.volumeName")));
  if (string_at(volume, "spec.csi.driver") != kDriverName) {
    return Error(Code::InvalidArgument, "the source PVC {} is of another driver", source);
  }
  const Quantity asked = TRY(Quantity::parse(string_at(claim, "spec.resources.requests.storage")));
  const Quantity has = TRY(Quantity::parse(string_at(volume, "spec.capacity.storage")));
  if (asked < has) {
    return Error(Code::InvalidArgument,
                 "error, new PVC request must be greater than or equal in size to the specified "
                 "PVC data source, "
                 "requested {} but source is {}",
                 asked.value(), has.value());
  }
  return store_.clone_volume(handle, std::string(string_at(volume, "spec.csi.volumeHandle")),
                             std::move(stop));
}

}  // namespace lateen::sandbox
