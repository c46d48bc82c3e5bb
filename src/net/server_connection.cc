#include "net/server_connection.h"

#include <array>

#include "base/text.h"
#include "net/server_exchange.h"

namespace lateen::net {

namespace {

constexpr auto kHandshakeTimeout = std::chrono::seconds(10);

// How long a peer that was refused may go on sending, and how much: if we closed at once, the
// kernel would reset the connection, and the peer might never see why.
constexpr auto kLinger = std::chrono::seconds(10);
constexpr ByteCount kLingerBytes = 64_MiB;

constexpr std::size_t kRequestReadSize = 16 * 1024;

// "GET http://host/path HTTP/1.1" is allowed, and means the path.
std::string_view without_authority(std::string_view target) {
  const Cut scheme = cut(target, "://");
  if (target.starts_with('/') || !scheme.found) return target;
  const std::size_t slash = scheme.after.find('/');
  return slash == std::string_view::npos ? "/" : scheme.after.substr(slash);
}

}  // namespace

ServerConnection::ServerConnection(const ConnectionContext& context,
                                   UniqueFd fd,
                                   SslPtr ssl,
                                   std::string peer_address)
    : context_(context),
      stream_(std::move(fd), std::move(ssl)),
      peer_address_(std::move(peer_address)) {}

std::optional<std::chrono::steady_clock::time_point> ServerConnection::idle_since() const {
  const Lock lock(mu_);
  return idle_since_;
}

void ServerConnection::run(const std::function<void()>& became_idle) {
  const Status shaken = stream_.handshake(Deadline::after(kHandshakeTimeout), context_.server_stop);
  if (!shaken) {
    context_.options.log.debug("TLS handshake failed",
                               {{"peer", peer_address_}, {"error", shaken.error()}});
    return;
  }
  identity_ = stream_.identity();
  certificate_error_ = stream_.certificate_error();
  // Boost and the standard library throw when memory is short: that ends this connection, not the
  // server.
  try {
    serve_requests(became_idle);
  } catch (const std::exception& e) {
    context_.options.log.error("Connection ended by an exception",
                               {{"peer", peer_address_}, {"error", e.what()}});
  }
  stream_.end_writing();
}

void ServerConnection::serve_requests(const std::function<void()>& became_idle) {
  for (;;) {
    if (input_.empty()) {
      {
        const Lock lock(mu_);
        idle_since_ = monotonic_now();
      }
      became_idle();
      const Status more =
          read_more(Deadline::after(context_.options.idle_timeout), quit_.get_token());
      const Lock lock(mu_);
      idle_since_.reset();
      if (!more || input_.empty()) return;
    }
    RequestParser parser(
        {.header = context_.options.max_header, .body = context_.options.max_body});
    const auto received = receive(parser);
    if (!received) return refuse(parser.error_status(), received.error().message());
    if (*received == Received::End || !serve(parser)) return;
    if (quit_.stop_requested()) return;
  }
}

// An empty input_ afterwards is the peer's end.
Status ServerConnection::read_more(Deadline deadline, std::stop_token stop) {
  const std::size_t had = input_.size();
  input_.resize(had + kRequestReadSize);
  auto got = stream_.read_some(std::span(input_).subspan(had), deadline, std::move(stop));
  input_.resize(had + (got ? *got : 0));
  if (!got) return std::move(got).error();
  if (*got == 0) return Error(Code::Unavailable, "the peer has closed the connection");
  return {};
}

Result<ServerConnection::Received> ServerConnection::receive(RequestParser& parser) {
  const Deadline deadline = Deadline::after(context_.options.request_timeout);
  bool continued = false;
  for (;;) {
    const std::size_t taken = TRY(parser.put(input_));
    input_.erase(0, taken);
    if (parser.done()) return Received::Request;
    if (parser.header_done() && parser.expects_continue() && !continued) {
      continued = true;
      if (!stream_.write("HTTP/1.1 100 Continue\r\n\r\n", deadline, {})) return Received::End;
    }
    // Whoever goes or dawdles in the middle of a request gets no answer.
    if (!read_more(deadline, context_.server_stop)) return Received::End;
  }
}

void ServerConnection::refuse(int status, std::string_view why) {
  const std::string body = fmt::format("{}\n", why);
  const std::string own = fmt::format("Connection: close\r\nContent-Length: {}\r\n", body.size());
  const std::string head = format_response_head(status, {{"Content-Type", "text/plain"}}, own);
  if (stream_.write(head + body, Deadline::after(context_.options.write_timeout), {})) linger();
}

void ServerConnection::linger() {
  stream_.end_writing();
  const Deadline deadline = Deadline::after(kLinger);
  std::array<char, kRequestReadSize> dropped{};
  for (ByteCount total = 0; total < kLingerBytes;) {
    const auto got = stream_.read_some(dropped, deadline, context_.server_stop);
    if (!got || *got == 0) return;
    total += *got;
  }
}

ServerRequest ServerConnection::make_request(RequestParser& parser) {
  ServerRequest request;
  request.method = parser.method();
  request.target = without_authority(parser.target());
  const Cut parts = lateen::cut(request.target, "?");
  request.path = parts.before;
  // What cannot be unescaped is no parameter that any handler asks for; the target still shows it.
  if (auto query = QueryValues::parse(parts.after)) request.query = std::move(*query);
  request.headers = parser.headers();
  request.body = parser.take_body();
  request.peer_address = peer_address_;
  request.secure = stream_.secure();
  request.identity = identity_;
  request.certificate_error = certificate_error_;
  return request;
}

// Whether the connection can go on.
bool ServerConnection::serve(RequestParser& parser) {
  const bool keep_alive = parser.keep_alive() && !quit_.stop_requested();
  ConnectionExchange exchange({.options = context_.options,
                               .stream = stream_,
                               .peers = context_.peers,
                               .server_stop = context_.server_stop,
                               .input = input_,
                               .http_1_0 = parser.is_http_1_0(),
                               .keep_alive = keep_alive},
                              make_request(parser));
  try {
    context_.handler.serve(exchange);
  } catch (const std::exception& e) {
    context_.options.log.error("Handler ended by an exception",
                               {{"method", exchange.request().method},
                                {"path", exchange.request().path},
                                {"error", e.what()}});
  }
  if (!exchange.begun()) {
    const Status told = exchange.respond({.status = 500, .body = "no answer was given\n"});
    if (!told) return false;
  }
  return exchange.reusable();
}

}  // namespace lateen::net
