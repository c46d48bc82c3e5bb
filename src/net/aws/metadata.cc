#include "net/aws/metadata.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "base/time.h"
#include "net/http_client.h"
#include "net/url.h"

namespace lateen::net::aws {
namespace {

constexpr ByteCount kLargestAnswer = 1_MiB;
constexpr ByteCount kLargestSessionToken = 64_KiB;
constexpr std::string_view kContainerHost = "http://169.254.170.2";
constexpr std::string_view kInstanceHost = "http://169.254.169.254";
constexpr std::string_view kRolePath = "/latest/meta-data/iam/security-credentials/";

std::string value(const Environment& environment, const std::string& name) {
  return environment(name).value_or("");
}

// Where a container's credentials may be asked for without TLS.
bool is_trusted_host(const Url& url) {
  return url.host == "localhost" || url.host == "::1" || url.host.starts_with("127.") ||
         url.host == "169.254.170.2" || url.host == "169.254.170.23" || url.host == "fd00:ec2::23";
}

Result<std::string> container_url(const Environment& environment) {
  if (const std::string relative = value(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
      !relative.empty()) {
    return std::string(kContainerHost) + relative;
  }
  const std::string full = value(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (full.empty()) return full;
  const Url url = TRY(Url::parse(full).wrap("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
  if (!url.is_secure() && !is_trusted_host(url)) {
    return Error(Code::InvalidArgument,
                 "AWS_CONTAINER_CREDENTIALS_FULL_URI: {} is neither https nor this machine",
                 url.host);
  }
  return full;
}

// Read anew each time: the kubelet renews the file.
Result<Secret> container_token(const Environment& environment) {
  const std::string path = value(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  if (path.empty()) return Secret(value(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN"));
  const Bytes token =
      TRY(read_file(path, kLargestSessionToken).wrap("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"));
  return Secret(std::string(trim(token)));
}

Result<HttpResponse> ask(HttpClient& client,
                         std::string_view method,
                         const std::string& url,
                         Headers headers,
                         Duration wait,
                         std::stop_token stop) {
  return client.send({.method = std::string(method),
                      .url = url,
                      .headers = std::move(headers),
                      .deadline = Deadline::after(wait),
                      .max_response = kLargestAnswer},
                     std::move(stop));
}

Error refused(const HttpResponse& response, std::string_view what) {
  std::string said;
  if (const auto body = parse_json(response.body)) said = as_text(find(*body, "message"));
  return Error(Code::Unauthenticated, "{}: HTTP status {}{}{}", what, response.status,
               said.empty() ? "" : ": ", to_valid_utf8(said));
}

// The session token of IMDSv2.
Result<Sought> instance_keys(HttpClient& client, const std::string& base, std::stop_token stop) {
  constexpr std::chrono::seconds kWait{2};
  const auto session = ask(client, "PUT", base + "/latest/api/token",
                           {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}}, kWait, stop);
  if (!session) {
    return Sought{.why_not =
                      fmt::format("no answer ({}); in a pod on EC2 this needs a hop limit of "
                                  "2 on the instance",
                                  session.error().message())};
  }
  if (!session->ok()) {
    return Sought{.why_not = fmt::format("no session: HTTP status {}", session->status)};
  }
  const Headers token{{"X-aws-ec2-metadata-token", session->body}};
  const HttpResponse role =
      TRY(ask(client, "GET", base + std::string(kRolePath), token, kWait, stop));
  if (role.status == 404) return Sought{.why_not = "the instance has no role"};
  if (!role.ok()) return refused(role, "asking for the instance's role");
  const std::string name(trim(cut(role.body, "\n").before));
  const HttpResponse keys = TRY(
      ask(client, "GET", base + std::string(kRolePath) + path_escape(name), token, kWait, stop));
  if (!keys.ok()) return refused(keys, fmt::format("asking for the keys of role {}", name));
  return Sought{.found = TRY(read_json_credentials(keys.body))};
}

}  // namespace

Result<Credentials> read_json_credentials(BytesView text) {
  // The parser's own message could show what it read.
  const auto document = parse_json(text);
  if (!document) return Error(Code::Corrupt, "the credentials are not JSON");
  const std::string_view code = as_text(find(*document, "Code"));
  if (!code.empty() && code != "Success") {
    return Error(Code::Unauthenticated, "{}: {}", code, as_text(find(*document, "Message")));
  }
  Credentials credentials{
      .access_key_id = std::string(as_text(find(*document, "AccessKeyId"))),
      .secret_access_key = Secret(std::string(as_text(find(*document, "SecretAccessKey"))))};
  for (const std::string_view name : {"Token", "SessionToken"}) {
    const std::string_view token = as_text(find(*document, name));
    if (!token.empty()) credentials.session_token = Secret(std::string(token));
  }
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    return Error(Code::Corrupt, "the credentials have no AccessKeyId or no SecretAccessKey");
  }
  const std::string_view expires = as_text(find(*document, "Expiration"));
  if (!expires.empty()) credentials.expires = TRY(parse_rfc3339(expires).wrap("Expiration"));
  return credentials;
}

Result<Sought> from_container(const Environment& environment, std::stop_token stop) {
  const std::string url = TRY(container_url(environment));
  if (url.empty()) {
    return Sought{.why_not =
                      "AWS_CONTAINER_CREDENTIALS_FULL_URI is not set (EKS Pod Identity: has the "
                      "ServiceAccount an association?)"};
  }
  const Secret token = TRY(container_token(environment));
  Headers headers{{"Accept", "application/json"}};
  if (!token.empty()) headers.set("Authorization", token.reveal());
  const auto client = TRY(HttpClient::open({.connect_timeout = std::chrono::seconds(5)}));
  constexpr std::chrono::seconds kWait{10};
  const HttpResponse response =
      TRY(ask(*client, "GET", url, std::move(headers), kWait, std::move(stop)));
  if (!response.ok()) return refused(response, "the container's endpoint");
  return Sought{.found = TRY(read_json_credentials(response.body))};
}

Result<Sought> from_instance(const Environment& environment, std::stop_token stop) {
  if (equals_ignoring_case(value(environment, "AWS_EC2_METADATA_DISABLED"), "true")) {
    return Sought{.why_not = "AWS_EC2_METADATA_DISABLED is set"};
  }
  std::string base = value(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (base.empty()) base = kInstanceHost;
  while (base.ends_with('/'))
    base.pop_back();
  const auto client = TRY(HttpClient::open({.connect_timeout = std::chrono::seconds(1)}));
  return instance_keys(*client, base, std::move(stop));
}

}  // namespace lateen::net::aws
