// A JSON document that says who wrote it: two lines, the document and its signature
// (docs/formats/manifest.md). Anyone can hold it against the public key with openssl.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/ed25519.h"
#include "base/json.h"
#include "base/result.h"

namespace lateen::assurance {

// The keys whose word counts here: this cluster's, those it had before, and what people trust.
// Immutable once filled.
struct TrustedKeys {
  std::vector<Ed25519PublicKey> keys = {};

  const Ed25519PublicKey* find(std::string_view id) const;
};

// `{…}\n{"keyID":…,"publicKey":…,"signature":…}\n`: the signature is over the first line without
// its end.
Result<Bytes> sign_document(const Json& document, const Ed25519Key& key);

struct SignedDocument {
  Json document = {};
  std::string sha256 = {};  // of the first line
  std::string key_id = {};
  bool is_trusted = false;  // the signature is by a trusted key; else by one that only it knows
};

// Corrupt when it is not such a document, or when the signature is not that of the key it names.
Result<SignedDocument> read_signed(BytesView bytes, const TrustedKeys& trusted);

}  // namespace lateen::assurance
