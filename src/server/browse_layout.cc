#include "server/browse_layout.h"

#include <map>
#include <vector>

#include "archive/archive_reader.h"
#include "base/gzip.h"
#include "base/json.h"
#include "base/tar.h"
#include "base/text.h"
#include "base/version.h"
#include "base/yaml.h"
#include "model/names.h"
#include "objects/location.h"
#include "server/stored_archive.h"

namespace lateen::server {
namespace {

using archive::ArchivedItem;
using archive::ArchiveReader;

constexpr std::size_t kTarMember = 256 << 10;

constexpr std::string_view kSnapshots = "volumesnapshots.snapshot.storage.k8s.io";
constexpr std::string_view kContentKind = "volumesnapshotcontents.snapshot.storage.k8s.io";
constexpr std::string_view kDefinitions = "customresourcedefinitions.apiextensions.k8s.io";

// Objects by their kind, in the order of the archive.
using Kinds = std::map<std::string_view, std::vector<const ArchivedItem*>>;

Kinds kinds_of(const ArchiveReader& reader) {
  Kinds kinds;
  for (const ArchivedItem& item : reader.items()) {
    if (item.key.preferred) kinds[item.key.group_resource].push_back(&item);
  }
  return kinds;
}

// A .tar.gz on its way into the bucket. Holds a member's worth of it. Not thread-safe.
class TarballUpload {
 public:
  static Result<TarballUpload> begin(objects::BackupStore& store,
                                     const model::Backup& backup,
                                     std::string_view name,
                                     std::stop_token stop) {
    const std::string key = store.layout().backup_browse_file(backup.metadata.name, name);
    return TarballUpload(TRY(store.objects().begin_upload(key, stop)),
                         backup.status.start_timestamp.value_or(TimePoint()));
  }

  Status add(const std::string& name, std::string_view content) {
    const TarFile file{.name = name, .size = content.size(), .modified = modified_, .mode = 0644};
    TRY(append_tar_header(pending_, file));
    pending_ += content;
    pending_.append(tar_padding(content.size()), '\0');
    return pending_.size() < kTarMember ? Status() : flush();
  }

  Status finish() {
    append_tar_end(pending_);
    TRY(flush());
    return upload_->complete();
  }

 private:
  TarballUpload(std::unique_ptr<objects::Upload> upload, TimePoint modified)
      : upload_(std::move(upload)), modified_(modified) {}

  Status flush() {
    const Bytes member = compressor_.member(pending_);
    pending_.clear();
    return upload_->write(member);
  }

  std::unique_ptr<objects::Upload> upload_;
  TimePoint modified_;
  GzipCompressor compressor_;
  std::string pending_;
};

// Writes these objects as YAML below `folder`.
class ObjectTarballs {
 public:
  ObjectTarballs(const model::Backup& backup,
                 objects::BackupStore& store,
                 const ArchiveReader& reader,
                 std::stop_token stop)
      : backup_(backup), store_(store), reader_(reader), stop_(std::move(stop)) {}

  Status put(const std::string& file,
             const std::string& folder,
             const std::vector<const ArchivedItem*>& items) const {
    TarballUpload tarball = TRY(TarballUpload::begin(store_, backup_, file, stop_));
    for (const ArchivedItem* item : items) {
      if (stop_.stop_requested()) return Error(Code::Canceled, "the server was stopped");
      const Bytes text = TRY(reader_.read(*item));
      const Json object = TRY(parse_json(text));
      const std::string name = item->key.ns.empty()
                                   ? std::string(item->key.name)
                                   : fmt::format("{}/{}", item->key.ns, item->key.name);
      TRY(tarball.add(fmt::format("{}/{}.yaml", folder, name), write_yaml(object)));
    }
    return tarball.finish();
  }

