#include "server/downloads.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/encoding.h"
#include "base/text.h"
#include "net/url.h"
#include "objects/signed_path.h"
#include "server/listen.h"

namespace lateen::server {
namespace {

// The status for a person with a browser or curl: the message says the rest.
int http_status(const Error& error) {
  if (error.is(Code::NotFound)) return 404;
  if (error.is(Code::Forbidden)) return 403;
  if (error.is(Code::InvalidArgument)) return 400;
  return 500;
}

struct ByteRange {
  ByteCount first = 0;
  ByteCount last = 0;
};

// "bytes=100-199". Nothing for any other kind of range: the answer is then the whole file, as HTTP
// has it.
std::optional<ByteRange> range_of(std::string_view header) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return std::nullopt;
  const Cut ends = cut(header.substr(kUnit.size()), "-");
  ByteRange range;
  const auto read = [](std::string_view text, ByteCount& number) {
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
    return wrong == std::errc() && end == text.data() + text.size();
  };
  if (!read(ends.before, range.first) || !read(ends.after, range.last)) return std::nullopt;
  return range.first <= range.last ? std::optional(range) : std::nullopt;
}

net::Headers file_headers() {
  net::Headers headers;
  headers.set("Content-Type", "application/octet-stream");
  return headers;
}

Status send_range(net::ServerExchange& exchange,
                  objects::ObjectStore& store,
                  const std::string& key,
                  ByteRange range) {
  const objects::ObjectInfo file = TRY(store.head(key, exchange.stop()));
  net::Headers headers = file_headers();
  if (range.first >= file.size) {
    headers.set("Content-Range", fmt::format("bytes */{}", file.size));
    return exchange.respond({.status = 416, .headers = std::move(headers)});
  }
  const ByteCount end = std::min(range.last + 1, file.size);
  headers.set("Content-Range", fmt::format("bytes {}-{}/{}", range.first, end - 1, file.size));
  TRY(exchange.begin_stream(206, std::move(headers)));
  for (ByteCount at = range.first; at < end;) {
    const ByteCount piece = std::min<ByteCount>(1_MiB, end - at);
    const Bytes bytes = TRY(store.get_range(key, at, piece, exchange.stop()));
    if (bytes.empty()) return Error(Code::Io, "{} became shorter while it was sent", key);
    TRY(exchange.write(bytes));
    at += bytes.size();
  }
  return exchange.finish();
}

Secret make_key(Rng& rng) {
  std::array<std::byte, 32> bytes{};
  rng.fill(bytes);
  return Secret(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace

DownloadServer::DownloadServer(Private, const ServerContext& context, Secret key)
    : context_(context), key_(std::move(key)) {}

DownloadServer::~DownloadServer() {
  if (server_) server_->stop();
}

Result<std::unique_ptr<DownloadServer>> DownloadServer::start(const ServerContext& context) {
  auto downloads = std::make_unique<DownloadServer>(Private(), context, make_key(context.rng));
  const ListenAddress address =
      TRY(parse_listen_address(context.config.download_address).wrap("flag --download-address"));
  net::HttpServerOptions options;
  options.address = address.host;
  options.port = address.port;
  options.log = context.log;
  downloads->server_ = TRY(net::HttpServer::start(options, *downloads));
  downloads->base_url_ =
      context.config.download_url.empty() ? downloads->server_->url() : context.config.download_url;
  return downloads;
}

std::string DownloadServer::link(std::string_view location,
                                 model::DownloadTargetKind kind,
                                 std::string_view name,
                                 Duration ttl) const {
  return base_url_ + signed_path(location, kind, name, ttl);
}

std::string DownloadServer::local_link(std::string_view location,
                                       model::DownloadTargetKind kind,
                                       std::string_view name,
                                       Duration ttl) const {
  return server_->url() + signed_path(location, kind, name, ttl);
}

std::string DownloadServer::signed_path(std::string_view location,
                                        model::DownloadTargetKind kind,
                                        std::string_view name,
                                        Duration ttl) const {
  const std::string path = fmt::format("/{}/{}/{}", percent_encode(location),
                                       model::to_string(kind), percent_encode(name));
  return objects::sign_path(path, context_.clock.now() + ttl, key_);
}

void DownloadServer::serve(net::ServerExchange& exchange) {
  const Status answered = answer(exchange);
  if (answered) return;
  net::HttpResponse refusal;
  refusal.status = http_status(answered.error());
  refusal.body = answered.error().message() + "\n";
  // The peer may have gone, or have been cut in the middle of a file: there is nobody left to tell.
  (void)exchange.respond(std::move(refusal));
}

Status DownloadServer::answer(net::ServerExchange& exchange) {
  const std::string& method = exchange.request().method;
  if (method != "GET") {
    return Error(Code::InvalidArgument, "only GET is served here, not {}", method);
  }
  const std::string path =
      TRY(objects::verify_path(exchange.request().target, context_.clock.now(), key_));
  const std::vector<std::string_view> parts = split(path, '/');
  if (parts.size() != 4) return Error(Code::NotFound, "no such document");
  const std::string location = TRY(percent_decode(parts[1]));
  const auto kind = model::parse_enum<model::DownloadTargetKind>(parts[2]);
  const std::string name = TRY(percent_decode(parts[3]));
  auto store = TRY(open_store(context_, location, exchange.stop()));
  const std::string key = TRY(store->layout().download_target(kind, name));
  if (const auto range = range_of(exchange.request().headers.get("Range"))) {
    return send_range(exchange, store->objects(), key, *range);
  }
  auto reader = TRY(store->objects().open_read(key, exchange.stop()));
  TRY(exchange.begin_stream(200, file_headers()));
  std::vector<char> room(256 * 1024);
  while (const std::size_t n = TRY(reader->read(room))) {
    TRY(exchange.write(BytesView(room.data(), n)));
  }
  return exchange.finish();
}

}  // namespace lateen::server
