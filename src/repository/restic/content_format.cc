#include "repository/restic/content_format.h"

#include <algorithm>

#include "repository/restic/files.h"
#include "repository/restic/unit_cipher.h"

namespace lateen::repository::restic {
namespace {

// The decrypted header of a pack that is in memory.
Result<std::vector<PackedBlob>> header_of(const CtrPolyKey& key, BytesView pack) {
  const BytesView last = pack.substr(pack.size() - std::min<std::size_t>(4, pack.size()));
  const ByteCount length = TRY(header_length(last, pack.size()));
  const BytesView sealed = pack.substr(pack.size() - kHeaderLengthSize - length, length);
  const Bytes plain = TRY(open_unit(key, sealed).wrap("the pack's header"));
  return decode_header(plain);
}

}  // namespace

ContentId to_content_id(BlobType type, const Id& id) {
  return ContentId::of(type == BlobType::Tree ? kTreePrefix : kDataPrefix, id.bytes, Id::kSize);
}

Id to_id(const ContentId& id) {
  return {.bytes = id.hash};
}

BlobType type_of(const ContentId& id) {
  return id.prefix == kTreePrefix ? BlobType::Tree : BlobType::Data;
}

ContentEntry to_entry(const PackedBlob& blob, std::uint32_t pack) {
  return {.id = to_content_id(blob.type, blob.id),
          .pack = pack,
          .offset = blob.offset,
          .packed_length = blob.length,
          .length = blob.size(),
          .codec = blob.compressed() ? kCompressedCodec : std::uint16_t{0}};
}

PackedBlob to_blob(const ContentEntry& entry) {
  return {.id = to_id(entry.id),
          .type = type_of(entry.id),
          .offset = entry.offset,
          .length = entry.packed_length,
          .plain_length = entry.codec == kCompressedCodec ? entry.length : 0};
}

ResticContentFormat::ResticContentFormat(const CtrPolyKey& key,
                                         int version,
                                         ByteCount pack_size,
                                         Rng& rng)
    : key_(key), version_(version), pack_size_(pack_size), rng_(rng), hash_(make_sha256_hash()) {}

PackKind ResticContentFormat::kind_of(const ContentId& id) const {
  return id.prefix == kTreePrefix ? PackKind::Metadata : PackKind::Data;
}

// A workspace may have been another repository's before: never seal by that one's key.
CtrPoly1305& ResticContentFormat::cipher(Workspace& workspace) const {
  const bool fits = workspace.ctr_poly && workspace.ctr_poly->key() == key_;
  if (!fits) workspace.ctr_poly = std::make_unique<CtrPoly1305>(key_);
  return *workspace.ctr_poly;
}

// Trees are stored compressed even where that saves nothing: restic's prune rewrites packs with
// trees that are not.
Result<SealedForm> ResticContentFormat::seal(
    const ContentId& id, BytesView plain, Codec codec, Workspace& workspace, Buffer& out) const {
  const bool is_tree = id.prefix == kTreePrefix;
  BytesView body = plain;
  SealedForm form;
  const bool wanted = codec.algorithm == Algorithm::Zstd && !plain.empty() && version_ >= 2;
  if (wanted && (is_tree || looks_compressible(plain))) {
    workspace.scratch.clear();
    TRY(workspace.compressor.compress(codec, plain, workspace.scratch));
    if (is_tree || workspace.scratch.size() < plain.size()) {
      body = workspace.scratch.view();
      form.codec = kCompressedCodec;
    }
  }
  const FreshIv iv(rng_);
  cipher(workspace).seal(iv.view(), body, out.extend(body.size() + kCtrPolyOverhead));
  return form;
}

Status ResticContentFormat::open(const ContentEntry& entry,
                                 BytesView stored,
                                 Workspace& workspace,
                                 Buffer& out) const {
  if (stored.size() < kCtrPolyOverhead) {
    return Error(Code::Corrupt, "only {} bytes: too short for a blob", stored.size());
  }
  const std::size_t plain = stored.size() - kCtrPolyOverhead;
  const bool compressed = entry.codec == kCompressedCodec;
  if (!compressed && plain != entry.length) {
    return Error(Code::Corrupt, "{} bytes instead of {}", plain, entry.length);
  }
  const std::size_t before = out.size();
  Buffer& into = compressed ? workspace.scratch : out;
  if (compressed) into.clear();
  if (!cipher(workspace).open(stored, into.extend(plain))) {
    out.resize(before);
    return Error(Code::Corrupt, "the blob is not authentic: its bytes are damaged");
  }
  if (!compressed) return {};
  Status unpacked = workspace.decompressor.decompress(Algorithm::Zstd, workspace.scratch.view(),
                                                      entry.length, out);
  if (!unpacked) out.resize(before);
  return unpacked;
}

std::string ResticContentFormat::pack_key(std::string_view pack_name) const {
  return key_of_pack(pack_name);
}

std::size_t ResticContentFormat::max_pack_contents() const {
  return (kMaxHeaderSize - kCryptoOverhead) / header_entry_size(true);
}

void ResticContentFormat::check_pack(std::string_view pack_name,
                                     BytesView pack,
                                     std::span<const ContentEntry> entries,
                                     Workspace& /*workspace*/,
                                     std::vector<Error>& wrong) const {
  if (Id::of(pack).hex() != pack_name) {
    wrong.push_back(Error(Code::Corrupt, "its bytes are not those that its name says"));
  }
  auto header = header_of(key_, pack);
  if (!header) {
    wrong.push_back(std::move(header).error());
    return;
  }
  if (pack_size_of(*header) != pack.size()) {
    wrong.push_back(Error(Code::Corrupt, "it has {} bytes; its header describes {}", pack.size(),
                          pack_size_of(*header)));
  }
  // Several index files may describe one pack, all alike.
  std::size_t at = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const PackedBlob blob = to_blob(entries[i]);
    if (i > 0 && blob == to_blob(entries[i - 1])) continue;
    if (at >= header->size() || (*header)[at] != blob) {
      wrong.push_back(Error(Code::Corrupt, "the index and the pack's own header differ at blob {}",
                            blob.id.short_hex()));
      return;
    }
    ++at;
  }
  if (at != header->size()) {
    wrong.push_back(
        Error(Code::Corrupt, "its header has {} blobs, the index {}", header->size(), at));
  }
}

