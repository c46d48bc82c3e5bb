#include "base/encoding.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/get.h"
#include "cli/location_check.h"
#include "model/backup.h"
#include "model/backup_repository.h"
#include "model/locations.h"
#include "model/names.h"

namespace lateen::cli {
namespace {

using model::BackupStorageLocation;
using model::VolumeSnapshotLocation;

// --credential secret=key, one pair.
Result<std::optional<model::SecretKeySelector>> credential_from(const Flags& flags) {
  std::optional<model::SecretKeySelector> credential;
  const model::StringMap pairs = flags.map("credential");
  if (pairs.size() > 1)
    return Error(Code::InvalidArgument, "--credential can only contain 1 key/value pair");
  for (const auto& [name, key] : pairs) {
    model::SecretKeySelector selector;
    selector.name = name;
    selector.key = key;
    credential = selector;
  }
  return credential;
}

Result<BackupStorageLocation> storage_from(const Flags& flags) {
  BackupStorageLocation location;
  location.spec.provider = flags.text("provider");
  if (location.spec.provider.empty()) return Error(Code::InvalidArgument, "--provider is required");
  model::ObjectStorageLocation storage;
  storage.bucket = flags.text("bucket");
  if (storage.bucket.empty()) return Error(Code::InvalidArgument, "--bucket is required");
  storage.prefix = flags.text("prefix");
  if (const std::string path = flags.text("cacert"); !path.empty()) {
    storage.ca_cert = base64_encode(TRY(read_file(path, 16_MiB)));
  }
  location.spec.object_storage = storage;
  location.spec.config = flags.map("config");
  location.spec.credential = TRY(credential_from(flags));
  location.spec.is_default = flags.is("default");
  const std::string mode = flags.text("access-mode");
  location.spec.access_mode = model::OpenEnum<model::AccessMode>::parse(mode);
  if (location.spec.access_mode == model::AccessMode::Unknown) {
    return Error(Code::InvalidArgument,
                 "invalid argument {} for \"--access-mode\" flag: invalid value: {}",
                 quote_go(mode), quote_go(mode))
        .with_hint("It must be ReadWrite or ReadOnly.");
  }
  if (flags.given("backup-sync-period")) {
    location.spec.backup_sync_period = flags.duration("backup-sync-period");
    if (*location.spec.backup_sync_period < Duration::zero()) {
      return Error(Code::InvalidArgument, "--backup-sync-period must be non-negative");
    }
  }
  if (flags.given("validation-frequency")) {
    location.spec.validation_frequency = flags.duration("validation-frequency");
  }
  return location;
}

Result<int> create_storage(Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::None));
  BackupStorageLocation location = TRY(storage_from(call.flags));
  const Session session = TRY(open_session(call));
  location.metadata.name = call.args.front();
  location.metadata.ns = session.ns();
  location.metadata.labels = call.flags.map("labels");
  if (format != OutputFormat::None) {
    print_one(location, format, call);
    return 0;
  }
  if (location.spec.is_default) {
    for (const auto& other : TRY(session.cluster.list<BackupStorageLocation>({}, call.stop))) {
      if (other.spec.is_default) {
        return Error(Code::AlreadyExists,
                     "there is already exist default backup storage location, please unset it "
                     "first or do not set --default flag");
      }
    }
  }
  TRY(session.cluster.create(location, call.stop));
  call.console.line(fmt::format("Backup storage location \"{}\" configured successfully.",
                                location.metadata.name));
  return 0;
}

Result<int> get_storage(Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Table));
  const Session session = TRY(open_session(call));
  auto locations = TRY(read_objects<BackupStorageLocation>(session, call));
  if (call.flags.is("default")) {
    std::erase_if(locations, [](const BackupStorageLocation& one) { return !one.spec.is_default; });
  }
  print_objects(locations, format, call);
  return 0;
}

