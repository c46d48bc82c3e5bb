// The key that this cluster signs with (manifests of backups, evidence of drills), and those whose
// word it takes: in one Secret of the server's namespace, as PEM that openssl reads.
//
//   private.pem          the key; public.pem is its public half
//   retired-<id>.pem     public keys that it had before: what they signed stays trusted
//   trusted-<id>.pem     public keys of other clusters, put there by people
#pragma once

#include <stop_token>
#include <string>

#include "assurance/signed_document.h"
#include "base/ed25519.h"
#include "base/result.h"
#include "server/context.h"

namespace lateen::server {

inline constexpr std::string_view kSigningSecret = "lateen-signing-key";

// Makes the Secret if it is not there.
Status ensure_signing_key(const ServerContext& context, std::stop_token stop);

struct SigningKeys {
  Ed25519Key key;
  assurance::TrustedKeys trusted;  // its own among them
};

// NotFound when there is no Secret; InvalidArgument names what in it cannot be read.
Result<SigningKeys> read_signing_keys(const ServerContext& context, std::stop_token stop);

// A new key; the old one's public half stays trusted. Gives the new one's.
Result<Ed25519PublicKey> rotate_signing_key(const ServerContext& context, std::stop_token stop);

// What it signed is trusted here from now on.
Status trust_key(const ServerContext& context, const Ed25519PublicKey& key, std::stop_token stop);

}  // namespace lateen::server
