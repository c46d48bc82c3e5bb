#include "repository/restic/pack_session.h"

#include "repository/restic/index_file.h"
#include "repository/restic/unit_cipher.h"

namespace lateen::repository::restic {
namespace {}  // namespace

Status ResticPackSession::start(std::stop_token /*stop*/) {
  return may_write_();
}

void ResticPackSession::begin_pack(PackKind /*kind*/, Buffer& /*pack*/) {}

Result<std::string> ResticPackSession::finish_pack(PackKind /*kind*/,
                                                   Buffer& pack,
                                                   std::span<const ContentEntry> entries,
                                                   Workspace& /*workspace*/) {
  Bytes header;
  ByteCount offset = 0;
  for (const ContentEntry& entry : entries) {
    LATEEN_ASSERT(entry.offset == offset, "a pack of restic has no gaps");
    offset += entry.packed_length;
    append_header_entry(header, to_blob(entry));
  }
  LATEEN_ASSERT(offset == pack.size(), "a pack of restic has no gaps");
  const Bytes sealed = seal_unit(files_.key(), header, files_.rng());
  pack.append(sealed);
  for (unsigned shift = 0; shift < 32; shift += 8)
    pack.push_back(static_cast<char>(sealed.size() >> shift & 0xffU));
  return Id::of(pack.view()).hex();
}

Status ResticPackSession::store_index(std::span<const ContentEntry> entries,
                                      const PackTable& packs,
                                      std::stop_token stop) {
  if (entries.empty()) return {};
  IndexEncoder encoder;
  std::vector<PackedBlob> blobs;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    blobs.push_back(to_blob(entries[i]));
    if (i + 1 < entries.size() && entries[i + 1].pack == entries[i].pack) continue;
    const Id pack = TRY(parse_id(packs.name(entries[i].pack)));
    encoder.add(pack, blobs);
    blobs.clear();
  }
  TRY(may_write_());
  TRY(files_.save(FileType::Index, encoder.finish(), std::move(stop)));
  return {};
}

std::size_t ResticPackSession::index_batch() const {
  return kBlobsPerIndex;
}

std::uint32_t ResticPackSession::entry_time(const ContentEntry* /*replaced*/) {
  return 0;
}

}  // namespace lateen::repository::restic
