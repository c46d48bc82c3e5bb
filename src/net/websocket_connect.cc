#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/random.h"
#include "base/text.h"
#include "net/curl_stream.h"
#include "net/http_parser.h"
#include "net/url.h"
#include "net/websocket.h"

namespace lateen::net {

namespace {

constexpr std::size_t kMaxHead = 64 * 1024;
constexpr std::size_t kShownBody = 1024;  // of a refusal

std::string make_key() {
  SystemRng rng;
  std::array<std::byte, 16> bytes{};
  rng.fill(bytes);
  return base64_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<Bytes> format_handshake(const WebSocketRequest& request,
                               const Url& url,
                               const std::string& key) {
  Headers headers = request.headers;
  headers.set_default("Host", url.authority());
  headers.set("Upgrade", "websocket");
  headers.set("Connection", "Upgrade");
  headers.set("Sec-WebSocket-Version", "13");
  headers.set("Sec-WebSocket-Key", key);
  if (!request.protocols.empty()) {
    headers.set("Sec-WebSocket-Protocol", join(request.protocols, ", "));
  }
  TRY(check_headers(headers));
  Url target = url;
  const std::string path = target.path.empty() ? "/" : target.path;
  const std::string query = target.query.empty() ? "" : "?" + target.query;
  Bytes text = fmt::format("GET {}{} HTTP/1.1\r\n", path, query);
  for (const auto& [name, value] : headers) {
    text.append(name).append(": ").append(value).append("\r\n");
  }
  return text.append("\r\n");
}

// An answer's head, and what has come after it.
struct Answer {
  ResponseHead head;
  Bytes rest;
};

Result<std::size_t> read_into(ByteStream& stream,
                              Bytes& input,
                              Deadline deadline,
                              const std::stop_token& stop) {
  constexpr std::size_t kAnswerSize = 4096;
  const std::size_t had = input.size();
  input.resize(had + kAnswerSize);
  auto got = stream.read_some(std::span(input).subspan(had), deadline, stop);
  input.resize(had + (got ? *got : 0));
  return got;
}

Result<Answer> read_answer(ByteStream& stream, Deadline deadline, const std::stop_token& stop) {
  Bytes input;
  for (;;) {
    const std::size_t got = TRY(read_into(stream, input, deadline, stop));
    if (got == 0) return Error(Code::Unavailable, "the peer closed without an answer");
    std::optional<ResponseHead> head = TRY(parse_response_head(input));
    if (head) {
      Bytes rest = input.substr(head->length);
      return Answer{.head = std::move(*head), .rest = std::move(rest)};
    }
    if (input.size() > kMaxHead) return Error(Code::Unavailable, "the answer's head has no end");
  }
}

Code code_for(int status) {
  switch (status) {
    case 400:
      return Code::InvalidArgument;
    case 401:
      return Code::Unauthenticated;
    case 403:
      return Code::Forbidden;
    case 404:
      return Code::NotFound;
    case 429:
      return Code::TooManyRequests;
    default:
      return Code::Unavailable;
  }
}

// The body says why, as far as it comes within a moment.
Error refused(ByteStream& stream, Answer answer, Deadline deadline, const std::stop_token& stop) {
  constexpr auto kPatience = std::chrono::seconds(1);
  const auto announced = parse_int(answer.head.headers.get("Content-Length"));
  const std::size_t wanted = std::min<std::size_t>(
      kShownBody, announced && *announced >= 0 ? static_cast<std::size_t>(*announced) : kShownBody);
  const Deadline until = deadline.earlier_of(Deadline::after(kPatience));
  while (answer.rest.size() < wanted) {
    const auto got = read_into(stream, answer.rest, until, stop);
    if (!got || *got == 0) break;
  }
  const std::string body = to_valid_utf8(trim(answer.rest.substr(0, wanted)));
  const int status = answer.head.status;
  return Error(code_for(status), "the server answers {} {} instead of a WebSocket: {}", status,
               reason_phrase(status), body)
      .with_retryable(status == 429 || status == 503);
}

Status check_agreement(const WebSocketRequest& request,
                       const Headers& headers,
                       const std::string& key) {
  if (!headers.lists("Upgrade", "websocket") ||
      headers.get("Sec-WebSocket-Accept") != websocket_accept_key(key)) {
    return Error(Code::Unavailable, "the server's WebSocket handshake is wrong");
  }
  const std::string_view agreed = headers.get("Sec-WebSocket-Protocol");
  const auto& offered = request.protocols;
  if (!agreed.empty() && std::find(offered.begin(), offered.end(), agreed) == offered.end()) {
    return Error(Code::Unavailable, "the server chose the WebSocket protocol {}, not offered",
                 quote_go(agreed));
  }
  return {};
}

Result<std::unique_ptr<WebSocket>> connect_to(const WebSocketRequest& request,
                                              const Url& url,
                                              Deadline deadline,
                                              const std::stop_token& stop) {
  const std::string key = make_key();
  const Bytes handshake = TRY(format_handshake(request, url, key));
  auto stream = TRY(CurlStream::connect(url, request.tls, request.proxy_url, deadline, stop));
  TRY(stream->write(handshake, deadline, stop));
  Answer answer = TRY(read_answer(*stream, deadline, stop));
  if (answer.head.status != 101) return refused(*stream, std::move(answer), deadline, stop);
  TRY(check_agreement(request, answer.head.headers, key));
  std::string protocol(answer.head.headers.get("Sec-WebSocket-Protocol"));
  return std::make_unique<WebSocket>(std::move(stream), WebSocket::Role::Client,
                                     std::move(protocol), std::move(answer.rest));
}

}  // namespace

Result<std::unique_ptr<WebSocket>> connect_websocket(const WebSocketRequest& request,
                                                     Deadline deadline,
                                                     std::stop_token stop) {
  const std::string shown = redact_url(request.url);
  Url url = TRY(Url::parse(request.url).wrap("{}", shown));
  if (url.scheme == "ws") url.scheme = "http";
  if (url.scheme == "wss") url.scheme = "https";
  return connect_to(request, url, deadline, stop).wrap("{}", shown);
}

}  // namespace lateen::net