Result<int> set_storage(Invocation& call) {
  const Session session = TRY(open_session(call));
  const std::string& name = call.args.front();
  const auto credential = TRY(credential_from(call.flags));
  std::string ca;
  if (const std::string path = call.flags.text("cacert"); !path.empty())
    ca = base64_encode(TRY(read_file(path, 16_MiB)));
  const auto by_default = call.flags.tristate("default");
  if (by_default == true) {
    const auto now = TRY(session.cluster.get<BackupStorageLocation>(name, call.stop));
    if (now.spec.is_default) {
      call.console.line(fmt::format(
          "Backup storage location \"{}\" is already the default backup storage location.", name));
      if (!call.flags.given("cacert") && !call.flags.given("credential")) return 0;
    }
    for (const auto& other : TRY(session.cluster.list<BackupStorageLocation>({}, call.stop))) {
      if (other.spec.is_default && other.metadata.name != name) {
        return Error(
            Code::AlreadyExists,
            "there are already exist default backup storage locations, please unset them first");
      }
    }
  }
  TRY(session.cluster.modify<BackupStorageLocation>(
      name,
      [&](BackupStorageLocation& now) {
        if (by_default) now.spec.is_default = *by_default;
        if (credential) now.spec.credential = credential;
        if (!now.spec.object_storage) return;
        // Velero drops a CA that is not given again; ours keeps what was not spoken of.
        if (call.is_velero() || call.flags.given("cacert")) now.spec.object_storage->ca_cert = ca;
      },
      call.stop));
  call.console.line(fmt::format("Backup storage location \"{}\" configured successfully.", name));
  return 0;
}

template <typename T>
Status remove_labelled(const Session& session,
                       const std::string& location,
                       std::string_view what,
                       Invocation& call) {
  const auto objects = TRY(session.cluster.list<T>(
      fmt::format("{}={}", model::labels::kStorageLocation, model::valid_name(location)),
      call.stop));
  for (const T& object : objects) {
    TRY(session.cluster.remove<T>(object.metadata.name, call.stop));
    if (is_silent(call)) continue;
    call.console.line(fmt::format("{} associated with deleted BSL(s) \"{}\" deleted successfully.",
                                  what, object.metadata.name));
  }
  return {};
}

// Its backups and repositories leave the cluster with it; what lies in the bucket stays there.
Result<int> remove_storage(Invocation& call) {
  TRY(check_selection(call, "backup-location"));
  const Session session = TRY(open_session(call));
  const auto chosen = TRY(choose_objects<BackupStorageLocation>(session, call, call.args));
  const Removal removal = removal_of(chosen);
  if (removal.names.empty()) return report_none(removal, "backup-locations", "deleted", call);
  if (!shall_remove(removal.names, "backup-locations", call))
    return report_kept(removal, "deleted", call);
  for (const std::string& name : removal.names) {
    TRY(session.cluster.remove<BackupStorageLocation>(name, call.stop));
    if (!is_silent(call)) {
      call.console.line(fmt::format("Backup storage location \"{}\" deleted successfully.", name));
    }
    TRY(remove_labelled<model::Backup>(session, name, "Backup", call));
    TRY(remove_labelled<model::BackupRepository>(session, name, "Backup repository", call));
  }
  return report_removal(removal, "deleted", call);
}

Result<int> create_snapshot(Invocation& call) {
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::None));
  VolumeSnapshotLocation location;
  location.spec.provider = call.flags.text("provider");
  if (location.spec.provider.empty()) return Error(Code::InvalidArgument, "--provider is required");
  location.spec.config = call.flags.map("config");
  location.spec.credential = TRY(credential_from(call.flags));
  location.metadata.name = call.args.front();
  location.metadata.labels = call.flags.map("labels");
  const Session session = TRY(open_session(call));
  location.metadata.ns = session.ns();
  if (format != OutputFormat::None) {
    print_one(location, format, call);
    return 0;
  }
  TRY(session.cluster.create(location, call.stop));
  call.console.line(fmt::format("Snapshot volume location \"{}\" configured successfully.",
                                location.metadata.name));
  return 0;
}

Result<int> set_snapshot(Invocation& call) {
  const Session session = TRY(open_session(call));
  const auto credential = TRY(credential_from(call.flags));
  const std::string& name = call.args.front();
  TRY(session.cluster.modify<VolumeSnapshotLocation>(
      name,
      [&credential](VolumeSnapshotLocation& now) {
        if (credential) now.spec.credential = credential;
      },
      call.stop));
  call.console.line(fmt::format("Volume snapshot location \"{}\" configured successfully.", name));
  return 0;
}

const FlagSpec kProvider{.name = "provider",
                         .usage = "Name of the storage provider (e.g. filesystem, aws)."};
