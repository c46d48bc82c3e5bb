#include "repository/kopia/content_format.h"

#include <algorithm>

#include "repository/kopia/object_id.h"
#include "repository/kopia/pack.h"

namespace lateen::repository::kopia {
namespace {

constexpr std::size_t kHeaderSize = 4;

// A pack of the smallest contents would have an index as large as itself; recovery reads that
// whole.
constexpr std::size_t kMaxPackContents = 200'000;

// Nobody's object of one content is larger: splitters end at 16 MiB, packs at 120.
constexpr ByteCount kMaxObjectContent = 256_MiB;

void append_header(Buffer& out, std::uint32_t id) {
  for (const unsigned shift : {24U, 16U, 8U, 0U})
    out.push_back(static_cast<char>(id >> shift));
}

std::uint32_t read_header(BytesView stored) {
  std::uint32_t id = 0;
  for (std::size_t i = 0; i < kHeaderSize; ++i) {
    id = id << 8U | static_cast<std::uint8_t>(stored[i]);
  }
  return id;
}

Result<const KopiaCompressor*> compressor_of(BytesView stored) {
  if (stored.size() < kHeaderSize) return Error(Code::Corrupt, "its compressed bytes are too few");
  const KopiaCompressor* compressor = find_kopia_compressor(read_header(stored));
  if (compressor == nullptr) {
    return Error(Code::Unsupported, "it is compressed by {:#06x}, which is not known",
                 read_header(stored));
  }
  return compressor;
}

}  // namespace

void CompressedObjects::add(const ContentId& plain, const ContentId& real) {
  Lock lock(mu_);
  real_.insert_or_assign(plain, real);
}

std::optional<ContentId> CompressedObjects::find(const ContentId& plain) const {
  Lock lock(mu_);
  const auto it = real_.find(plain);
  if (it == real_.end()) return std::nullopt;
  return it->second;
}

const KopiaCompressor* compressor_for(Codec codec) {
  if (codec.algorithm == Algorithm::None) return nullptr;
  const KopiaCompressor* nearest = nullptr;
  int distance = 0;
  for (const KopiaCompressor& one : kopia_compressors()) {
    if (!one.can_write || one.codec.algorithm != codec.algorithm) continue;
    const int away = std::abs(one.codec.level - codec.level);
    if (nearest == nullptr || away < distance) {
      nearest = &one;
      distance = away;
    }
  }
  return nearest;
}

Result<Bytes> decompress_object(BytesView stored, Decompressor& decompressor) {
  const KopiaCompressor* compressor = TRY(compressor_of(stored));
  Buffer plain;
  TRY(decompressor.decompress_up_to(compressor->codec.algorithm, stored.substr(kHeaderSize),
                                    kMaxObjectContent, plain));
  return Bytes(plain.view());
}

std::size_t KopiaContentFormat::max_pack_contents() const {
  return kMaxPackContents;
}

Result<SealedForm> KopiaContentFormat::seal(
    const ContentId& id, BytesView plain, Codec codec, Workspace& workspace, Buffer& out) const {
  const auto version = static_cast<std::uint8_t>(format_.version);
  // Version 1 has no place to say that a content is compressed.
  const KopiaCompressor* compressor = format_.version == 1 ? nullptr : compressor_for(codec);
  const bool pays = kind_of(id) == PackKind::Metadata || looks_compressible(plain);
  if (compressor != nullptr && !plain.empty() && pays) {
    Buffer& packed = workspace.scratch;
    packed.clear();
    append_header(packed, compressor->header_id);
    Codec as_kopia = codec;
    as_kopia.checksum = codec.algorithm == Algorithm::Zstd;
    TRY(workspace.compressor.compress(as_kopia, plain, packed));
    if (packed.size() < plain.size()) {
      cipher_.seal(iv_of(id), packed.view(), workspace.aead, out);
      return SealedForm{.codec = static_cast<std::uint16_t>(compressor->header_id),
                        .version = version};
    }
  }
  cipher_.seal(iv_of(id), plain, workspace.aead, out);
  return SealedForm{.codec = 0, .version = version};
}

Status KopiaContentFormat::open(const ContentEntry& entry,
                                BytesView stored,
                                Workspace& workspace,
                                Buffer& out) const {
  const bool whole_object = entry.codec == kObjectCompression;
  const ContentId id =
      whole_object ? compressed_objects_.find(entry.id).value_or(entry.id) : entry.id;
  if (entry.codec == 0) {
    const std::size_t before = out.size();
    TRY(cipher_.open(iv_of(id), stored, workspace.aead, out));
    if (out.size() - before == entry.length) return {};
    const std::size_t found = out.size() - before;
    out.resize(before);
    return Error(Code::Corrupt, "it has {} bytes, and the index says {}", found, entry.length);
  }
  Buffer& packed = workspace.scratch;
  packed.clear();
  TRY(cipher_.open(iv_of(id), stored, workspace.aead, packed));
  const KopiaCompressor* compressor = TRY(compressor_of(packed.view()));
  if (!whole_object && compressor->header_id != entry.codec) {
    return Error(Code::Corrupt, "it is compressed by {}, and the index says {:#06x}",
                 compressor->name, entry.codec);
  }
  return workspace.decompressor.decompress(compressor->codec.algorithm,
                                           packed.view().substr(kHeaderSize), entry.length, out);
}

void KopiaContentFormat::check_pack(std::string_view pack_name,
                                    BytesView pack,
                                    std::span<const ContentEntry> entries,
                                    Workspace& workspace,
                                    std::vector<Error>& wrong) const {
  const auto own = read_local_index(pack, cipher_, workspace.aead);
  if (!own) {
    wrong.push_back(Error(own.error()).wrap("the index in pack {}", pack_name));
    return;
  }
  std::unordered_map<ContentId, ContentEntry, ContentIdHash> listed;
  for (const ContentEntry& entry : own->entries())
    listed.emplace(entry.id, entry);
  for (const ContentEntry& entry : entries) {
    const auto it = listed.find(entry.id);
    // Its own index may know the content at another place of the same pack only if that was written
    // twice, which kopia does not do.
    if (it == listed.end() || it->second.offset != entry.offset ||
        it->second.packed_length != entry.packed_length) {
      wrong.push_back(Error(Code::Corrupt,
                            "pack {} does not list content {} where the index has it", pack_name,
                            entry.id.text()));
      return;
    }
  }
}

}  // namespace lateen::repository::kopia
