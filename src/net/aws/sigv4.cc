#include "net/aws/sigv4.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <vector>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"
#include "net/url.h"

namespace lateen::net::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kEnd = "aws4_request";

// What proxies and clients add or change on the way.
constexpr std::array<std::string_view, 8> kUnsigned = {
    "authorization",     "connection",          "content-length", "expect",
    "transfer-encoding", "proxy-authorization", "user-agent",     "x-amzn-trace-id"};

bool is_s3(std::string_view service) {
  return service == "s3" || service == "s3-outposts" || service == "s3-object-lambda";
}

// As the client sends it: without the port that the scheme has anyway.
std::string host_of(const Url& url) {
  Url shown = url;
  const std::uint16_t usual = url.is_secure() ? 443 : 80;
  if (shown.port == usual) shown.port.reset();
  return shown.authority();
}

// "20261122"
std::string date_of(TimePoint time) {
  return format_amz_date(time).substr(0, 8);
}

std::string scope_text(const SigningScope& scope, TimePoint time) {
  return fmt::format("{}/{}/{}/{}", date_of(time), scope.region, scope.service, kEnd);
}

// RFC 3986's removal of dot segments and of empty ones, which AWS asks for everywhere but in S3.
std::string normalized(std::string_view path) {
  std::vector<std::string_view> kept;
  for (const std::string_view segment : split(path, '/')) {
    if (segment.empty() || segment == ".") continue;
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
      continue;
    }
    kept.push_back(segment);
  }
  std::string out;
  for (const std::string_view segment : kept)
    out += fmt::format("/{}", segment);
  if (out.empty() || path.ends_with('/')) out += '/';
  return out;
}

std::string canonical_path(const Url& url, std::string_view service) {
  if (is_s3(service)) return url.path.empty() ? "/" : url.path;
  return percent_encode_path(normalized(url.path));
}

Result<std::string> canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string_view part : split(query, '&')) {
    if (part.empty()) continue;
    const Cut pair = cut(part, "=");
    const std::string key = TRY(query_decode(pair.before));
    const std::string value = TRY(query_decode(pair.after));
    pairs.emplace_back(percent_encode(key), percent_encode(value));
  }
  std::ranges::sort(pairs);
  std::string out;
  for (const auto& [key, value] : pairs) {
    if (!out.empty()) out += '&';
    out += key + "=" + value;
  }
  return out;
}

// Without blanks around it, and with one for several inside.
std::string canonical_value(std::string_view value) {
  std::string out;
  for (const char c : trim(value)) {
    const bool blank = c == ' ' || c == '\t';
    if (blank && out.ends_with(' ')) continue;
    out += blank ? ' ' : c;
  }
  return out;
}

struct CanonicalHeaders {
  std::string lines;
  std::string names;
};

CanonicalHeaders canonical_headers(const Headers& headers, const Url& url) {
  std::map<std::string, std::string> by_name;
  for (const auto& [name, value] : headers) {
    const std::string lower = to_lower(name);
    if (std::ranges::find(kUnsigned, lower) != kUnsigned.end()) continue;
    const auto [at, is_new] = by_name.try_emplace(lower, canonical_value(value));
    if (!is_new) at->second += "," + canonical_value(value);
  }
  by_name.try_emplace("host", host_of(url));
  CanonicalHeaders out;
  for (const auto& [name, value] : by_name) {
    out.lines += name + ":" + value + "\n";
    if (!out.names.empty()) out.names += ';';
    out.names += name;
  }
  return out;
}

}  // namespace

Result<CanonicalRequest> canonical_request(const HttpRequest& request,
                                           std::string_view service,
                                           std::string_view payload_hash) {
  const Url url = TRY(Url::parse(request.url));
  const std::string query = TRY(canonical_query(url.query));
  CanonicalHeaders headers = canonical_headers(request.headers, url);
  std::string text =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, canonical_path(url, service), query,
                  headers.lines, headers.names, payload_hash);
  return CanonicalRequest{.text = std::move(text), .signed_headers = std::move(headers.names)};
}

std::string string_to_sign(const SigningScope& scope, TimePoint time, std::string_view canonical) {
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, format_amz_date(time), scope_text(scope, time),
                     sha256_hex(canonical));
}