Result<std::vector<PackedBlob>> read_pack_header(objects::ObjectStore& store,
                                                 const CtrPolyKey& key,
                                                 const Id& pack,
                                                 ByteCount pack_size,
                                                 const std::stop_token& stop) {
  const std::string name = key_of(FileType::Pack, pack);
  const ByteCount eager = std::min(pack_size, kEagerHeader);
  Bytes tail = TRY(store.get_range(name, pack_size - eager, eager, stop).wrap("pack {}", name));
  if (tail.size() != eager) return Error(Code::Corrupt, "pack {} is cut short", name);
  const BytesView last =
      BytesView(tail).substr(tail.size() - std::min<std::size_t>(4, tail.size()));
  const ByteCount length = TRY(header_length(last, pack_size).wrap("pack {}", name));
  const ByteCount wanted = length + kHeaderLengthSize;
  if (wanted > tail.size()) {
    tail = TRY(store.get_range(name, pack_size - wanted, wanted, stop).wrap("pack {}", name));
    if (tail.size() != wanted) return Error(Code::Corrupt, "pack {} is cut short", name);
  }
  const BytesView sealed = BytesView(tail).substr(tail.size() - wanted, length);
  const Bytes plain = TRY(open_unit(key, sealed).wrap("the header of pack {}", name));
  std::vector<PackedBlob> blobs = TRY(decode_header(plain).wrap("pack {}", name));
  if (pack_size_of(blobs) != pack_size) {
    return Error(Code::Corrupt, "pack {} has {} bytes; its header describes {}", name, pack_size,
                 pack_size_of(blobs));
  }
  return blobs;
}

}  // namespace lateen::repository::restic
