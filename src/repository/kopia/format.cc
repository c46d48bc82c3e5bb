#include "repository/kopia/format.h"

#include <array>
#include <map>

#include "base/encoding.h"
#include "base/json.h"
#include "repository/crypto/aead.h"
#include "repository/crypto/derived_keys.h"

namespace lateen::repository::kopia {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kMinSalt = 16;
constexpr std::uint32_t kPbkdf2Rounds = 600'000;
// Kopia allows 10 to 120 MiB to be chosen; offsets in an index end at 1 GiB.
constexpr ByteCount kMaxPackSize = 1_GiB - 256_MiB;

std::string format_text(const Json& value, std::string_view path) {
  return std::string(string_at(value, path));
}

Result<Bytes> base64_at(const Json& value, std::string_view path) {
  return base64_decode(string_at(value, path)).wrap("{}", path);
}

Duration duration_at(const Json& value, std::string_view path, Duration absent) {
  const auto nanoseconds = int_at(value, path);
  return nanoseconds ? Duration(*nanoseconds) : absent;
}

// What AES-256-GCM needs for the documents of this repository.
struct DocumentKeys {
  Bytes key;
  Bytes associated;
};

DocumentKeys document_keys(const FormatBlob& blob, const Secret& format_key) {
  return {.key = hkdf_sha256(format_key.reveal(), blob.unique_id, "AES", kKeySize),
          .associated = hkdf_sha256(format_key.reveal(), blob.unique_id, "CHECKSUM", kKeySize)};
}

Result<Bytes> open_document(BytesView sealed, const DocumentKeys& keys) {
  if (sealed.size() < kAeadNonceSize + kAeadTagSize) {
    return Error(Code::Corrupt, "it is too short to be an encrypted document");
  }
  Bytes plain(sealed.size() - kAeadNonceSize - kAeadTagSize, '\0');
  Aead aead;
  if (!aead.open(AeadCipher::Aes256Gcm, keys.key, sealed.substr(0, kAeadNonceSize), keys.associated,
                 sealed.substr(kAeadNonceSize), plain.data())) {
    return Error(Code::Unauthenticated, "the password is wrong for this repository")
        .with_hint(
            "Give the password that the repository was created with (--password-file, "
            "RESTIC_PASSWORD or KOPIA_PASSWORD; Velero's is static-passw0rd unless it was changed "
            "in the Secret velero-repo-credentials).");
  }
  return plain;
}

Bytes seal_document(BytesView plain, const DocumentKeys& keys, Rng& rng) {
  Bytes sealed(kAeadNonceSize + plain.size() + kAeadTagSize, '\0');
  rng.fill(std::as_writable_bytes(std::span(sealed)).first(kAeadNonceSize));
  Aead aead;
  aead.seal(AeadCipher::Aes256Gcm, keys.key, BytesView(sealed).substr(0, kAeadNonceSize),
            keys.associated, plain, sealed.data() + kAeadNonceSize);
  return sealed;
}

// Features that a later kopia may require of its readers. We know none.
Status check_features(const Json& format) {
  const JsonArray* features = array_at(format, "requiredFeatures");
  if (features == nullptr) return {};
  for (const Json& feature : *features) {
    if (bool_at(feature, "ifNotUnderstood.warn").value_or(false)) continue;
    return Error(Code::Unsupported,
                 "the repository requires the feature \"{}\", which is not known",
                 string_at(feature, "feature"))
        .with_hint("It was written by a newer kopia: use that, or a newer Lateen.");
  }
  return {};
}

EpochParameters parse_epochs(const Json& value) {
  const EpochParameters defaults;
  return {
      .enabled = bool_at(value, "Enabled").value_or(false),
      .refresh_frequency = duration_at(value, "EpochRefreshFrequency", defaults.refresh_frequency),
      .full_checkpoint_frequency =
          int_at(value, "FullCheckpointFrequency").value_or(defaults.full_checkpoint_frequency),
      .cleanup_safety_margin =
          duration_at(value, "CleanupSafetyMargin", defaults.cleanup_safety_margin),
      .min_epoch_duration = duration_at(value, "MinEpochDuration", defaults.min_epoch_duration),
      .advance_on_count =
          int_at(value, "EpochAdvanceOnCountThreshold").value_or(defaults.advance_on_count),
      .advance_on_size = static_cast<ByteCount>(
          int_at(value, "EpochAdvanceOnTotalSizeBytesThreshold")
              .value_or(static_cast<std::int64_t>(defaults.advance_on_size))),
      .delete_parallelism =
          int_at(value, "DeleteParallelism").value_or(defaults.delete_parallelism)};
}

Status check_format(const FormatParameters& format) {
  if (format.version < 1 || format.version > 3) {
    return Error(Code::Unsupported, "format version {} of kopia repositories is not known",
                 format.version)
        .with_hint("Versions 1 to 3 are; a newer Lateen may know this one.");
  }
  if (format.index_version != 1 && format.index_version != 2) {
    return Error(Code::Unsupported, "index version {} is not known", format.index_version);
  }
  if (format.version >= 2 && !format.epochs.enabled) {
    return Error(Code::Unsupported, "format version {} without epochs is not known",
                 format.version);
  }
  if (!format.ecc.empty() && format.ecc_overhead_percent > 0) {
    return Error(Code::Unsupported, "the repository uses error correction ({}), which is not known",
                 format.ecc)
        .with_hint("Use kopia itself for this repository.");
  }
  if (format.hash_secret.empty() || format.master_key.reveal().size() < kKeySize) {
    return Error(Code::Corrupt, "the keys of the repository are not in its format");
  }
  if (format.max_pack_size == 0 || format.max_pack_size > kMaxPackSize) {
    return Error(Code::Corrupt, "packs of {} bytes are not possible", format.max_pack_size);
  }
  return {};
}

}  // namespace

