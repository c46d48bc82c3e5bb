// restic's blobs, as the engine moves them.
#pragma once

#include <memory>

#include "base/random.h"
#include "objects/object_store.h"
#include "repository/crypto/ctr_poly1305.h"
#include "repository/engine/format.h"
#include "repository/restic/id.h"
#include "repository/restic/pack_header.h"

namespace lateen::repository::restic {

inline constexpr std::uint8_t kDataPrefix = 0;
inline constexpr std::uint8_t kTreePrefix = 't';
inline constexpr std::uint16_t kCompressedCodec = 1;

// The engine's name of a blob and ours.
ContentId to_content_id(BlobType type, const Id& id);
Id to_id(const ContentId& id);
BlobType type_of(const ContentId& id);

// An index row and the place of a blob.
ContentEntry to_entry(const PackedBlob& blob, std::uint32_t pack);
PackedBlob to_blob(const ContentEntry& entry);

// Immutable.
class ResticContentFormat final : public ContentFormat {
 public:
  // `rng` outlives it.
  ResticContentFormat(const CtrPolyKey& key, int version, ByteCount pack_size, Rng& rng);

  const KeyedHash& hash() const override { return *hash_; }

  PackKind kind_of(const ContentId& id) const override;
  Result<SealedForm> seal(const ContentId& id,
                          BytesView plain,
                          Codec codec,
                          Workspace& workspace,
                          Buffer& out) const override;
  Status open(const ContentEntry& entry,
              BytesView stored,
              Workspace& workspace,
              Buffer& out) const override;

  std::size_t body_offset() const override { return kCtrPolyIvSize; }

  std::string pack_key(std::string_view pack_name) const override;

  ByteCount pack_size() const override { return pack_size_; }

  std::size_t max_pack_contents() const override;
  void check_pack(std::string_view pack_name,
                  BytesView pack,
                  std::span<const ContentEntry> entries,
                  Workspace& workspace,
                  std::vector<Error>& wrong) const override;

  const CtrPolyKey& key() const { return key_; }

  int version() const { return version_; }

 private:
  CtrPoly1305& cipher(Workspace& workspace) const;

  const CtrPolyKey key_;
  const int version_;
  const ByteCount pack_size_;
  Rng& rng_;
  std::unique_ptr<KeyedHash> hash_;
};

// A pack's blobs by its own header, read from its end. NotFound, Corrupt.
Result<std::vector<PackedBlob>> read_pack_header(objects::ObjectStore& store,
                                                 const CtrPolyKey& key,
                                                 const Id& pack,
                                                 ByteCount pack_size,
                                                 const std::stop_token& stop);

}  // namespace lateen::repository::restic
