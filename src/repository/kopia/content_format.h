// How contents look in kopia's packs: perhaps compressed, with the compressor's ID in front, then
// encrypted as a unit.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/thread.h"
#include "repository/engine/format.h"
#include "repository/kopia/format.h"
#include "repository/kopia/unit.h"

namespace lateen::repository::kopia {

// Format version 1 compressed whole objects ("Z"): the content's bytes are a compressed stream, and
// its ID is the hash of that. The engine moves contents whose ID is the hash of the file's bytes,
// so such a piece gets an ID of that kind as well, when it is first met. Thread-safe.
class CompressedObjects {
 public:
  // `real` is the content that is stored.
  void add(const ContentId& plain, const ContentId& real);
  std::optional<ContentId> find(const ContentId& plain) const;

 private:
  mutable Mutex mu_;
  std::unordered_map<ContentId, ContentId, ContentIdHash> real_ LATEEN_GUARDED_BY(mu_);
};

// ContentEntry::codec of those: the header ID is in the content itself.
inline constexpr std::uint16_t kObjectCompression = 0xffff;

// Thread-safe.
class KopiaContentFormat final : public ContentFormat {
 public:
  // Both outlive it.
  KopiaContentFormat(const FormatParameters& format, const UnitCipher& cipher)
      : format_(format), cipher_(cipher) {}

  const KeyedHash& hash() const override { return cipher_.hash(); }

  PackKind kind_of(const ContentId& id) const override {
    return id.prefix == 0 ? PackKind::Data : PackKind::Metadata;
  }

  Result<SealedForm> seal(const ContentId& id,
                          BytesView plain,
                          Codec codec,
                          Workspace& workspace,
                          Buffer& out) const override;
  Status open(const ContentEntry& entry,
              BytesView stored,
              Workspace& workspace,
              Buffer& out) const override;

  std::size_t body_offset() const override { return kAeadNonceSize; }

  std::string pack_key(std::string_view pack_name) const override { return std::string(pack_name); }

  ByteCount pack_size() const override { return format_.max_pack_size; }

  std::size_t max_pack_contents() const override;
  void check_pack(std::string_view pack_name,
                  BytesView pack,
                  std::span<const ContentEntry> entries,
                  Workspace& workspace,
                  std::vector<Error>& wrong) const override;

  CompressedObjects& compressed_objects() const { return compressed_objects_; }

  const UnitCipher& cipher() const { return cipher_; }

 private:
  const FormatParameters& format_;
  const UnitCipher& cipher_;
  mutable CompressedObjects compressed_objects_;
};

// The compressor that kopia knows and `codec` comes nearest to; null for no compression.
const KopiaCompressor* compressor_for(Codec codec);

// Undoes "u32 header ID || stream", where the size is not known.
Result<Bytes> decompress_object(BytesView stored, Decompressor& decompressor);

}  // namespace lateen::repository::kopia
