#include "assurance/signed_document.h"

#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"

namespace lateen::assurance {

const Ed25519PublicKey* TrustedKeys::find(std::string_view id) const {
  for (const Ed25519PublicKey& key : keys) {
    if (key.id() == id) return &key;
  }
  return nullptr;
}

Result<Bytes> sign_document(const Json& document, const Ed25519Key& key) {
  const std::string line = write_json(document);
  const Bytes signed_line = TRY(key.sign(line));
  const JsonObject signature{{"keyID", key.public_key().id()},
                             {"publicKey", base64_encode(key.public_key().raw())},
                             {"signature", base64_encode(signed_line)}};
  return line + "\n" + write_json(signature) + "\n";
}

Result<SignedDocument> read_signed(BytesView bytes, const TrustedKeys& trusted) {
  const auto end = bytes.find('\n');
  if (end == bytes.npos)
    return Error(Code::Corrupt, "it has no signature: its second line is missing");
  const BytesView line = bytes.substr(0, end);
  auto envelope = parse_json(trim(bytes.substr(end + 1)));
  auto document = parse_json(line);
  if (!envelope || !document) {
    return Error(Code::Corrupt, "it is no signed document: {}",
                 (envelope ? document : envelope).error().message());
  }
  const std::string key_id(string_at(*envelope, "keyID"));
  auto signature = base64_decode(string_at(*envelope, "signature"));
  auto raw = base64_decode(string_at(*envelope, "publicKey"));
  auto own = raw ? Ed25519PublicKey::from_raw(*raw) : Result<Ed25519PublicKey>(raw.error());
  const Ed25519PublicKey* known = trusted.find(key_id);
  if (known == nullptr && (!own || own->id() != key_id))
    return Error(Code::Corrupt, "its signature names no key");
  if (!signature || !(known != nullptr ? *known : *own).verifies(line, *signature)) {
    return Error(Code::Corrupt, "its signature is wrong: it was changed after key {} signed it",
                 key_id);
  }
  return SignedDocument{.document = std::move(*document),
                        .sha256 = sha256_hex(line),
                        .key_id = key_id,
                        .is_trusted = known != nullptr};
}

}  // namespace lateen::assurance
