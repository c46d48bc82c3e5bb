#include "net/url.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "base/encoding.h"
#include "base/text.h"

namespace lateen::net {

namespace {

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

void append_escaped(std::string& out, char c) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kDigits[byte >> 4U];
  out += kDigits[byte & 15U];
}

// A host and port cannot hold these; nor can any part of a URL hold blanks or control characters.
bool has_controls(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; });
}

Status parse_authority(std::string_view text, Url& url) {
  const Cut login = cut_last(text, "@");
  if (login.found) url.user_info = login.before;
  std::string_view host = login.found ? login.after : text;
  std::string_view port;
  if (host.starts_with('[')) {
    const Cut bracket = cut(host.substr(1), "]");
    const bool port_or_end = bracket.after.empty() || bracket.after.starts_with(':');
    if (!bracket.found || !port_or_end) {
      return Error(Code::InvalidArgument, "a URL's IPv6 address needs brackets around it");
    }
    host = bracket.before;
    port = bracket.after.empty() ? bracket.after : bracket.after.substr(1);
  } else {
    const Cut colon = cut(host, ":");
    host = colon.before;
    port = colon.after;
  }
  static constexpr std::string_view kNotInHosts = "[]<>\"\\^`{}|%";
  if (host.empty() || host.find_first_of(kNotInHosts) != std::string_view::npos) {
    return Error(Code::InvalidArgument, "a URL needs a host after its scheme");
  }
  url.host = to_lower(host);
  if (port.empty()) return {};
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size()) {
    return Error(Code::InvalidArgument, "{} is not a port", quote_go(port));
  }
  url.port = number;
  return {};
}

bool is_scheme(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '-' || c == '.';
  });
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  if (has_controls(text)) {
    return Error(Code::InvalidArgument, "a URL holds no blanks or control characters");
  }
  const Cut scheme = cut(text, "://");
  if (!scheme.found || !is_scheme(scheme.before)) {
    return Error(Code::InvalidArgument, "a URL begins with its scheme, as https://");
  }
  Url url{.scheme = to_lower(scheme.before)};
  const Cut fragment = cut(scheme.after, "#");
  url.fragment = fragment.after;
  const Cut query = cut(fragment.before, "?");
  url.query = query.after;
  const std::size_t slash = std::min(query.before.find('/'), query.before.size());
  url.path = query.before.substr(slash);
  TRY(parse_authority(query.before.substr(0, slash), url));
  return url;
}

std::string Url::format() const {
  std::string out = scheme + "://";
  if (!user_info.empty()) out += user_info + "@";
  out += authority() + path;
  if (!query.empty()) out += "?" + query;
  if (!fragment.empty()) out += "#" + fragment;
  return out;
}

std::uint16_t Url::effective_port() const {
  return port.value_or(is_secure() ? 443 : 80);
}

std::string Url::authority() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  std::string out = is_ipv6 ? "[" + host + "]" : host;
  if (port) out += fmt::format(":{}", *port);
  return out;
}

std::string redact_url(std::string_view text) {
  Result<Url> url = Url::parse(text);
  if (!url) return "(invalid URL)";
  url->user_info.clear();
  url->query.clear();
  url->fragment.clear();
  return url->format();
}

std::string query_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      append_escaped(out, c);
    }
  }
  return out;
}

std::string path_escape(std::string_view segment) {
  static constexpr std::string_view kKept = "$&+:=@";
  std::string out;
  out.reserve(segment.size());
  for (const char c : segment) {
    if (is_unreserved(c) || kKept.find(c) != std::string_view::npos) {
      out += c;
    } else {
      append_escaped(out, c);
    }
  }
  return out;
}

Result<std::string> path_unescape(std::string_view text) {
  return percent_decode(text);
}

Result<std::string> query_unescape(std::string_view text) {
  return query_decode(text);
}

Result<QueryValues> QueryValues::parse(std::string_view query) {
  QueryValues values;
  if (query.find(';') != std::string_view::npos) {
    return Error(Code::InvalidArgument, "a query has no semicolons: write %3B");
  }
  for (const std::string_view part : split(query, '&')) {
    if (part.empty()) continue;
    const Cut pair = cut(part, "=");
    std::string key = TRY(query_unescape(pair.before));
    std::string value = TRY(query_unescape(pair.after));
    values.pairs_.emplace_back(std::move(key), std::move(value));
  }
  return values;
}

std::string_view QueryValues::get(std::string_view key) const {
  const auto found = std::ranges::find(pairs_, key, &Pair::first);
  return found == pairs_.end() ? std::string_view() : std::string_view(found->second);
}

bool QueryValues::contains(std::string_view key) const {
  return std::ranges::find(pairs_, key, &Pair::first) != pairs_.end();
}

std::vector<std::string_view> QueryValues::all(std::string_view key) const {
  std::vector<std::string_view> values;
  for (const Pair& pair : pairs_) {
    if (pair.first == key) values.emplace_back(pair.second);
  }
  return values;
}

void QueryValues::add(std::string_view key, std::string_view value) {
  pairs_.emplace_back(key, value);
}

void QueryValues::set(std::string_view key, std::string_view value) {
  remove(key);
  add(key, value);
}

void QueryValues::remove(std::string_view key) {
  std::erase_if(pairs_, [key](const Pair& pair) { return pair.first == key; });
}

std::string QueryValues::encode() const {
  std::vector<const Pair*> sorted;
  sorted.reserve(pairs_.size());
  for (const Pair& pair : pairs_)
    sorted.push_back(&pair);
  // Values of one key keep their order, which is that of their addresses.
  std::ranges::sort(sorted, [](const Pair* a, const Pair* b) {
    return std::tie(a->first, a) < std::tie(b->first, b);
  });
  std::string out;
  for (const Pair* pair : sorted) {
    if (!out.empty()) out += '&';
    out += query_escape(pair->first) + "=" + query_escape(pair->second);
  }
  return out;
}

}  // namespace lateen::net
