#include "net/http_parser.h"

// No io_context is ever made here, but Asio's headers come along; separate compilation keeps their
// bodies out.
#define BOOST_ASIO_SEPARATE_COMPILATION
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/text.h"

namespace lateen::net {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::beast::error_code;

namespace {

std::string_view to_view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

template <typename Fields>
Headers to_headers(const Fields& fields) {
  Headers headers;
  for (const auto& field : fields) {
    headers.add(to_view(field.name_string()), to_view(field.value()));
  }
  return headers;
}

int status_for(const error_code& error) {
  if (error == http::error::header_limit) return 431;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::bad_version) return 505;
  return 400;
}

}  // namespace

struct RequestParser::State {
  http::request_parser<http::string_body> parser;
};

RequestParser::RequestParser(ParserLimits limits) : state_(std::make_unique<State>()) {
  state_->parser.header_limit(static_cast<std::uint32_t>(limits.header));
  state_->parser.body_limit(limits.body);
  // One call takes as much as there is.
  state_->parser.eager(true);
}

RequestParser::~RequestParser() = default;

Result<std::size_t> RequestParser::put(BytesView bytes) {
  error_code error;
  std::size_t taken = 0;
  try {
    taken = state_->parser.put(asio::const_buffer(bytes.data(), bytes.size()), error);
  } catch (const std::exception& e) {
    error_status_ = 500;
    return Error(Code::Internal, "reading a request: {}", e.what());
  }
  if (error && error != http::error::need_more) {
    error_status_ = status_for(error);
    return Error(Code::InvalidArgument, "not a request that we take: {}", error.message());
  }
  collect_headers();
  return taken;
}

void RequestParser::collect_headers() {
  if (collected_ || !header_done()) return;
  headers_ = to_headers(state_->parser.get());
  collected_ = true;
}

bool RequestParser::header_done() const {
  return state_->parser.is_header_done();
}

bool RequestParser::done() const {
  return state_->parser.is_done();
}

std::string RequestParser::method() const {
  return std::string(to_view(state_->parser.get().method_string()));
}

std::string RequestParser::target() const {
  return std::string(to_view(state_->parser.get().target()));
}

bool RequestParser::keep_alive() const {
  return state_->parser.keep_alive();
}

bool RequestParser::is_http_1_0() const {
  return state_->parser.get().version() < 11;
}

bool RequestParser::expects_continue() const {
  return equals_ignoring_case(headers_.get("Expect"), "100-continue");
}

Bytes RequestParser::take_body() {
  return std::move(state_->parser.get().body());
}

Result<std::optional<ResponseHead>> parse_response_head(BytesView bytes) {
  try {
    http::response_parser<http::empty_body> parser;
    parser.skip(true);  // what follows the head is not ours to read
    error_code error;
    const std::size_t taken = parser.put(asio::const_buffer(bytes.data(), bytes.size()), error);
    if (error == http::error::need_more && !parser.is_header_done()) {
      return std::optional<ResponseHead>();
    }
    if (error && error != http::error::need_more) {
      return Error(Code::Unavailable, "the peer does not speak HTTP: {}", error.message());
    }
    return std::optional<ResponseHead>({.status = static_cast<int>(parser.get().result_int()),
                                        .headers = to_headers(parser.get()),
                                        .length = taken});
  } catch (const std::exception& e) {
    return Error(Code::Unavailable, "the peer does not speak HTTP: {}", e.what());
  }
}

}  // namespace lateen::net