const FlagSpec kConfig{
    .name = "config", .kind = FlagKind::Map, .usage = "Configuration key-value pairs."};
const FlagSpec kCredential{.name = "credential",
                           .kind = FlagKind::Map,
                           .usage =
                               "The credential to be used by this location as a key-value pair, "
                               "where the key is the Kubernetes Secret name, and the value is the "
                               "data key name within the Secret. Optional, one value only."};
const FlagSpec kLabels{
    .name = "labels", .kind = FlagKind::Map, .usage = "Labels to apply to the location."};
const FlagSpec kCaCert{.name = "cacert",
                       .usage =
                           "File containing a certificate bundle to use when verifying TLS "
                           "connections to the object store. Optional.",
                       .names = "file"};

std::vector<FlagSpec> with_output(std::vector<FlagSpec> flags) {
  const std::vector<FlagSpec> output = output_flags("");
  flags.insert(flags.end(), output.begin(), output.end());
  return flags;
}

}  // namespace

Command backup_location_commands() {
  std::vector<FlagSpec> create = with_output(
      {kProvider,
       kConfig,
       kCredential,
       kLabels,
       kCaCert,
       {.name = "bucket",
        .usage = "Name of the object storage bucket where backups should be stored. Required."},
       {.name = "prefix",
        .usage =
            "Prefix under which all Velero data should be stored within the bucket. Optional."},
       {.name = "access-mode",
        .usage =
            "Access mode for the backup storage location. Valid values are ReadWrite,ReadOnly.",
        .value = "ReadWrite",
        .words = {"ReadWrite", "ReadOnly"}},
       {.name = "backup-sync-period",
        .kind = FlagKind::Duration,
        .usage = "How often to ensure all Velero backups in object storage exist as Backup API "
                 "objects in the cluster. Optional. Set this to `0s` to disable sync."},
       {.name = "validation-frequency",
        .kind = FlagKind::Duration,
        .usage = "How often to verify if the backup storage location is valid. Optional. Set this "
                 "to `0s` to disable sync."},
       {.name = "default",
        .kind = FlagKind::Bool,
        .usage =
            "Sets this new location to be the new default backup storage location. Optional."}});
  std::vector<FlagSpec> get = get_flags();
  get.push_back({.name = "default",
                 .kind = FlagKind::Bool,
                 .usage = "Displays the current default backup storage location."});
  return {
      .name = "backup-location",
      .usage = "",
      .summary = "Work with backup storage locations",
      .children =
          {{.name = "create",
            .usage = "NAME",
            .summary = "Create a backup storage location",
            .flags = create,
            .run = with_one_name(create_storage)},
           {.name = "get",
            .usage = "[NAME...]",
            .summary = "Get backup storage locations",
            .flags = get,
            .run = get_storage},
           {.name = "set",
            .usage = "NAME",
            .summary = "Set specific features for a backup storage location",
            .flags = {kCaCert,
                      kCredential,
                      {.name = "default",
                       .kind = FlagKind::OptionalBool,
                       .usage = "Sets this location to be the default backup storage location."}},
            .run = with_one_name(set_storage)},
           {.name = "delete",
            .usage = "[NAMES]",
            .summary = "Delete backup storage locations",
            .flags = delete_flags("backup-locations"),
            .run = remove_storage},
           location_check_command()},
      .aliases = {"backup-locations"}};
}

Command snapshot_location_commands() {
  return {.name = "snapshot-location",
          .usage = "",
          .summary = "Work with snapshot locations",
          .children = {{.name = "create",
                        .usage = "NAME",
                        .summary = "Create a volume snapshot location",
                        .flags = with_output({kProvider, kConfig, kCredential, kLabels}),
                        .run = with_one_name(create_snapshot)},
                       {.name = "get",
                        .usage = "[NAME...]",
                        .summary = "Get snapshot locations",
                        .flags = get_flags(),
                        .run = run_get<VolumeSnapshotLocation>},
                       {.name = "set",
                        .usage = "NAME",
                        .summary = "Set specific features for a snapshot location",
                        .flags = {kCredential},
                        .run = with_one_name(set_snapshot)}},
          .aliases = {"snapshot-locations"}};
}

}  // namespace lateen::cli