 private:
  const model::Backup& backup_;
  objects::BackupStore& store_;
  const ArchiveReader& reader_;
  const std::stop_token stop_;
};

std::string annotation(const model::Backup& backup, std::string_view name) {
  const auto at = backup.metadata.annotations.find(name);
  return at == backup.metadata.annotations.end() ? std::string() : at->second;
}

Result<JsonObject> versions_of(const ArchiveReader& reader,
                               const std::vector<const ArchivedItem*>& definitions) {
  JsonObject versions;
  for (const ArchivedItem* item : definitions) {
    const Bytes text = TRY(reader.read(*item));
    const Json definition = TRY(parse_json(text));
    JsonArray names;
    if (const JsonArray* all = array_at(definition, "spec.versions")) {
      for (const Json& version : *all)
        names.emplace_back(string_at(version, "name"));
    }
    versions[std::string(item->key.name)] = std::move(names);
  }
  return versions;
}

// What the backup was made with and of.
Result<std::string> metadata_of(const model::Backup& backup,
                                const ArchiveReader& reader,
                                const Kinds& kinds) {
  const auto definitions = kinds.find(kDefinitions);
  JsonObject crds;
  if (definitions != kinds.end()) crds = TRY(versions_of(reader, definitions->second));
  JsonObject counts;
  for (const auto& [kind, items] : kinds)
    counts[std::string(kind)] = items.size();
  const Json document = JsonObject{
      {"backup", backup.metadata.name},
      {"formatVersion", backup.status.format_version},
      {"lateenVersion", std::string(kVersion)},
      {"kubernetes",
       JsonObject{
           {"gitVersion", annotation(backup, model::annotations::kSourceClusterGitVersion)},
           {"majorVersion", annotation(backup, model::annotations::kSourceClusterMajorVersion)},
           {"minorVersion", annotation(backup, model::annotations::kSourceClusterMinorVersion)}}},
      {"customResourceDefinitions", std::move(crds)},
      {"objects", std::move(counts)}};
  return write_json_pretty(document) + "\n";
}

std::vector<const ArchivedItem*> items_of(const Kinds& kinds, std::string_view kind) {
  const auto at = kinds.find(kind);
  return at == kinds.end() ? std::vector<const ArchivedItem*>() : at->second;
}

Status put_all(const model::Backup& backup,
               objects::BackupStore& store,
               const ArchiveReader& reader,
               std::stop_token stop) {
  const Kinds kinds = kinds_of(reader);
  const ObjectTarballs tarballs(backup, store, reader, stop);
  for (const auto& [kind, items] : kinds) {
    const std::string folder = fmt::format("resource-list/{}", kind);
    TRY(tarballs.put(folder + ".tar.gz", folder, items));
  }
  TRY(tarballs.put("volumesnapshots.tar.gz", "volumesnapshots", items_of(kinds, kSnapshots)));
  TRY(tarballs.put("csi-volumesnapshotcontents.tar.gz", "csi-volumesnapshotcontents",
                   items_of(kinds, kContentKind)));
  const std::string metadata = TRY(metadata_of(backup, reader, kinds));
  return store.objects().put(
      store.layout().backup_browse_file(backup.metadata.name, "velero-backup-metadata"), metadata,
      stop);
}

}  // namespace

bool wants_browse_layout(const model::Backup& backup,
                         const model::BackupStorageLocation& location) {
  const auto of_backup = backup.metadata.annotations.find(model::annotations::kResourceTarballs);
  if (of_backup != backup.metadata.annotations.end()) return of_backup->second == "true";
  const auto of_location =
      location.metadata.annotations.find(model::annotations::kResourceTarballs);
  if (of_location != location.metadata.annotations.end()) return of_location->second == "true";
  const auto config = location.spec.config.find(objects::kResourceTarballs);
  return config != location.spec.config.end() && config->second == "true";
}

Status put_browse_layout(const model::Backup& backup,
                         objects::BackupStore& store,
                         std::stop_token stop) {
  const std::string& name = backup.metadata.name;
  if (const auto reader = open_archive_in_place(store, name, stop)) {
    return put_all(backup, store, *reader, stop);
  }
  const StoredArchive stored = TRY(open_stored_archive(store, name, stop));
  return put_all(backup, store, stored.reader, stop);
}

}  // namespace lateen::server
