#include "net/server_exchange.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.h"

namespace lateen::net {

namespace {

// A head and a small body go out in one packet.
constexpr std::size_t kJoinedBody = 64 * 1024;

// Headers that say where a message ends are not a handler's.
bool is_ours(std::string_view name) {
  static constexpr std::array<std::string_view, 3> kOurs = {"Content-Length", "Transfer-Encoding",
                                                            "Connection"};
  return std::ranges::any_of(
      kOurs, [name](std::string_view ours) { return equals_ignoring_case(ours, name); });
}

bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace

std::string format_response_head(int status, const Headers& headers, std::string_view own_lines) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", status, reason_phrase(status));
  for (const auto& [name, value] : headers) {
    if (is_ours(name)) continue;
    head.append(name).append(": ").append(value).append("\r\n");
  }
  head.append(own_lines).append("\r\n");
  return head;
}

Result<std::size_t> LentStream::read_some(std::span<char> into,
                                          Deadline deadline,
                                          std::stop_token stop) {
  if (early_.empty()) return inner_.read_some(into, deadline, std::move(stop));
  const std::size_t count = std::min(into.size(), early_.size());
  std::memcpy(into.data(), early_.data(), count);
  early_.erase(0, count);
  return count;
}

Status LentStream::write(BytesView bytes, Deadline deadline, std::stop_token stop) {
  return inner_.write(bytes, deadline, std::move(stop));
}

ConnectionExchange::ConnectionExchange(Connection connection, ServerRequest request)
    : connection_(std::move(connection)),
      request_(std::move(request)),
      keep_alive_(connection_.keep_alive) {}

ConnectionExchange::~ConnectionExchange() {
  if (watch_) connection_.peers.forget(*watch_, connection_.stream.fd());
}

std::stop_token ConnectionExchange::stop() {
  if (!on_server_stop_) {
    on_server_stop_.emplace(connection_.server_stop,
                            [gone = gone_]() mutable { gone.request_stop(); });
    auto watched = connection_.peers.watch(connection_.stream.fd(), gone_);
    // Out of kernel memory: a handler that cannot hear its peer go must not run for ever.
    if (!watched) gone_.request_stop();
    if (watched) watch_ = *watched;
  }
  return gone_.get_token();
}

Status ConnectionExchange::begin(Answer answer) {
  if (answer_ != Answer::None) {
    return Error(Code::Internal, "{} {} is answered twice", request_.method, request_.path);
  }
  answer_ = answer;
  return {};
}

// The stop is not heard here: an answer that was begun is finished, unless the connection is cut.
Status ConnectionExchange::send(BytesView bytes) {
  Status sent =
      connection_.stream.write(bytes, Deadline::after(connection_.options.write_timeout), {});
  if (!sent) keep_alive_ = false;
  return sent;
}

std::string_view ConnectionExchange::connection_line() const {
  if (!keep_alive_) return "Connection: close\r\n";
  return connection_.http_1_0 ? "Connection: keep-alive\r\n" : "";
}

Status ConnectionExchange::respond(HttpResponse response) {
  TRY(check_headers(response.headers));
  TRY(begin(Answer::Complete));
  std::string own(connection_line());
  if (!has_no_body(response.status)) {
    own += fmt::format("Content-Length: {}\r\n", response.body.size());
  }
  std::string head = format_response_head(response.status, response.headers, own);
  if (has_no_body(response.status) || request_.method == "HEAD") return send(head);
  if (response.body.size() <= kJoinedBody) return send(head.append(response.body));
  TRY(send(head));
  return send(response.body);
}

Status ConnectionExchange::begin_stream(int status, Headers headers) {
  TRY(check_headers(headers));
  TRY(begin(Answer::Streaming));
  without_body_ = request_.method == "HEAD" || has_no_body(status);
  chunked_ = !connection_.http_1_0;
  // Without chunks only the connection's end can say where the answer ends.
  if (!chunked_) keep_alive_ = false;
  std::string own(connection_line());
  if (chunked_ && !has_no_body(status)) own += "Transfer-Encoding: chunked\r\n";
  return send(format_response_head(status, headers, own));
}

Status ConnectionExchange::write(BytesView bytes) {
  if (answer_ != Answer::Streaming) return Error(Code::Internal, "no stream has begun");
  if (without_body_ || bytes.empty()) return {};  // an empty chunk would be the end
  if (!chunked_) return send(bytes);
  std::string chunk = fmt::format("{:x}\r\n", bytes.size());
  chunk.reserve(chunk.size() + bytes.size() + 2);
  chunk.append(bytes).append("\r\n");
  return send(chunk);
}

Status ConnectionExchange::finish() {
  if (answer_ != Answer::Streaming) return Error(Code::Internal, "no stream has begun");
  answer_ = Answer::Complete;
  if (without_body_ || !chunked_) return {};
  return send("0\r\n\r\n");
}

bool ConnectionExchange::is_websocket_upgrade() const {
  const Headers& headers = request_.headers;
  return request_.method == "GET" && headers.lists("Connection", "upgrade") &&
         headers.lists("Upgrade", "websocket") && headers.get("Sec-WebSocket-Version") == "13" &&
         !headers.get("Sec-WebSocket-Key").empty();
}

std::vector<std::string> ConnectionExchange::offered_protocols() const {
  std::vector<std::string> offered;
  for (const std::string_view value : request_.headers.all("Sec-WebSocket-Protocol")) {
    for (const std::string_view protocol : split_trimmed(value, ','))
      offered.emplace_back(protocol);
  }
  return offered;
}

Status ConnectionExchange::switch_protocols(const Headers& headers) {
  TRY(check_headers(headers));
  TRY(begin(Answer::TakenOver));
  std::string head = "HTTP/1.1 101 Switching Protocols\r\n";
  for (const auto& [name, value] : headers) {
    head.append(name).append(": ").append(value).append("\r\n");
  }
  return send(head.append("\r\n"));
}

Result<WebSocket*> ConnectionExchange::accept_websocket(const std::string& protocol) {
  if (!is_websocket_upgrade()) {
    return Error(Code::InvalidArgument, "{} {} is not a WebSocket handshake", request_.method,
                 request_.path);
  }
  const auto offered = offered_protocols();
  if (!protocol.empty() && std::ranges::find(offered, protocol) == offered.end()) {
    return Error(Code::InvalidArgument, "the WebSocket protocol {} was not offered", protocol);
  }
  Headers headers = {
      {"Upgrade", "websocket"},
      {"Connection", "Upgrade"},
      {"Sec-WebSocket-Accept", websocket_accept_key(request_.headers.get("Sec-WebSocket-Key"))}};
  if (!protocol.empty()) headers.add("Sec-WebSocket-Protocol", protocol);
  TRY(switch_protocols(headers));
  auto lent = std::make_unique<LentStream>(connection_.stream, Bytes());
  websocket_ = std::make_unique<WebSocket>(std::move(lent), WebSocket::Role::Server, protocol,
                                           std::exchange(connection_.input, {}));
  return websocket_.get();
}

Result<ByteStream*> ConnectionExchange::take_over(const Headers& headers) {
  TRY(switch_protocols(headers));
  raw_ = std::make_unique<LentStream>(connection_.stream, std::exchange(connection_.input, {}));
  return raw_.get();
}

void ConnectionExchange::abort() {
  answer_ = Answer::Aborted;
  connection_.stream.reset_at_end();
}

}  // namespace lateen::net
