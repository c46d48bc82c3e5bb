// URLs taken apart and put together, and queries escaped exactly as Go's net/url does (signatures
// and golden requests depend on it).
//
//   Url url = TRY(Url::parse("https://10.0.0.1:6443/base"));
//   url.path += "/api/v1/pods";
//   url.query = QueryValues{{"limit", "500"}}.encode();
//   client.send({.url = url.format()}, stop);
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace lateen::net {

// An absolute URL with a host. Parts are kept escaped, as they were written. Immutable unless you
// assign to it.
struct Url {
  std::string scheme = {};     // lower case: "https"
  std::string user_info = {};  // "user:password", escaped: a secret
  std::string host = {};       // lower case; an IPv6 address without its brackets
  std::optional<std::uint16_t> port = {};
  std::string path = {};   // "" or starts with '/'
  std::string query = {};  // without '?'
  std::string fragment = {};

  // InvalidArgument if it is not scheme://host[:port][/path][?query][#fragment]. A missing scheme
  // is an error.
  static Result<Url> parse(std::string_view text);

  std::string format() const;

  // The port that a connection goes to: the one named, or 80 for http/ws and 443 for https/wss.
  std::uint16_t effective_port() const;

  // "host", "host:8443", "[::1]:8443": as in a Host header.
  std::string authority() const;

  bool is_secure() const { return scheme == "https" || scheme == "wss"; }

  bool operator==(const Url&) const = default;
};

// For messages: scheme, host and path of a URL; never its credentials, its query (signatures live
// there) or its fragment. What is not a URL becomes "(invalid URL)".
std::string redact_url(std::string_view url);

// url.QueryEscape: a blank is '+'; all but letters, digits and -_.~ is %XX.
std::string query_escape(std::string_view text);

// url.PathEscape: for one segment of a path; '/' becomes %2F, and $&+:=@ stay.
std::string path_escape(std::string_view segment);

// InvalidArgument for a '%' that two hex digits do not follow. '+' stays '+' in a path and is a
// blank in a query.
Result<std::string> path_unescape(std::string_view text);
Result<std::string> query_unescape(std::string_view text);

// url.Values: keys that may repeat. Not thread-safe.
class QueryValues {
 public:
  using Pair = std::pair<std::string, std::string>;

  QueryValues() = default;

  QueryValues(std::initializer_list<Pair> pairs) : pairs_(pairs) {}

  // "a=1&b=2": a key without '=' has the value "". Semicolons are refused, as Go does since 1.17.
  static Result<QueryValues> parse(std::string_view query);

  std::string_view get(std::string_view key) const;  // the first; "" when absent
  bool contains(std::string_view key) const;
  std::vector<std::string_view> all(std::string_view key) const;
  void add(std::string_view key, std::string_view value);
  void set(std::string_view key, std::string_view value);
  void remove(std::string_view key);

  const std::vector<Pair>& pairs() const { return pairs_; }

  bool empty() const { return pairs_.empty(); }

  // Values.Encode: sorted by key; values of one key in their order.
  std::string encode() const;

 private:
  std::vector<Pair> pairs_;
};

}  // namespace lateen::net
