#include "server/stored_archive.h"

#include "archive/archive_index.h"
#include "base/byte_source.h"
#include "base/file.h"

namespace lateen::server {

Result<StoredArchive> open_stored_archive(objects::BackupStore& store,
                                          std::string_view backup,
                                          std::stop_token stop) {
  TempDir scratch = TRY(TempDir::create("lateen-archive"));
  // Under its own name, for the errors that speak of it.
  const FilePath tarball = scratch.path() / fmt::format("{}.tar.gz", backup);
  {
    const UniqueFd file = TRY(open_for_writing(tarball, 0600));
    TRY(store.download_contents(backup, file.get(), stop));
  }
  archive::ArchiveReaderOptions options;
  options.temp_dir = scratch.path();
  // Without an index (Velero's backups) the tarball is read through once; it is no loss but of
  // time.
  if (auto index = store.get_archive_index(backup, stop)) {
    const FilePath path = scratch.path() / "index.json.gz";
    TRY(write_file(path, *index, 0600));
    options.index = path;
  }
  archive::ArchiveReader reader = TRY(archive::ArchiveReader::open(tarball, options, stop)
                                          .wrap("the contents of backup {}", backup));
  return StoredArchive{.scratch = std::move(scratch), .reader = std::move(reader)};
}

Result<archive::ArchiveReader> open_archive_in_place(objects::BackupStore& store,
                                                     std::string_view backup,
                                                     std::stop_token stop) {
  const Bytes document = TRY(store.get_archive_index(backup, stop));
  ViewSource source(document);
  archive::ArchiveIndex index = TRY(archive::ArchiveIndex::parse(source));
  const objects::ObjectInfo tarball =
      TRY(store.objects().head(store.layout().backup_contents(backup), stop));
  if (!tarball.size_known || tarball.size != index.tarball_size()) {
    return Error(Code::Conflict, "the index of backup {} is of another tarball", backup);
  }
  const auto fetch = [&store, name = std::string(backup), stop](ByteCount offset,
                                                                ByteCount length) {
    return store.get_contents_range(name, offset, length, stop);
  };
  return archive::ArchiveReader::over(std::move(index), fmt::format("{}.tar.gz", backup), fetch);
}

Result<StoredArchive> open_archive_for_few(objects::BackupStore& store,
                                           std::string_view backup,
                                           std::stop_token stop) {
  auto reader = open_archive_in_place(store, backup, stop);
  if (!reader) return open_stored_archive(store, backup, std::move(stop));
  return StoredArchive{.scratch = TRY(TempDir::create("lateen-archive")),
                       .reader = std::move(*reader)};
}

}  // namespace lateen::server
