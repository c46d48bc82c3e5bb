// Another password. The keys of contents stay: only the two documents that are under the password
// are written again, kopia.repository last, as kopia does.
#include "repository/kopia/opened.h"

namespace lateen::repository::kopia {
namespace {

// kopia.blobcfg under the new key; empty if nothing is to be written.
Result<Bytes> resealed_config(
    BytesView stored, const FormatBlob& blob, const Secret& from, const Secret& to, Rng& rng) {
  if (stored.empty()) return Bytes();
  auto fresh = reseal_document(stored, blob, from, to, rng);
  if (fresh || !fresh.error().is(Code::Unauthenticated)) return fresh;
  // An attempt before this one came as far as this.
  if (open_blob_config(stored, blob, to)) return Bytes();
  return Error(Code::Conflict, "{} is under neither the former nor the new password", kConfigBlob)
      .with_hint(
          "A change to a third password was cut short: run it again with that one, then this.");
}

}  // namespace

Status Opened::change_password(const Secret& password, std::stop_token stop) {
  if (!parameters_.enable_password_change) {
    return Error(Code::Unsupported,
                 "the repository was made by a kopia before 0.9, and cannot change its password")
        .with_hint("Copy its snapshots into a new one: `lateen repo copy`.");
  }
  // What is there now: somebody else may have changed it since this was opened.
  FormatBlob blob =
      TRY(FormatBlob::parse(TRY(store_->get(kFormatBlob, objects::kMaxDocument, stop))));
  Secret key = TRY(blob.derive_key(password, access_.keys));
  blob.sealed = TRY(reseal_document(blob.sealed, blob, format_key_, key, access_.rng));
  TRY(open_format(blob, key));
  auto config = store_->get(kConfigBlob, objects::kMaxDocument, stop);
  if (!config && !config.error().is(Code::NotFound)) return std::move(config).error();
  if (config) {
    const Bytes fresh = TRY(resealed_config(*config, blob, format_key_, key, access_.rng));
    if (!fresh.empty()) TRY(store_->put(kConfigBlob, fresh, stop));
  }
  Bytes document = blob.write();
  TRY(store_->put(kFormatBlob, document, stop));
  if (TRY(store_->get(kFormatBlob, objects::kMaxDocument, stop)) != document) {
    return Error(Code::Conflict, "{} is not what was written: somebody else changed it, too",
                 kFormatBlob);
  }
  blob_ = std::move(blob);
  blob_bytes_ = std::move(document);
  format_key_ = std::move(key);
  return {};
}

}  // namespace lateen::repository::kopia
