// What Lateen adds to an entry of kopia's directories: names and attributes are bytes, and what was
// read is written as it was.
#include "fuzzer.h"
#include "repository/json_reader.h"
#include "repository/kopia/additions.h"

namespace {

namespace kopia = lateen::repository::kopia;

using lateen::repository::Entry;
using lateen::repository::EntryType;
using lateen::repository::ExtendedAttribute;
using lateen::repository::JsonReader;

// The object behind ",\"lateen\":".
lateen::BytesView value_of(const std::string& additions) {
  return lateen::BytesView(additions).substr(kopia::kAdditions.size() + 4);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr EntryType kTypes[] = {EntryType::File, EntryType::Directory, EntryType::Symlink,
                                  EntryType::Fifo, EntryType::CharDevice};
  if (size == 0) return 0;
  const EntryType type = kTypes[data[0] % std::size(kTypes)];
  Entry entry{.name = "name", .type = type};
  JsonReader in(lateen::fuzz::as_bytes(data + 1, size - 1));
  if (!kopia::read_additions(in, entry)) return 0;
  for (const ExtendedAttribute& one : entry.xattrs) {
    LATEEN_ASSERT(!one.name.empty() && one.name.find('\0') == lateen::Bytes::npos,
                  "the kernel takes the name");
  }
  std::string once;
  kopia::append_additions(once, entry);
  if (once.empty()) return 0;
  Entry again{.name = entry.name, .type = type};
  JsonReader written(value_of(once));
  LATEEN_ASSERT(kopia::read_additions(written, again), "what was written reads");
  LATEEN_ASSERT(again.name == entry.name && again.xattrs == entry.xattrs, "and says the same");
  std::string twice;
  kopia::append_additions(twice, again);
  LATEEN_ASSERT(twice == once, "and is written the same");
  return 0;
}
