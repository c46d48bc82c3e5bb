#include "assurance/object_lookup.h"

#include <algorithm>

#include "archive/archive_reader.h"
#include "base/byte_source.h"
#include "base/file.h"
#include "base/temp.h"
#include "model/documents.h"

namespace lateen::assurance {
namespace {

constexpr std::size_t kMostFiles = 5'000'000;

// Whether a reading by the index failed in a way that reading the tarball mends.
bool is_no_use(const Error& error) {
  return error.is(Code::NotFound) || error.is(Code::Conflict) || error.is(Code::Unsupported) ||
         error.is(Code::Corrupt);
}

// Whether the document of names speaks of the object, whatever its kind is called there.
bool is_listed(const model::ResourceList& list, const ObjectName& object) {
  const std::string name =
      object.ns.empty() ? object.name : fmt::format("{}/{}", object.ns, object.name);
  return std::any_of(list.begin(), list.end(), [&name](const auto& kind) {
    return std::find(kind.second.begin(), kind.second.end(), name) != kind.second.end();
  });
}

}  // namespace

ObjectName ObjectName::of(const archive::ItemKey& key) {
  return {.group_resource = std::string(key.group_resource),
          .ns = std::string(key.ns),
          .name = std::string(key.name)};
}

std::string ObjectName::text() const {
  return ns.empty() ? fmt::format("{}/{}", group_resource, name)
                    : fmt::format("{}/{}/{}", group_resource, ns, name);
}

Result<BackupFiles> BackupFiles::list(objects::BackupStore& store, std::stop_token stop) {
  BackupFiles files;
  const auto found = TRY(
      objects::list_all(store.objects(), store.layout().backups_dir(), kMostFiles, std::move(stop))
          .wrap("listing the backups' files"));
  for (const objects::ObjectInfo& one : found)
    files.sizes_.emplace(one.key, one.size);
  return files;
}

std::optional<ByteCount> BackupFiles::size_of(std::string_view key) const {
  const auto found = sizes_.find(key);
  return found == sizes_.end() ? std::nullopt : std::optional(found->second);
}

ByteCount BackupFiles::total_of(std::string_view backup_dir) const {
  ByteCount total = 0;
  for (auto file = sizes_.lower_bound(backup_dir);
       file != sizes_.end() && file->first.starts_with(backup_dir); ++file)
    total += file->second;
  return total;
}

Result<std::optional<HeldObject>> ObjectLookup::find(const std::string& backup,
                                                     const ObjectName& object,
                                                     std::stop_token stop) const {
  if (const auto size = files_.size_of(store_.layout().backup_archive_index(backup))) {
    auto found = find_by_lookup(backup, object, *size, stop);
    if (!found && found.error().is(Code::Unsupported)) found = find_by_index(backup, object, stop);
    if (found || !is_no_use(found.error())) return found;
  }
  return find_in_tarball(backup, object, std::move(stop)).wrap("backup {}", backup);
}

// By its size: an index of a tarball that somebody wrote anew since is of no use.
Status ObjectLookup::check_size(const std::string& backup, ByteCount tarball_size) const {
  if (files_.size_of(store_.layout().backup_contents(backup)) == tarball_size) return {};
  return Error(Code::Conflict, "the index of backup {} is of another tarball", backup);
}

Result<std::optional<HeldObject>> ObjectLookup::find_by_lookup(const std::string& backup,
                                                               const ObjectName& object,
                                                               ByteCount index_size,
                                                               std::stop_token stop) const {
  const std::string key = store_.layout().backup_archive_index(backup);
  const auto fetch = [&](ByteCount offset, ByteCount length) {
    return store_.objects().get_range(key, offset, length, stop);
  };
  const auto lookup = TRY(archive::IndexLookup::open(index_size, fetch));
  TRY(check_size(backup, lookup.tarball_size()));
  auto place = TRY(lookup.find(object.group_resource, object.ns, object.name, fetch));
  if (!place) return std::optional<HeldObject>();
  HeldObject held{.sha256 = place->location.sha256, .version = place->version};
  held.place = std::move(place);
  return std::optional(std::move(held));
}

Result<std::optional<HeldObject>> ObjectLookup::find_by_index(const std::string& backup,
                                                              const ObjectName& object,
                                                              std::stop_token stop) const {
  const Bytes document = TRY(store_.get_archive_index(backup, std::move(stop)));
  ViewSource source(document);
  const auto index = TRY(archive::ArchiveIndex::parse(source));
  TRY(check_size(backup, index.tarball_size()));
  const archive::ArchivedItem* item =
      index.table().find(object.group_resource, object.ns, object.name);
  if (item == nullptr) return std::optional<HeldObject>();
  return std::optional(
      HeldObject{.sha256 = item->location.sha256,
                 .version = std::string(item->key.version),
                 .place = archive::IndexedObject{.group_resource = object.group_resource,
                                                 .ns = object.ns,
                                                 .name = object.name,
                                                 .version = std::string(item->key.version),
                                                 .member = index.member(*item),
                                                 .location = item->location}});
}

Result<std::optional<HeldObject>> ObjectLookup::find_in_tarball(const std::string& backup,
                                                                const ObjectName& object,
                                                                std::stop_token stop) const {
  // Its list of names is small: most backups that do not hold the object need not be read through.
  const auto list = store_.get_resource_list(backup, stop);
  if (list && !is_listed(*list, object)) return std::optional<HeldObject>();
  const TempDir scratch = TRY(TempDir::create("lateen-lookup"));
  const FilePath path = scratch.path() / fmt::format("{}.tar.gz", backup);
  {
    const UniqueFd file = TRY(open_for_writing(path, 0600));
    TRY(store_.download_contents(backup, file.get(), stop));
  }
  archive::ArchiveReaderOptions options;
  options.temp_dir = scratch.path();
  const auto reader = TRY(archive::ArchiveReader::open(path, options, stop));
  const archive::ArchivedItem* item = reader.find(object.group_resource, object.ns, object.name);
  if (item == nullptr) return std::optional<HeldObject>();
  HeldObject held{.sha256 = item->location.sha256, .version = std::string(item->key.version)};
  held.json = TRY(reader.read(*item));
  return std::optional(std::move(held));
}

Result<Bytes> ObjectLookup::read(const std::string& backup,
                                 const HeldObject& held,
                                 std::stop_token stop) const {
  if (!held.place) return held.json;
  const archive::MemberRange& range = held.place->member;
  const Bytes packed =
      TRY(store_.get_contents_range(backup, range.offset, range.length, std::move(stop)));
  return held.place->extract(packed).wrap("backup {}", backup);
}

}  // namespace lateen::assurance