Result<FormatBlob> FormatBlob::parse(BytesView json) {
  const Json value = TRY(parse_json(json).wrap("reading {}", kFormatBlob));
  Bytes unique_id = TRY(base64_at(value, "uniqueID"));
  Bytes sealed = TRY(base64_at(value, "encryptedBlockFormat"));
  FormatBlob blob{.tool = format_text(value, "tool"),
                  .build_version = format_text(value, "buildVersion"),
                  .build_info = format_text(value, "buildInfo"),
                  .unique_id = std::move(unique_id),
                  .key_algorithm = format_text(value, "keyAlgo"),
                  .encryption = format_text(value, "encryption"),
                  .sealed = std::move(sealed)};
  if (blob.sealed.empty() || blob.unique_id.empty()) {
    return Error(Code::Corrupt, "{} is not the start of a kopia repository", kFormatBlob);
  }
  if (blob.encryption != "AES256_GCM") {
    return Error(Code::Unsupported, "{} is encrypted by \"{}\", which is not known", kFormatBlob,
                 blob.encryption);
  }
  return blob;
}

std::string FormatBlob::write() const {
  JsonObject value;
  value["tool"] = tool;
  value["buildVersion"] = build_version;
  value["buildInfo"] = build_info;
  value["uniqueID"] = base64_encode(unique_id);
  value["keyAlgo"] = key_algorithm;
  value["encryption"] = encryption;
  value["encryptedBlockFormat"] = base64_encode(sealed);
  return write_json_pretty(value) + "\n";
}

Result<Secret> FormatBlob::derive_key(const Secret& password, DerivedKeys* known) const {
  if (unique_id.size() < kMinSalt) {
    return Error(Code::Corrupt, "the unique ID of the repository has only {} bytes",
                 unique_id.size());
  }
  if (key_algorithm == "scrypt-65536-8-1") {
    return derive_by_scrypt(known, password, unique_id, {.n = 65536, .r = 8, .p = 1}, kKeySize);
  }
  if (key_algorithm == "pbkdf2-sha256-600000") {
    return Secret(TRY(pbkdf2_sha256(password, unique_id, kPbkdf2Rounds, kKeySize)));
  }
  return Error(Code::Unsupported, "the way \"{}\" from a password to a key is not known",
               key_algorithm);
}

Result<FormatParameters> parse_format(BytesView json) {
  const Json document = TRY(parse_json(json));
  const Json* found = find(document, "format");
  if (found == nullptr || !found->is_object()) {
    return Error(Code::Corrupt, "the format of the repository is not what it should be");
  }
  const Json& value = *found;
  if (find(value, "upgradeLock") != nullptr) {
    return Error(Code::Unavailable, "the repository is being upgraded by {}",
                 string_at(value, "upgradeLock.ownerID"))
        .with_hint("Wait until it is done, or end it with `kopia repository upgrade`.");
  }
  TRY(check_features(value));
  Secret hash_secret(TRY(base64_at(value, "secret")));
  Secret master_key(TRY(base64_at(value, "masterKey")));
  FormatParameters format{
      .hash = format_text(value, "hash"),
      .encryption = format_text(value, "encryption"),
      .splitter = format_text(value, "splitter"),
      .hash_secret = std::move(hash_secret),
      .master_key = std::move(master_key),
      .version = static_cast<int>(int_at(value, "version").value_or(0)),
      .index_version = static_cast<int>(int_at(value, "indexVersion").value_or(0)),
      .max_pack_size = static_cast<ByteCount>(int_at(value, "maxPackSize").value_or(0)),
      .epochs =
          parse_epochs(find(value, "epochParameters") != nullptr ? *find(value, "epochParameters")
                                                                 : Json(JsonObject())),
      .enable_password_change = bool_at(value, "enablePasswordChange").value_or(false),
      .ecc = format_text(value, "ecc"),
      .ecc_overhead_percent = int_at(value, "eccOverheadPercent").value_or(0)};
  // Version 1 was written before there was a choice of either.
  if (format.index_version == 0) format.index_version = format.version >= 2 ? 2 : 1;
  if (format.splitter.empty()) format.splitter = "DYNAMIC-4M-BUZHASH";
  TRY(check_format(format));
  return format;
}

