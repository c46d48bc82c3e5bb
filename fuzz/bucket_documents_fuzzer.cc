// The JSON documents of a backup and a restore in a stranger's bucket: what is read and written
// again reads as the same. The first byte says which document it is.
#include <array>

#include "fuzzer.h"
#include "model/documents.h"

namespace {

using lateen::Bytes;
using lateen::BytesView;
using lateen::Result;

template <typename T, typename Argument>
void come_back(BytesView text, Result<T> (*read)(BytesView), Bytes (*write)(Argument)) {
  const auto document = read(text);
  if (!document) return;
  const Bytes once = write(*document);
  const auto again = read(once);
  LATEEN_ASSERT(again.has_value(), "what was written is such a document");
  LATEEN_ASSERT(write(*again) == once, "and the same one");
}

constexpr std::array<void (*)(BytesView), 10> kDocuments = {
    [](BytesView text) {
      come_back(text, lateen::model::read_backup, lateen::model::write_backup);
    },
    [](BytesView text) {
      come_back(text, lateen::model::read_pod_volume_backups,
                lateen::model::write_pod_volume_backups);
    },
    [](BytesView text) {
      come_back(text, lateen::model::read_native_snapshots, lateen::model::write_native_snapshots);
    },
    [](BytesView text) {
      come_back(text, lateen::model::read_backup_operations,
                lateen::model::write_backup_operations);
    },
    [](BytesView text) {
      come_back(text, lateen::model::read_restore_operations,
                lateen::model::write_restore_operations);
    },
    [](BytesView text) {
      come_back(text, lateen::model::read_backup_volume_infos,
                lateen::model::write_backup_volume_infos);
    },
    [](BytesView text) {
      come_back(text, lateen::model::read_restore_volume_infos,
                lateen::model::write_restore_volume_infos);
    },
    [](BytesView text) {
      come_back(text, lateen::model::read_results, lateen::model::write_results);
    },
    [](BytesView text) {
      come_back(text, lateen::model::read_resource_list, lateen::model::write_resource_list);
    },
    [](BytesView text) { static_cast<void>(lateen::model::read_objects(text)); },
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  kDocuments[data[0] % kDocuments.size()](lateen::fuzz::as_bytes(data + 1, size - 1));
  return 0;
}
