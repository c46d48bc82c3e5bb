#include "net/aws/sts.h"

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "base/time.h"
#include "net/aws/service.h"

namespace lateen::net::aws {
namespace {

constexpr std::string_view kApiVersion = "2011-06-15";

Result<std::unique_ptr<Service>> open_sts(const StsOptions& options, CredentialsProvider* caller) {
  return Service::open({.service = "sts",
                        .region = options.region,
                        .api_version = std::string(kApiVersion),
                        .tls = options.tls,
                        .environment = options.environment,
                        .clock = options.clock,
                        .retry = {.max_attempts = 4},
                        .timeout = std::chrono::seconds(60)},
                       caller);
}

QueryValues parameters_of(const RoleRequest& role) {
  QueryValues parameters{{"RoleArn", role.role_arn}, {"RoleSessionName", role.session_name}};
  if (!role.external_id.empty()) parameters.set("ExternalId", role.external_id);
  if (!role.duration_seconds.empty()) parameters.set("DurationSeconds", role.duration_seconds);
  return parameters;
}

Result<Credentials> read_credentials(const XmlElement& answer, std::string_view action) {
  const XmlElement* const result = answer.find(fmt::format("{}Result", action));
  const XmlElement* const keys = result == nullptr ? nullptr : result->find("Credentials");
  if (keys == nullptr || keys->text_of("AccessKeyId").empty()) {
    return Error(Code::Corrupt, "the answer to {} has no credentials in it", action);
  }
  const TimePoint expires = TRY(parse_rfc3339(keys->text_of("Expiration")).wrap("their expiry"));
  return Credentials{.access_key_id = std::string(keys->text_of("AccessKeyId")),
                     .secret_access_key = Secret(std::string(keys->text_of("SecretAccessKey"))),
                     .session_token = Secret(std::string(keys->text_of("SessionToken"))),
                     .expires = expires};
}

// What an OIDC token says about itself, unverified: for people who must find out why it was
// refused.
std::string claims_of(const Secret& token) {
  const std::vector<std::string_view> parts = split(token.reveal(), '.');
  if (parts.size() != 3) return "the token is not a JSON web token";
  const auto text = base64url_decode(parts[1]);
  const auto claims = text ? parse_json(*text) : Result<Json>(text.error());
  if (!claims) return "the token's claims can't be read";
  const Json* const audience = find(*claims, "aud");
  return fmt::format("the token is for {}, issued by {}, for the audience {}",
                     quote_go(as_text(find(*claims, "sub"))),
                     quote_go(as_text(find(*claims, "iss"))),
                     audience == nullptr ? "null" : write_json(*audience));
}

std::string hint_of(const ServiceFault& fault, const RoleRequest& role) {
  if (fault.code == "AccessDenied") {
    return fmt::format(
        "The trust policy of {} must allow sts:AssumeRoleWithWebIdentity to this ServiceAccount "
        "(conditions on sub and aud), and the role must exist.",
        role.role_arn);
  }
  if (fault.code == "InvalidIdentityToken") {
    return "The cluster's OIDC issuer must be an identity provider in the account's IAM, with the "
           "audience sts.amazonaws.com.";
  }
  if (fault.code == "ExpiredTokenException" || fault.code == "ExpiredToken") {
    return "The kubelet renews the token: look whether the node's clock is right and the volume "
           "still mounted.";
  }
  if (fault.code == "ValidationError") return "Look at the role's ARN in AWS_ROLE_ARN.";
  return {};
}

}  // namespace

Result<Credentials> assume_role(const StsOptions& options,
                                const RoleRequest& role,
                                CredentialsProvider& caller,
                                std::stop_token stop) {
  const auto sts = TRY(open_sts(options, &caller));
  ServiceFault fault;
  auto answer = sts->call("AssumeRole", parameters_of(role), std::move(stop), &fault);
  if (!answer) {
    Error error = std::move(answer).error();
    if (fault.code == "AccessDenied") {
      error = std::move(error).with_hint(
          fmt::format("The caller needs sts:AssumeRole, and the trust policy of {} must name it.",
                      role.role_arn));
    }
    return std::move(error).wrap("assuming role {}", role.role_arn);
  }
  return read_credentials(*answer, "AssumeRole");
}

Result<Credentials> assume_role_with_web_identity(const StsOptions& options,
                                                  const RoleRequest& role,
                                                  const Secret& token,
                                                  std::stop_token stop) {
  const auto sts = TRY(open_sts(options, nullptr));
  QueryValues parameters = parameters_of(role);
  parameters.set("WebIdentityToken", token.reveal());
  ServiceFault fault;
  auto answer = sts->call("AssumeRoleWithWebIdentity", parameters, std::move(stop), &fault);
  if (!answer) {
    Error error = std::move(answer).error();
    if (fault.code.empty()) return std::move(error).wrap("assuming role {}", role.role_arn);
    return Error(error.code(), "assuming role {}: {}; {}", role.role_arn, error.message(),
                 claims_of(token))
        .with_hint(hint_of(fault, role))
        .with_retryable(error.retryable());
  }
  return read_credentials(*answer, "AssumeRoleWithWebIdentity");
}

}  // namespace lateen::net::aws