std::string write_format(const FormatParameters& format) {
  const EpochParameters& e = format.epochs;
  JsonObject epochs;
  epochs["Enabled"] = e.enabled;
  epochs["EpochRefreshFrequency"] = e.refresh_frequency.count();
  epochs["FullCheckpointFrequency"] = e.full_checkpoint_frequency;
  epochs["CleanupSafetyMargin"] = e.cleanup_safety_margin.count();
  epochs["MinEpochDuration"] = e.min_epoch_duration.count();
  epochs["EpochAdvanceOnCountThreshold"] = e.advance_on_count;
  epochs["EpochAdvanceOnTotalSizeBytesThreshold"] = e.advance_on_size;
  epochs["DeleteParallelism"] = e.delete_parallelism;
  JsonObject value;
  value["hash"] = format.hash;
  value["encryption"] = format.encryption;
  value["secret"] = base64_encode(format.hash_secret.reveal());
  value["masterKey"] = base64_encode(format.master_key.reveal());
  value["version"] = format.version;
  value["maxPackSize"] = format.max_pack_size;
  value["indexVersion"] = format.index_version;
  value["epochParameters"] = std::move(epochs);
  value["enablePasswordChange"] = format.enable_password_change;
  value["splitter"] = format.splitter;
  JsonObject document;
  document["format"] = std::move(value);
  return write_json_unsorted(document);
}

Result<FormatParameters> open_format(const FormatBlob& blob, const Secret& format_key) {
  const Bytes plain = TRY(open_document(blob.sealed, document_keys(blob, format_key)));
  return parse_format(plain).wrap("reading {}", kFormatBlob);
}

Status seal_format(FormatBlob& blob,
                   const FormatParameters& format,
                   const Secret& format_key,
                   Rng& rng) {
  TRY(check_format(format));
  blob.encryption = "AES256_GCM";
  blob.sealed = seal_document(write_format(format), document_keys(blob, format_key), rng);
  return {};
}

Result<Bytes> reseal_document(
    BytesView sealed, const FormatBlob& blob, const Secret& from, const Secret& to, Rng& rng) {
  const Secret plain(TRY(open_document(sealed, document_keys(blob, from))));
  const DocumentKeys keys = document_keys(blob, to);
  Bytes fresh = seal_document(plain.reveal(), keys, rng);
  const auto again = open_document(fresh, keys);
  if (!again || *again != plain.reveal()) {
    return Error(Code::Internal,
                 "what was encrypted under the new password does not open: memory or processor are "
                 "faulty");
  }
  return fresh;
}

Result<BlobRetention> open_blob_config(BytesView stored,
                                       const FormatBlob& blob,
                                       const Secret& format_key) {
  const Bytes plain =
      TRY(open_document(stored, document_keys(blob, format_key)).wrap("reading {}", kConfigBlob));
  const Json value = TRY(parse_json(plain).wrap("reading {}", kConfigBlob));
  return BlobRetention{.mode = format_text(value, "retentionMode"),
                       .period = duration_at(value, "retentionPeriod", {})};
}

Bytes seal_blob_config(const BlobRetention& retention,
                       const FormatBlob& blob,
                       const Secret& format_key,
                       Rng& rng) {
  JsonObject value;
  if (retention.enabled()) {
    value["retentionMode"] = retention.mode;
    value["retentionPeriod"] = retention.period.count();
  }
  return seal_document(write_json_unsorted(value), document_keys(blob, format_key), rng);
}

Bytes derive_purpose_key(const FormatBlob& blob,
                         const FormatParameters& format,
                         const Secret& format_key,
                         std::string_view purpose) {
  // Version 1 cannot change its password, so its documents may hang on it.
  const Secret& from = format.enable_password_change ? format.master_key : format_key;
  return hkdf_sha256(from.reveal(), blob.unique_id, purpose, kKeySize);
}

}  // namespace lateen::repository::kopia
