// The two documents that every repository starts with: `kopia.repository`, which holds the keys and
// the choices made at its creation under the password, and `kopia.blobcfg`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "repository/kopia/epoch.h"

namespace lateen::repository {
class DerivedKeys;
}

namespace lateen::repository::kopia {

inline constexpr std::string_view kFormatBlob = "kopia.repository";
inline constexpr std::string_view kConfigBlob = "kopia.blobcfg";

// The choices made at a repository's creation, and its keys.
struct FormatParameters {
  std::string hash = "BLAKE2B-256-128";
  std::string encryption = "AES256-GCM-HMAC-SHA256";
  std::string splitter = "DYNAMIC-4M-BUZHASH";
  Secret hash_secret = {};  // 32 bytes
  Secret master_key = {};   // 32 bytes
  int version = 3;          // 1, 2 or 3
  int index_version = 2;
  ByteCount max_pack_size = 20 * 1024 * 1024;
  EpochParameters epochs = {};
  bool enable_password_change = true;
  // Of a format that we could not have written: kept, so that writing the document again loses
  // nothing.
  std::string ecc = {};
  std::int64_t ecc_overhead_percent = 0;

  // Whether the index is in epochs, and contents may be compressed.
  bool has_epochs() const { return version >= 2 && epochs.enabled; }
};

// kopia.repository as it lies there.
struct FormatBlob {
  std::string tool = {};
  std::string build_version = {};
  std::string build_info = {};
  Bytes unique_id = {};  // also the salt of all keys; at least 16 bytes
  std::string key_algorithm = {};
  std::string encryption = {};
  Bytes sealed = {};  // the encrypted FormatParameters

  // Corrupt if it is not such a document.
  static Result<FormatBlob> parse(BytesView json);
  std::string write() const;

  // The 32-byte key that the password gives. Takes about a tenth of a second and 64 MiB, where it
  // is not among `known`.
  Result<Secret> derive_key(const Secret& password, DerivedKeys* known = nullptr) const;
};

// The documents under the format key. Unauthenticated if the password, and so the key, is wrong.
Result<FormatParameters> open_format(const FormatBlob& blob, const Secret& format_key);
Status seal_format(FormatBlob& blob,
                   const FormatParameters& format,
                   const Secret& format_key,
                   Rng& rng);

// One of these documents as it is sealed, under another key: what it says stays as it is, byte for
// byte. Unauthenticated if it is not under `from`; Internal if what was sealed does not open again.
Result<Bytes> reseal_document(
    BytesView sealed, const FormatBlob& blob, const Secret& from, const Secret& to, Rng& rng);

// How long blobs are locked by the storage; nothing in most repositories.
struct BlobRetention {
  std::string mode = {};  // "", "COMPLIANCE" or "GOVERNANCE"
  Duration period = {};

  bool enabled() const { return !mode.empty() && period > Duration::zero(); }
};

Result<BlobRetention> open_blob_config(BytesView stored,
                                       const FormatBlob& blob,
                                       const Secret& format_key);
Bytes seal_blob_config(const BlobRetention& retention,
                       const FormatBlob& blob,
                       const Secret& format_key,
                       Rng& rng);

// The key for one purpose besides contents: "maintenance schedule" of kopia.maintenance.
Bytes derive_purpose_key(const FormatBlob& blob,
                         const FormatParameters& format,
                         const Secret& format_key,
                         std::string_view purpose);

// The JSON inside; for tests and fuzzers.
Result<FormatParameters> parse_format(BytesView json);
std::string write_format(const FormatParameters& format);

}  // namespace lateen::repository::kopia
