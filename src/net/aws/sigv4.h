// AWS Signature Version 4: as headers of a request, and as a presigned URL. Pure.
//
//   HttpRequest request{.method = "GET", .url =
//   "https://b.s3.eu-west-1.amazonaws.com/?list-type=2"}; TRY(sign_request(request, {.credentials =
//   credentials,
//                              .scope = {.region = "eu-west-1", .service = "s3"},
//                              .time = clock.now()}));
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "net/http_client.h"

namespace lateen::net::aws {

// What a caller of AWS shows. Not thread-safe.
struct Credentials {
  std::string access_key_id = {};
  Secret secret_access_key = {};
  Secret session_token = {};              // with temporary ones
  std::optional<TimePoint> expires = {};  // never, if unset
  std::string source = {};                // where they are from, for messages: "the environment"
};

struct SigningScope {
  std::string region;
  std::string service;  // "s3", "sts", "ec2": the name in the signature, mostly that of the host
};

// Instead of the SHA-256 of the body: the body is not part of the signature. Only over TLS.
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

struct SigningOptions {
  const Credentials& credentials;
  SigningScope scope;
  TimePoint time;
  // SHA-256 of the body in hex, or kUnsignedPayload; empty: of request.body.
  std::string payload_hash = {};
};

// Adds Authorization, X-Amz-Date and, where they apply, X-Amz-Security-Token and, for S3,
// X-Amz-Content-Sha256. Every header that the request has by now is signed but those that proxies
// change. The URL must be escaped as it shall go out. InvalidArgument for a URL that is none.
Status sign_request(HttpRequest& request, const SigningOptions& options);

// The URL that anyone may `method` for `ttl` (AWS takes a week at most) from options.time on.
// `url` may have a query, which is signed with it. Only the host is a signed header.
Result<std::string> presign_url(std::string_view method,
                                std::string_view url,
                                Duration ttl,
                                const SigningOptions& options);

// ---- The parts, for tests and for those who check signatures.

struct CanonicalRequest {
  std::string text;
  std::string signed_headers;  // "host;x-amz-date"
};

// Of a request with all its headers, Host among them. S3's keys are not normalized, and escaped
// once only.
Result<CanonicalRequest> canonical_request(const HttpRequest& request,
                                           std::string_view service,
                                           std::string_view payload_hash);

std::string string_to_sign(const SigningScope& scope, TimePoint time, std::string_view canonical);

// Hex. `secret_key` is the secret access key.
std::string signature_of(const Secret& secret_key,
                         const SigningScope& scope,
                         TimePoint time,
                         std::string_view text);

// "20261122T100921Z".
std::string format_amz_date(TimePoint time);
Result<TimePoint> parse_amz_date(std::string_view text);

}  // namespace lateen::net::aws
