#include "sandbox/api/token_authority.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"

namespace lateen::sandbox {

namespace {

constexpr std::string_view kIssuer = "https://kubernetes.default.svc.cluster.local";
constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"JWT"})";

std::int64_t seconds_of(TimePoint t) {
  return std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
}

// In time that does not tell how much was right.
bool same_bytes(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  }
  return difference == 0;
}

Error refused(std::string_view why) {
  return Error(Code::Unauthenticated, "invalid bearer token: {}", why);
}

bool is_for(const Json& claims, std::span<const std::string> audiences) {
  const JsonArray* meant = array_at(claims, "aud");
  if (meant == nullptr) return false;
  return std::ranges::any_of(*meant, [audiences](const Json& audience) {
    if (audiences.empty()) return as_text(&audience) == kIssuer;
    return std::ranges::find(audiences, as_text(&audience)) != audiences.end();
  });
}

}  // namespace

Result<std::string> TokenAuthority::uid_of(std::string_view resource,
                                           std::string_view ns,
                                           std::string_view name) const {
  const StoredPtr found = store_.find(resource, ns, name);
  if (!found) return Error(Code::NotFound, "{} \"{}\" not found", resource, name);
  return found->uid;
}

Result<IssuedToken> TokenAuthority::issue(const ServiceAccountToken& wanted) const {
  const std::string account_uid = TRY(uid_of("serviceaccounts", wanted.ns, wanted.service_account));
  const TimePoint now = clock_.now();
  const TimePoint expires = now + std::chrono::seconds(wanted.expiration_seconds);
  JsonObject bound;
  bound["namespace"] = wanted.ns;
  bound["serviceaccount"] = {{"name", wanted.service_account}, {"uid", account_uid}};
  if (!wanted.pod_name.empty()) bound["pod"] = {{"name", wanted.pod_name}, {"uid", wanted.pod_uid}};
  if (!wanted.secret_name.empty())
    bound["secret"] = {{"name", wanted.secret_name}, {"uid", wanted.secret_uid}};
  JsonArray audiences;
  for (const std::string& audience : wanted.audiences)
    audiences.emplace_back(audience);
  if (audiences.empty()) audiences.emplace_back(kIssuer);
  JsonObject claims;
  claims["iss"] = kIssuer;
  claims["sub"] = fmt::format("system:serviceaccount:{}:{}", wanted.ns, wanted.service_account);
  claims["aud"] = std::move(audiences);
  claims["iat"] = seconds_of(now);
  claims["nbf"] = seconds_of(now);
  if (wanted.expiration_seconds > 0) claims["exp"] = seconds_of(expires);
  claims["kubernetes.io"] = std::move(bound);
  const std::string text = base64url_encode(kHeader) + "." + base64url_encode(write_json(claims));
  return IssuedToken{.token = text + "." + base64url_encode(hmac_sha256(key_.reveal(), text)),
                     .expires = expires,
                     .service_account_uid = account_uid};
}

std::string_view TokenAuthority::own_audience() {
  return kIssuer;
}

// What the token is bound to must be there still, the very same one.
Status TokenAuthority::check_binding(const Json& bound,
                                     std::string_view kind,
                                     std::string_view resource) const {
  const Json* to = find(bound, JsonKey{kind});
  if (to == nullptr) return {};
  const auto uid = uid_of(resource, string_at(bound, "namespace"), string_at(*to, "name"));
  if (!uid || *uid != string_at(*to, "uid")) return refused(fmt::format("its {} is gone", kind));
  return {};
}

Result<Caller> TokenAuthority::verify(std::string_view token,
                                      std::span<const std::string> audiences) const {
  const Cut signed_part = cut_last(token, ".");
  if (!signed_part.found) return refused("it is not a JSON web token");
  const auto signature = base64url_decode(signed_part.after);
  if (!signature || !same_bytes(*signature, hmac_sha256(key_.reveal(), signed_part.before))) {
    return refused("its signature is not ours");
  }
  const auto payload = base64url_decode(cut(signed_part.before, ".").after);
  const auto claims = payload ? parse_json(*payload) : Result<Json>(refused("it has no claims"));
  if (!claims) return refused("it has no claims");
  const auto expires = int_at(*claims, "exp");
  if (expires && *expires <= seconds_of(clock_.now())) return refused("token has expired");
  const Json* bound = find(*claims, JsonKey{"kubernetes.io"});
  if (bound == nullptr) return refused("it names no service account");
  if (!is_for(*claims, audiences)) return refused("token is for other audiences");
  const std::string ns(string_at(*bound, "namespace"));
  const std::string account(string_at(*bound, "serviceaccount.name"));
  const auto uid = uid_of("serviceaccounts", ns, account);
  if (!uid || *uid != string_at(*bound, "serviceaccount.uid"))
    return refused("its service account is gone");
  TRY(check_binding(*bound, "pod", "pods"));
  TRY(check_binding(*bound, "secret", "secrets"));
  Caller caller{
      .username = fmt::format("system:serviceaccount:{}:{}", ns, account),
      .uid = *uid,
      .groups = {"system:serviceaccounts", "system:serviceaccounts:" + ns, "system:authenticated"}};
  if (find(*bound, "pod") != nullptr) {
    caller.extra["authentication.kubernetes.io/pod-name"] = {
        std::string(string_at(*bound, "pod.name"))};
    caller.extra["authentication.kubernetes.io/pod-uid"] = {
        std::string(string_at(*bound, "pod.uid"))};
  }
  return caller;
}

}  // namespace lateen::sandbox
