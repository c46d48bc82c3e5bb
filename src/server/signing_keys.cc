#include "server/signing_keys.h"

#include "base/encoding.h"

namespace lateen::server {
namespace {

constexpr std::string_view kPrivatePem = "private.pem";
constexpr std::string_view kPublicPem = "public.pem";

kube::ObjectPath signing_secret(const ServerContext& context, std::string_view name = {}) {
  return {.gvr = {"", "v1", "secrets"}, .ns = context.cluster.ns(), .name = std::string(name)};
}

void put_key(Json& secret, const Ed25519Key& key) {
  Json& data = ensure(secret, "data");
  if (!data.is_object()) data = JsonObject();
  data.as_object()[kPrivatePem] = base64_encode(key.to_pem().reveal());
  data.as_object()[kPublicPem] = base64_encode(key.public_key().to_pem());
}

Result<SigningKeys> parse_keys(const Json& secret) {
  const Json* data = find(secret, "data");
  const Secret pem(
      TRY(base64_decode(as_text(find(data, JsonKey{kPrivatePem}))).wrap("{}", kPrivatePem)));
  SigningKeys keys{.key = TRY(Ed25519Key::from_pem(pem).wrap("{}", kPrivatePem)), .trusted = {}};
  keys.trusted.keys.push_back(keys.key.public_key());
  for (const auto& [name, value] : data->as_object()) {
    const std::string_view file = name;
    if (file == kPrivatePem || file == kPublicPem || !file.ends_with(".pem")) continue;
    const Bytes text = TRY(base64_decode(as_text(&value)).wrap("{}", file));
    keys.trusted.keys.push_back(TRY(Ed25519PublicKey::from_pem(text).wrap("{}", file)));
  }
  return keys;
}

}  // namespace

Status ensure_signing_key(const ServerContext& context, std::stop_token stop) {
  const auto there = context.client().get(signing_secret(context, kSigningSecret), {}, stop);
  if (there) return {};
  if (!there.error().is(Code::NotFound)) return there.error();
  Json secret = JsonObject{
      {"apiVersion", "v1"},
      {"kind", "Secret"},
      {"metadata", JsonObject{{"name", kSigningSecret}, {"namespace", context.cluster.ns()}}},
      {"type", "Opaque"}};
  const Ed25519Key key = TRY(Ed25519Key::generate(context.rng));
  put_key(secret, key);
  const auto made = context.client().create(signing_secret(context), secret, {}, stop);
  if (!made && made.error().is(Code::AlreadyExists)) return {};
  if (!made) return Error(made.error()).wrap("creating Secret {}", kSigningSecret);
  context.log.info(
      "Made a new key that backups are signed with. Keep its public half outside of "
      "this cluster: lateen signing-key export",
      {{"secret", fmt::format("{}/{}", context.cluster.ns(), kSigningSecret)},
       {"keyID", key.public_key().id()}});
  return {};
}

Result<SigningKeys> read_signing_keys(const ServerContext& context, std::stop_token stop) {
  auto secret = context.client().get(signing_secret(context, kSigningSecret), {}, stop);
  if (!secret && secret.error().is(Code::NotFound)) {
    return Error(Code::NotFound,
                 "Secret {}/{}, which holds the key that backups are signed with, "
                 "is not there",
                 context.cluster.ns(), kSigningSecret)
        .with_hint(
            "The server makes a new one when it starts. What the old one signed is trusted "
            "again after `lateen signing-key trust <its public key>`.");
  }
  if (!secret) return std::move(secret).error().wrap("reading the signing key");
  return parse_keys(*secret).wrap("Secret {}/{}", context.cluster.ns(), kSigningSecret);
}

Result<Ed25519PublicKey> rotate_signing_key(const ServerContext& context, std::stop_token stop) {
  const kube::ObjectPath path = signing_secret(context, kSigningSecret);
  Json secret = TRY(context.client().get(path, {}, stop).wrap("reading the signing key"));
  const SigningKeys old = TRY(parse_keys(secret).wrap("Secret {}", kSigningSecret));
  const Ed25519Key key = TRY(Ed25519Key::generate(context.rng));
  const Ed25519PublicKey& retired = old.key.public_key();
  ensure(secret, "data").as_object()[fmt::format("retired-{}.pem", retired.id())] =
      base64_encode(retired.to_pem());
  put_key(secret, key);
  TRY(context.client().update(path, secret, {}, stop).wrap("writing Secret {}", kSigningSecret));
  return key.public_key();
}

Status trust_key(const ServerContext& context, const Ed25519PublicKey& key, std::stop_token stop) {
  JsonObject data;
  data[fmt::format("trusted-{}.pem", key.id())] = base64_encode(key.to_pem());
  const Json patch = JsonObject{{"data", std::move(data)}};
  TRY(context.client()
          .patch(signing_secret(context, kSigningSecret), kube::PatchType::Merge, patch, {}, stop)
          .wrap("writing Secret {}", kSigningSecret));
  return {};
}

}  // namespace lateen::server
