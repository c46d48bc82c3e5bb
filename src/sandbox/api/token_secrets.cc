#include "sandbox/api/token_secrets.h"

#include <utility>

#include "base/encoding.h"
#include "kube/object.h"
#include "sandbox/api/object_bytes.h"

namespace lateen::sandbox {

namespace {

constexpr std::string_view kSecrets = "secrets";
constexpr std::string_view kAccounts = "serviceaccounts";
constexpr std::string_view kType = "kubernetes.io/service-account-token";
constexpr std::string_view kAccountName = "kubernetes.io/service-account.name";
constexpr std::string_view kAccountUid = "kubernetes.io/service-account.uid";
constexpr std::size_t kSecretEventsAtOnce = 256;

const GroupVersionResource kSecretResource{.group = "", .version = "v1", .resource = "secrets"};

// Secrets are many, those of this type few: told without parsing.
bool may_hold_token(const StoredObject& secret) {
  return secret.bytes.find(kType) != Bytes::npos;
}

bool needs(const Json& secret, std::string_view key) {
  const Json* data = find(secret, "data");
  return data == nullptr || as_text(find(data, JsonKey{key})).empty();
}

}  // namespace

TokenSecrets::TokenSecrets(
    Api& api, const Store& store, const TokenAuthority& tokens, std::string ca_pem, Log log)
    : api_(api), store_(store), tokens_(tokens), ca_pem_(std::move(ca_pem)), log_(std::move(log)) {}

void TokenSecrets::start() {
  secrets_ = std::jthread([this](std::stop_token stop) { follow_secrets(stop); });
  accounts_ = std::jthread([this](std::stop_token stop) { follow_accounts(stop); });
}

void TokenSecrets::follow_secrets(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const auto present = store_.list(kSecrets, {});
    if (!present) return;
    for (const StoredPtr& secret : present->objects) {
      if (may_hold_token(*secret)) look_at(*secret);
    }
    std::uint64_t seen = present->revision;
    while (!stop.stop_requested()) {
      // An error is the past that was forgotten while we were busy: look at all again.
      const auto more =
          store_.events_after(kSecrets, seen, kSecretEventsAtOnce, Deadline::never(), stop);
      if (!more) break;
      seen = more->revision;
      for (const StoreEvent& event : more->events) {
        if (event.kind != StoreEvent::Kind::Deleted && may_hold_token(*event.object))
          look_at(*event.object);
      }
    }
  }
}

void TokenSecrets::follow_accounts(std::stop_token stop) {
  std::uint64_t seen = store_.revision();
  while (!stop.stop_requested()) {
    const auto more =
        store_.events_after(kAccounts, seen, kSecretEventsAtOnce, Deadline::never(), stop);
    seen = more ? more->revision : store_.revision();
    if (!more) continue;
    for (const StoreEvent& event : more->events) {
      if (event.kind != StoreEvent::Kind::Deleted) continue;
      const auto secrets = store_.list(kSecrets, {.ns = event.object->ns});
      if (!secrets) continue;
      for (const StoredPtr& secret : secrets->objects) {
        if (may_hold_token(*secret)) look_at(*secret);
      }
    }
  }
}

void TokenSecrets::look_at(const StoredObject& stored) {
  const auto secret = parse_stored(stored);
  if (!secret || string_at(*secret, "type") != kType) return;
  const StoredPtr account =
      store_.find_newest(kAccounts, stored.ns, kube::annotation_of(*secret, kAccountName));
  const std::string_view uid = kube::annotation_of(*secret, kAccountUid);
  if (!account || (!uid.empty() && uid != account->uid)) {
    remove(stored);
    return;
  }
  if (!uid.empty() && !needs(*secret, "token") && !needs(*secret, "ca.crt") &&
      !needs(*secret, "namespace")) {
    return;
  }
  const Status filled = fill(*secret, *account);
  if (!filled)
    log_.warning(
        "Filling a token Secret failed",
        {{"namespace", stored.ns}, {"name", stored.name}, {"error", filled.error().message()}});
}

Status TokenSecrets::fill(const Json& secret, const StoredObject& account) {
  const std::string name(kube::name_of(secret));
  const IssuedToken issued = TRY(tokens_.issue({.ns = account.ns,
                                                .service_account = account.name,
                                                .secret_name = name,
                                                .secret_uid = std::string(kube::uid_of(secret)),
                                                .expiration_seconds = 0}));
  WriteOptions options;
  options.field_manager = "kube-controller-manager";
  const auto written = api_.modify(
      kSecretResource, account.ns, name,
      [&](Json& object) -> Result<bool> {
        kube::set_annotation(object, kAccountUid, account.uid);
        Json& data = ensure(object, "data");
        if (!data.is_object()) data = JsonObject{};
        const auto put = [&](std::string_view key, std::string_view value) {
          if (needs(object, key)) data.as_object()[key] = base64_encode(value);
        };
        put("token", issued.token);
        put("ca.crt", ca_pem_);
        put("namespace", account.ns);
        return true;
      },
      options);
  if (!written && !written.error().is(Code::NotFound)) return Error(written.error());
  return {};
}

void TokenSecrets::remove(const StoredObject& secret) {
  const auto removed =
      api_.remove(kSecretResource, secret.ns, secret.name, {.preconditions = {.uid = secret.uid}});
  // Gone already, or another one by now: its own event comes.
  if (!removed && !removed.error().is(Code::NotFound) && !removed.error().is(Code::Conflict))
    log_.warning(
        "Removing the token Secret of an account that is gone failed",
        {{"namespace", secret.ns}, {"name", secret.name}, {"error", removed.error().message()}});
}

}  // namespace lateen::sandbox