std::string signature_of(const Secret& secret_key,
                         const SigningScope& scope,
                         TimePoint time,
                         std::string_view text) {
  const Secret start("AWS4" + std::string(secret_key.reveal()));
  Secret key(hmac_sha256(start.reveal(), date_of(time)));
  for (const std::string_view part :
       {std::string_view(scope.region), std::string_view(scope.service), kEnd}) {
    key = Secret(hmac_sha256(key.reveal(), part));
  }
  return hex_encode(hmac_sha256(key.reveal(), text));
}

Status sign_request(HttpRequest& request, const SigningOptions& options) {
  const Credentials& credentials = options.credentials;
  const std::string hash =
      options.payload_hash.empty() ? sha256_hex(request.body) : options.payload_hash;
  request.headers.remove("Authorization");
  request.headers.set("X-Amz-Date", format_amz_date(options.time));
  if (is_s3(options.scope.service)) request.headers.set("X-Amz-Content-Sha256", hash);
  request.headers.remove("X-Amz-Security-Token");
  if (!credentials.session_token.empty()) {
    request.headers.set("X-Amz-Security-Token", credentials.session_token.reveal());
  }
  const CanonicalRequest canonical = TRY(canonical_request(request, options.scope.service, hash));
  const std::string signature =
      signature_of(credentials.secret_access_key, options.scope, options.time,
                   string_to_sign(options.scope, options.time, canonical.text));
  request.headers.set(
      "Authorization",
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                  credentials.access_key_id, scope_text(options.scope, options.time),
                  canonical.signed_headers, signature));
  return {};
}

Result<std::string> presign_url(std::string_view method,
                                std::string_view url,
                                Duration ttl,
                                const SigningOptions& options) {
  constexpr std::chrono::hours kLongest{7 * 24};
  if (ttl < std::chrono::seconds(1) || ttl > kLongest) {
    return Error(Code::InvalidArgument, "a presigned URL is good for a second to seven days");
  }
  const Credentials& credentials = options.credentials;
  Url parsed = TRY(Url::parse(url));
  const auto add = [&parsed](std::string_view name, std::string_view value) {
    if (!parsed.query.empty()) parsed.query += '&';
    parsed.query += fmt::format("{}={}", name, percent_encode(value));
  };
  add("X-Amz-Algorithm", kAlgorithm);
  add("X-Amz-Credential",
      fmt::format("{}/{}", credentials.access_key_id, scope_text(options.scope, options.time)));
  add("X-Amz-Date", format_amz_date(options.time));
  add("X-Amz-Expires", fmt::to_string(std::chrono::floor<std::chrono::seconds>(ttl).count()));
  if (!credentials.session_token.empty()) {
    add("X-Amz-Security-Token", credentials.session_token.reveal());
  }
  add("X-Amz-SignedHeaders", "host");
  HttpRequest request{.method = std::string(method), .url = parsed.format()};
  const std::string hash = !options.payload_hash.empty()  ? options.payload_hash
                           : is_s3(options.scope.service) ? std::string(kUnsignedPayload)
                                                          : sha256_hex("");
  const CanonicalRequest canonical = TRY(canonical_request(request, options.scope.service, hash));
  add("X-Amz-Signature", signature_of(credentials.secret_access_key, options.scope, options.time,
                                      string_to_sign(options.scope, options.time, canonical.text)));
  return parsed.format();
}

std::string format_amz_date(TimePoint time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(seconds - day);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

Result<TimePoint> parse_amz_date(std::string_view text) {
  const auto number = [text](std::size_t at, std::size_t length) -> int {
    return static_cast<int>(parse_int(text.substr(at, length)).value_or(-1));
  };
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') {
    return Error(Code::InvalidArgument, "{} is not a date as 20261122T100921Z", quote_go(text));
  }
  const std::chrono::year_month_day date(std::chrono::year(number(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(number(4, 2))),
                                         std::chrono::day(static_cast<unsigned>(number(6, 2))));
  const int hour = number(9, 2);
  const int minute = number(11, 2);
  const int second = number(13, 2);
  if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 60) {
    return Error(Code::InvalidArgument, "{} is not a date as 20261122T100921Z", quote_go(text));
  }
  return TimePoint(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second);
}

}  // namespace lateen::net::aws
