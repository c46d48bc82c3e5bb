#include "cli/backup_cat.h"

#include "archive/archive_index.h"
#include "archive/archive_reader.h"
#include "base/byte_source.h"
#include "base/temp.h"
#include "base/yaml.h"
#include "cli/downloads.h"
#include "cli/output.h"
#include "cli/session.h"
#include "model/backup.h"
#include "model/named_object.h"

namespace lateen::cli {
namespace {

using archive::ArchivedItem;
using archive::ArchiveReader;
using model::DownloadTargetKind;
using model::NamedObject;

// A backup's tarball, as much of it as is needed. Movable.
struct OpenBackup {
  TempDir scratch;
  std::optional<RangedDocument> tarball = {};
  std::optional<archive::ArchiveIndex> index = {};
  std::optional<ArchiveReader> reader = {};  // of a backup without index: of all of it

  const archive::ArchivedItem* find_item(const NamedObject& object) const {
    const auto items = index ? index->table().items() : reader->items();
    for (const ArchivedItem& item : items) {
      const archive::ItemKey& key = item.key;
      if (key.preferred && object.means(key.group_resource, key.ns, key.name)) return &item;
    }
    return nullptr;
  }
};

Result<FilePath> fetch(const OpenBackup& backup,
                       const Session& session,
                       DownloadTargetKind kind,
                       const std::string& name,
                       Invocation& call) {
  FilePath path = backup.scratch.path() / fmt::format("{}-{}", name, model::to_string(kind));
  const UniqueFd file = TRY(open_for_writing(path, 0600));
  const DownloadOptions options = TRY(download_options(call.flags));
  TRY(download_to(file.get(), session, kind, name, options, call.stop));
  return path;
}

Result<archive::ArchiveIndex> fetch_index(const OpenBackup& backup,
                                          const Session& session,
                                          const std::string& name,
                                          Invocation& call) {
  const FilePath path =
      TRY(fetch(backup, session, DownloadTargetKind::BackupArchiveIndex, name, call));
  const UniqueFd file = TRY(open_for_reading(path));
  FdSource source(file.get(), path.string());
  return archive::ArchiveIndex::parse(source);
}

Status fetch_tarball(OpenBackup& backup,
                     const Session& session,
                     const std::string& name,
                     Invocation& call) {
  const FilePath path = TRY(fetch(backup, session, DownloadTargetKind::BackupContents, name, call));
  backup.index.reset();
  backup.reader.emplace(
      TRY(ArchiveReader::open(path, {.temp_dir = backup.scratch.path()}, call.stop)));
  return {};
}

// With its index, if it has one. A backup by Velero has none; a server that is older, or Velero's
// own definitions in the cluster, do not know that document.
Result<OpenBackup> open_backup(const Session& session, const std::string& name, Invocation& call) {
  OpenBackup backup{.scratch = TRY(TempDir::create("lateen-cat"))};
  auto index = fetch_index(backup, session, name, call);
  if (!index) {
    TRY(fetch_tarball(backup, session, name, call));
    return backup;
  }
  backup.index.emplace(std::move(*index));
  const DownloadOptions options = TRY(download_options(call.flags));
  backup.tarball.emplace(TRY(
      RangedDocument::open(session, DownloadTargetKind::BackupContents, name, options, call.stop)));
  return backup;
}

// One ranged GET. Conflict when the index is of another tarball, Unsupported when the store gives
// no parts of files.
Result<Bytes> read_in_place(const OpenBackup& backup,
                            const ArchivedItem& item,
                            std::stop_token stop) {
  const archive::MemberRange& range = backup.index->member(item);
  const RangedDocument::Part part = TRY(backup.tarball->read(range.offset, range.length, stop));
  if (part.document_size != backup.index->tarball_size()) {
    return Error(Code::Conflict, "the index is of another tarball");
  }
  return backup.index->extract(item, part.bytes);
}

Result<Bytes> read_object(OpenBackup& backup,
                          const NamedObject& object,
                          const Session& session,
                          const std::string& name,
                          Invocation& call) {
  const ArchivedItem* item = backup.find_item(object);
  if (item != nullptr && backup.index) {
    auto json = read_in_place(backup, *item, call.stop);
    const bool is_stale =
        !json && (json.error().is(Code::Conflict) || json.error().is(Code::Unsupported));
    if (!is_stale) return json;
    TRY(fetch_tarball(backup, session, name, call));
    item = backup.find_item(object);
  }
  if (item == nullptr) {
    return Error(Code::NotFound, "{} is not in backup {}", object.text(), name)
        .with_hint(
            fmt::format("See what is in it: {} backup describe {} --details", call.program, name));
  }
  return backup.reader->read(*item);
}

Result<int> cat(Invocation& call) {
  if (call.args.size() < 2) {
    return Error(Code::InvalidArgument, "a backup and at least one object of it are required")
        .with_hint("For example: backup cat nightly configmaps/shop/settings");
  }
  const OutputFormat format = TRY(output_format(call.flags, OutputFormat::Yaml));
  if (format == OutputFormat::Table) {
    return Error(Code::InvalidArgument, "an object is printed as yaml or json, not as a table");
  }
  std::vector<NamedObject> objects;
  for (std::size_t i = 1; i < call.args.size(); ++i)
    objects.push_back(TRY(NamedObject::parse(call.args[i])));
  const Session session = TRY(open_session(call));
  const std::string& name = call.args.front();
  TRY(session.cluster.get<model::Backup>(name, call.stop));
  OpenBackup backup = TRY(open_backup(session, name, call));
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const Bytes text = TRY(read_object(backup, objects[i], session, name, call));
    const Json object = TRY(parse_json(text));
    if (i > 0 && format == OutputFormat::Yaml) call.console.out("---\n");
    call.console.out(print_document(object, format));
  }
  return 0;
}

}  // namespace

Command backup_cat_command() {
  std::vector<FlagSpec> flags = download_flags("1m0s");
  flags.push_back({.name = "output",
                   .usage = "Output format: yaml or json.",
                   .value = "yaml",
                   .shorthand = "o",
                   .words = {"yaml", "json"}});
  return {.name = "cat",
          .usage = "BACKUP RESOURCE/NAMESPACE/NAME...",
          .summary = "Print single objects of a backup",
          .flags = std::move(flags),
          .run = cat,
          .text =
              "Print single objects of a backup, as they were when it was made. Of Lateen's "
              "backups only the part that holds an object is read."};
}

}  // namespace lateen::cli
