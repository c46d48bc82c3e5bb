#include "cli/stored_backups.h"

#include <algorithm>
#include <tuple>

#include "base/text.h"
#include "model/named_object.h"
#include "model/names.h"
#include "model/phases.h"
#include "server/stored_archive.h"

namespace lateen::cli {
namespace {

// What a person can do who may not, or cannot, read the bucket from where they are.
Error with_way_out(Error error) {
  const bool is_ours = error.is(Code::Forbidden) || error.is(Code::Unavailable) ||
                       error.is(Code::Unauthenticated) || error.is(Code::DeadlineExceeded);
  if (!is_ours || !error.hint().empty()) return error;
  return std::move(error).with_hint(
      "This command reads the bucket from this machine: it needs to `get` the location's Secret, "
      "and a way to the bucket. `backup cat` and `restore plan` go through the server.");
}

}  // namespace

std::vector<FlagSpec> object_flags() {
  return {{.name = "namespace",
           .usage = "The namespace of the object",
           .shorthand = "n",
           .names = "namespace"},
          {.name = "velero-namespace",
           .usage = "The namespace in which Velero operates",
           .value = "velero",
           .names = "namespace"}};
}

std::vector<FlagSpec> backup_choice_flags() {
  return {{.name = "location",
           .usage = "Only backups in this backup storage location",
           .names = "backup-location"},
          {.name = "schedule", .usage = "Only backups of this schedule", .names = "schedule"}};
}

Result<NamedKind> find_kind(const std::string& text,
                            const std::string& ns,
                            const kube::Discovery& discovery) {
  model::NamedObject named = TRY(model::NamedObject::parse(text));
  const kube::ResourceType* type = discovery.find(named.resource);
  // The definition may be gone with its objects; a plural with its group says enough to look.
  if (type == nullptr && named.resource.find('.') != std::string::npos) {
    if (named.ns.empty()) named.ns = ns;
    return NamedKind{
        .object = {.group_resource = named.resource, .ns = named.ns, .name = named.name}};
  }
  if (type == nullptr) {
    return Error(Code::NotFound, "the cluster serves no kind {}", named.resource)
        .with_hint(
            "Is its CustomResourceDefinition there? If it has gone, write the plural with its "
            "group: books.library.example.com/NAME.");
  }
  if (named.ns.empty() && type->namespaced) named.ns = ns;
  if (named.ns.empty() && type->namespaced) {
    return Error(Code::InvalidArgument, "{} lie in namespaces: which one?", type->gvr.resource)
        .with_hint(
            fmt::format("Say -n NAMESPACE, or {}/NAMESPACE/{}.", named.resource, named.name));
  }
  return NamedKind{.object = {.group_resource = type->group_resource(),
                              .ns = type->namespaced ? named.ns : std::string(),
                              .name = named.name},
                   .type = type};
}

TimePoint time_of(const model::Backup& backup) {
  return backup.status.start_timestamp.value_or(
      backup.metadata.creation_timestamp.value_or(TimePoint()));
}

StoredBackups::StoredBackups(Session session, const Invocation& call)
    : session_(std::move(session)),
      local_(*session_.client, session_.ns(), call.clock, rng_, Log()) {}

Result<std::unique_ptr<StoredBackups>> StoredBackups::open(const Invocation& call) {
  auto stored = std::make_unique<StoredBackups>(TRY(open_session(call)), call);
  TRY(stored->list(call));
  return stored;
}

Status StoredBackups::list(const Invocation& call) {
  const auto text = [&call](std::string_view name) {
    return call.flags.find(name) == nullptr ? std::string() : call.flags.text(name);
  };
  const std::string schedule = text("schedule");
  const std::string location = text("location");
  const std::string selector =
      schedule.empty() ? "" : fmt::format("{}={}", model::labels::kScheduleName, schedule);
  backups_ = TRY(session_.cluster.list<model::Backup>(selector, call.stop));
  std::erase_if(backups_, [&location](const model::Backup& backup) {
    return !model::is_restorable(backup.status.phase.value()) ||
           (!location.empty() && backup.spec.storage_location != location);
  });
  std::sort(backups_.begin(), backups_.end(), [](const auto& a, const auto& b) {
    // Times have seconds.
    return std::tuple(time_of(a), a.status.completion_timestamp, a.metadata.name) <
           std::tuple(time_of(b), b.status.completion_timestamp, b.metadata.name);
  });
  return {};
}

Result<const model::Backup*> StoredBackups::find(const std::string& name) const {
  const auto found = std::find_if(backups_.begin(), backups_.end(), [&name](const auto& backup) {
    return backup.metadata.name == name;
  });
  if (found != backups_.end()) return &*found;
  return Error(Code::NotFound, "there is no backup {} that could be restored", name)
      .with_hint("`backup get` lists the backups and their phases.");
}

Result<StoredBackups::Bucket*> StoredBackups::bucket_of(const model::Backup& backup,
                                                        std::stop_token stop) {
  const std::string& location = backup.spec.storage_location;
  const auto known = buckets_.find(location);
  if (known != buckets_.end()) return &known->second;
  auto store = server::open_store(local_.get(), location, std::move(stop));
  if (!store) return with_way_out(std::move(store).error().wrap("location {}", location));
  Bucket& bucket = buckets_[location];
  bucket.store = std::move(*store);
  return &bucket;
}

Result<StoredBackups::Bucket*> StoredBackups::listed_bucket_of(const model::Backup& backup,
                                                               std::stop_token stop) {
  Bucket* const bucket = TRY(bucket_of(backup, stop));
  if (bucket->lookup != nullptr) return bucket;
  auto files = assurance::BackupFiles::list(*bucket->store, std::move(stop));
  if (!files) return with_way_out(std::move(files).error());
  bucket->files = std::make_unique<assurance::BackupFiles>(std::move(*files));
  bucket->lookup = std::make_unique<assurance::ObjectLookup>(*bucket->store, *bucket->files);
  return bucket;
}

Result<objects::BackupStore*> StoredBackups::store_of(const model::Backup& backup,
                                                      std::stop_token stop) {
  return TRY(bucket_of(backup, std::move(stop)))->store.get();
}

Result<const assurance::ObjectLookup*> StoredBackups::lookup_of(const model::Backup& backup,
                                                                std::stop_token stop) {
  return TRY(listed_bucket_of(backup, std::move(stop)))->lookup.get();
}

Result<const assurance::BackupFiles*> StoredBackups::files_of(const model::Backup& backup,
                                                              std::stop_token stop) {
  return TRY(listed_bucket_of(backup, std::move(stop)))->files.get();
}

Result<OpenedBackup> StoredBackups::open_contents(const model::Backup& backup,
                                                  std::stop_token stop) {
  objects::BackupStore& store = *TRY(store_of(backup, stop));
  auto archive = server::open_archive_for_few(store, backup.metadata.name, std::move(stop));
  if (!archive) return with_way_out(std::move(archive).error());
  return OpenedBackup{.scratch = std::move(archive->scratch), .reader = std::move(archive->reader)};
}

}  // namespace lateen::cli
