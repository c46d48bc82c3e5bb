#include "sandbox/http/spdy_frames.h"

#include <array>

namespace lateen::sandbox {

namespace {

constexpr std::uint32_t kControlBit = 0x80000000U;
constexpr std::uint32_t kStreamMask = 0x7fffffffU;
constexpr std::uint32_t kSpdyVersion = 3;

// Headers and values that were common in 2012, each with its length before it in the dictionary ...
constexpr std::array<std::string_view, 65> kDictionaryWords = {
    "options",
    "head",
    "post",
    "put",
    "delete",
    "trace",
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "connection",
    "content-base",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-md5",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expect",
    "expires",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "referer",
    "retry-after",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "warning",
    "www-authenticate",
    "method",
    "get",
    "status",
    "200 OK",
    "version",
    "HTTP/1.1",
    "url",
    "public",
    "set-cookie",
    "keep-alive",
    "origin",
};

// ... and texts that may stand inside values.
constexpr std::string_view kDictionaryTail =
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Una"
    "uthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service"
    " UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, "
    "Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,applicat"
    "ion/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf"
    "-8charset=iso-8859-1,utf-,*,enq=0.";

}  // namespace

std::uint32_t spdy_u32(BytesView bytes, std::size_t at) {
  if (at + 4 > bytes.size()) return 0;
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i)
    number = (number << 8U) | static_cast<unsigned char>(bytes[at + i]);
  return number;
}

void put_spdy_u32(Bytes& out, std::uint32_t number) {
  for (const unsigned shift : {24U, 16U, 8U, 0U})
    out += static_cast<char>((number >> shift) & 0xffU);
}

Result<std::size_t> parse_spdy_head(BytesView head, SpdyFrame& frame) {
  const std::uint32_t first = spdy_u32(head, 0);
  const std::uint32_t second = spdy_u32(head, 4);
  frame.control = (first & kControlBit) != 0;
  frame.flags = static_cast<std::uint8_t>(second >> 24U);
  if (frame.control) {
    const std::uint32_t version = (first & kStreamMask) >> 16U;
    if (version != kSpdyVersion)
      return Error(Code::Unsupported, "SPDY version {} is not spoken here", version);
    frame.type = static_cast<SpdyType>(first & 0xffffU);
  } else {
    frame.stream = first;
  }
  const std::size_t length = second & 0xffffffU;
  if (length > kSpdyMaxPayload) return Error(Code::Corrupt, "a SPDY frame of {} bytes", length);
  return length;
}

Bytes spdy_data(std::uint32_t stream, BytesView bytes, bool fin) {
  Bytes out;
  out.reserve(kSpdyFrameHead + bytes.size());
  put_spdy_u32(out, stream & kStreamMask);
  const std::uint32_t flags = fin ? kSpdyFin : 0U;
  put_spdy_u32(out, (flags << 24U) | static_cast<std::uint32_t>(bytes.size()));
  return out.append(bytes);
}

Bytes spdy_control(SpdyType type, std::uint8_t flags, BytesView payload) {
  Bytes out;
  put_spdy_u32(out, kControlBit | (kSpdyVersion << 16U) | static_cast<std::uint32_t>(type));
  put_spdy_u32(
      out, (static_cast<std::uint32_t>(flags) << 24U) | static_cast<std::uint32_t>(payload.size()));
  return out.append(payload);
}

Bytes encode_spdy_headers(const SpdyHeaders& headers) {
  Bytes out;
  put_spdy_u32(out, static_cast<std::uint32_t>(headers.size()));
  for (const auto& [name, value] : headers) {
    put_spdy_u32(out, static_cast<std::uint32_t>(name.size()));
    out += name;
    put_spdy_u32(out, static_cast<std::uint32_t>(value.size()));
    out += value;
  }
  return out;
}

Result<SpdyHeaders> decode_spdy_headers(BytesView block) {
  const Error truncated(Code::Corrupt, "a SPDY header block ends early");
  if (block.size() < 4) return truncated;
  const std::uint32_t count = spdy_u32(block, 0);
  std::size_t at = 4;
  const auto take = [&](std::string& into) {
    if (at + 4 > block.size()) return false;
    const std::size_t length = spdy_u32(block, at);
    at += 4;
    if (length > block.size() - at) return false;
    into = block.substr(at, length);
    at += length;
    return true;
  };
  SpdyHeaders headers;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::pair<std::string, std::string> header;
    if (!take(header.first) || !take(header.second)) return truncated;
    headers.push_back(std::move(header));
  }
  return headers;
}

const Bytes& spdy_dictionary() {
  static const Bytes dictionary = [] {
    Bytes out;
    for (const std::string_view word : kDictionaryWords) {
      put_spdy_u32(out, static_cast<std::uint32_t>(word.size()));
      out += word;
    }
    return out.append(kDictionaryTail);
  }();
  return dictionary;
}

}  // namespace lateen::sandbox
