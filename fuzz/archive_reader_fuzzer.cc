// A tarball from a stranger's bucket, and an index from there: the first byte of the input says
// which of the two is being made up, and whether the tar comes packed.
#include "archive/archive_index.h"
#include "archive/archive_reader.h"
#include "base/gzip.h"
#include "base/temp.h"
#include "fuzzer.h"

namespace {

using lateen::archive::ArchiveIndex;
using lateen::archive::ArchiveReader;

void read_index(lateen::BytesView bytes) {
  const lateen::Bytes packed = lateen::gzip_member(bytes);
  lateen::ViewSource source(packed);
  const auto index = ArchiveIndex::parse(source);
  if (!index) return;
  for (const auto& item : index->table().items()) {
    (void)index->extract(item, bytes);  // may fail: only must not break
  }
}

void read_tarball(lateen::BytesView bytes) {
  static const auto dir = lateen::TempDir::create();
  LATEEN_ASSERT(dir.has_value(), "there is a place for temporary files");
  const lateen::FilePath path = dir->path() / "t.tar.gz";
  LATEEN_ASSERT(lateen::write_file(path, bytes).has_value(), "and room in it");
  const auto archive = ArchiveReader::open(path, {.temp_dir = dir->path()}, {});
  if (!archive) return;
  for (const auto& item : archive->items()) {
    LATEEN_ASSERT(archive->read(item).has_value(), "what was listed can be read");
    LATEEN_ASSERT(item.key.ns != ".." && item.key.name.find('/') == std::string_view::npos,
                  "no name leads elsewhere");
  }
  (void)archive->verify({});  // two copies may differ
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const lateen::BytesView bytes = lateen::fuzz::as_bytes(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      read_index(bytes);
      break;
    case 1:
      read_tarball(bytes);
      break;
    default:
      read_tarball(lateen::gzip_member(bytes));
      break;
  }
  return 0;
}
