#include "net/transfer.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/text.h"

namespace lateen::net {

namespace {

// Behind an answer: readers of JSON want some bytes to follow the text, and would have to copy it.
constexpr std::size_t kSpare = 64;

constexpr long kReceiveBuffer = 128 * 1024;
constexpr long kUploadBuffer = 512 * 1024;  // 64 KiB, the default, halves what a PUT reaches

// What the peer says that will come, as a hint for reserving; 0 if it does not say.
std::size_t announced_length(const Headers& headers) {
  const auto length = parse_int(headers.get("Content-Length"));
  return length && *length > 0 ? static_cast<std::size_t>(*length) : 0;
}

bool has_body(const HttpRequest& request) {
  return !request.body.empty() || request.source != nullptr || request.method == "PUT" ||
         request.method == "POST" || request.method == "PATCH";
}

bool is_method(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

// "HTTP/1.1 200 OK", "HTTP/2 200": the number; 0 if it is none.
int status_of(std::string_view line) {
  const Cut words = cut(line, " ");
  int status = 0;
  std::from_chars(words.after.data(), words.after.data() + words.after.size(), status);
  return status;
}

}  // namespace

Result<std::unique_ptr<Transfer>> Transfer::create(const HttpRequest& request,
                                                   const HttpClientOptions& options,
                                                   Mode mode) {
  auto transfer = std::make_unique<Transfer>(Private());
  transfer->mode_ = mode;
  TRY(transfer->configure(request, options));
  return transfer;
}

Status Transfer::configure(const HttpRequest& request, const HttpClientOptions& options) {
  method_ = request.method;
  shown_url_ = redact_url(request.url);
  if (!is_method(method_)) {
    return Error(Code::InvalidArgument, "{} is not an HTTP method", quote_go(method_));
  }
  const Url url = TRY(Url::parse(request.url).wrap("{} {}", method_, shown_url_));
  host_ = url.authority();
  max_response_ = request.max_response;
  unpacks_ = request.accept_gzip;

  easy_.reset(curl_easy_init());
  LATEEN_ASSERT(easy_ != nullptr, "there is memory for a transfer");
  set_option(easy(), CURLOPT_ERRORBUFFER, detail_.data());
  connect_to_ = TRY(set_connection(
      easy(), {.url = url,
               .tls = options.tls,
               .proxy_url = options.proxy_url,
               .connect_timeout = options.connect_timeout,
               .http_version = options.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1}));
  // A request waits for the first connection to say whether it can be shared, instead of opening
  // its own.
  if (options.http2) set_option(easy(), CURLOPT_PIPEWAIT, 1L);
  set_option(easy(), CURLOPT_USERAGENT, options.user_agent.c_str());
  set_option(easy(), CURLOPT_BUFFERSIZE, kReceiveBuffer);
  if (unpacks_) set_option(easy(), CURLOPT_ACCEPT_ENCODING, "gzip");

  Headers headers = request.headers;
  if (const std::string host = host_header_of(url, options.tls); !host.empty()) {
    headers.set_default("Host", host);
  }
  header_list_ = TRY(make_header_list(headers, {"Expect:"}).wrap("{} {}", method_, shown_url_));
  set_option(easy(), CURLOPT_HTTPHEADER, header_list_.get());
  configure_upload(request);
  configure_callbacks();
  const Lock lock(mu_);
  last_byte_ = monotonic_now();
  return {};
}

void Transfer::configure_upload(const HttpRequest& request) {
  if (request.method == "HEAD") {
    set_option(easy(), CURLOPT_NOBODY, 1L);
    return;
  }
  if (has_body(request)) {
    has_source_ = request.source != nullptr;
    if (mode_ == Mode::Stream) own_body_ = request.body;
    body_ = mode_ == Mode::Stream ? own_body_ : request.body;
    const std::uint64_t length = has_source_ ? request.source->length() : body_.size();
    set_option(easy(), CURLOPT_UPLOAD, 1L);
    set_option(easy(), CURLOPT_UPLOAD_BUFFERSIZE, kUploadBuffer);
    set_option(easy(), CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(length));
  }
  set_option(easy(), CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void Transfer::configure_callbacks() {
  using Data = void*;
  set_option(easy(), CURLOPT_HEADERDATA, static_cast<Data>(this));
  set_option(
      easy(), CURLOPT_HEADERFUNCTION,
      +[](char* bytes, std::size_t size, std::size_t count, Data self) -> std::size_t {
        return static_cast<Transfer*>(self)->on_header({bytes, size * count});
      });
  set_option(easy(), CURLOPT_WRITEDATA, static_cast<Data>(this));
  set_option(
      easy(), CURLOPT_WRITEFUNCTION,
      +[](char* bytes, std::size_t size, std::size_t count, Data self) -> std::size_t {
        return static_cast<Transfer*>(self)->on_body({bytes, size * count});
      });
  set_option(easy(), CURLOPT_READDATA, static_cast<Data>(this));
  set_option(
      easy(), CURLOPT_READFUNCTION,
      +[](char* into, std::size_t size, std::size_t count, Data self) -> std::size_t {
        return static_cast<Transfer*>(self)->on_send(into, size * count);
      });
  set_option(easy(), CURLOPT_SEEKDATA, static_cast<Data>(this));
  set_option(
      easy(), CURLOPT_SEEKFUNCTION, +[](Data self, curl_off_t offset, int origin) -> int {
        if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
        return static_cast<Transfer*>(self)->on_seek(offset);
      });
}

// ---- The driving thread.

std::size_t Transfer::on_header(std::string_view line) {
  const Lock lock(mu_);
  last_byte_ = monotonic_now();
  const std::string_view text = trim(line);
  if (headers_done_) return line.size();  // trailers
  if (text.starts_with("HTTP/")) {
    headers_.clear();
    status_ = status_of(text);
  } else if (text.empty()) {
    headers_done_ = status_ >= 200;  // 1xx: another answer follows
    if (headers_done_) changed_.notify_all();
  } else {
    const Cut field = cut(text, ":");
    headers_.add(trim(field.before), trim(field.after));
  }
  return line.size();
}

std::size_t Transfer::on_body(std::string_view bytes) {
  const Lock lock(mu_);
  last_byte_ = monotonic_now();
  if (mode_ == Mode::Stream) {
    if (received_.size() >= kMaxBuffered) {
      receive_paused_ = true;
      return CURL_WRITEFUNC_PAUSE;
    }
    received_.append(bytes);
    changed_.notify_all();
    return bytes.size();
  }
  if (bytes.size() > max_response_ - received_.size()) {
    too_large_ = true;
    return CURL_WRITEFUNC_ERROR;
  }
  if (received_.empty()) {
    received_.reserve(std::min<std::size_t>(announced_length(headers_), max_response_) + kSpare);
  }
  received_.append(bytes);
  return bytes.size();
}

std::size_t Transfer::on_send(char* into, std::size_t size) {
  const Lock lock(mu_);
  last_byte_ = monotonic_now();
  const BytesView from = has_source_ ? BytesView(chunk_) : body_;
  const std::size_t count = std::min(size, from.size() - sent_);
  if (count == 0 && has_source_) {
    send_paused_ = true;
    changed_.notify_all();
    return CURL_READFUNC_PAUSE;
  }
  std::memcpy(into, from.data() + sent_, count);
  sent_ += count;
  if (sent_ == from.size()) changed_.notify_all();
  return count;
}

int Transfer::on_seek(curl_off_t offset) {
  const Lock lock(mu_);
  if (offset != 0) return CURL_SEEKFUNC_CANTSEEK;
  sent_ = 0;
  if (has_source_) {
    chunk_.clear();
    rewind_wanted_ = true;
    changed_.notify_all();
  }
  return CURL_SEEKFUNC_OK;
}

void Transfer::finish(CURLcode code) {
  const Lock lock(mu_);
  // A connection that ends among the headers ends well to libcurl.
  const bool cut_short = code == CURLE_OK && !headers_done_;
  result_ = cut_short ? CURLE_PARTIAL_FILE : code;
  changed_.notify_all();
}

void Transfer::let_go() {
  const Lock lock(mu_);
  let_go_ = true;
  changed_.notify_all();
}

// ---- The asking thread.

void Transfer::wait_until_let_go() {
  const Lock lock(mu_);
  // Without an end: the driving thread never blocks on anything but its poll, which we have woken.
  changed_.wait(mu_, Deadline::never(), {},
                [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return let_go_; });
}

Error Transfer::not_waited(Deadline deadline, const std::stop_token& stop) const {
  if (stop.stop_requested()) return Error(Code::Canceled, "{} {}: stopped", method_, shown_url_);
  LATEEN_ASSERT(deadline.expired(), "a wait ends by its stop or its deadline");
  return Error(Code::DeadlineExceeded, "{} {}: no answer in time", method_, shown_url_)
      .with_retryable(false);
}

template <typename Ready>
Status Transfer::wait(Deadline deadline, const std::stop_token& stop, Ready ready) {
  if (changed_.wait(mu_, deadline, stop, ready)) return {};
  return not_waited(deadline, stop);
}

Error Transfer::failure() const {
  if (too_large_) {
    return Error(Code::Io, "{} {}: the answer is larger than the {} bytes that are taken", method_,
                 shown_url_, max_response_);
  }
  return error_of({.code = *result_,
                   .detail = detail_.data(),
                   .os_error = os_error_of(easy()),
                   .host = host_,
                   .repeatable = is_idempotent(method_)})
      .wrap("{} {}", method_, shown_url_);
}

Status Transfer::wait_for_headers(Deadline deadline, std::stop_token stop) {
  const Lock lock(mu_);
  TRY(wait(deadline, stop, [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
    return headers_done_ || result_.has_value();
  }));
  if (!headers_done_) return failure();
  return {};
}

Status Transfer::wait_for_bytes(Deadline deadline, std::stop_token stop) {
  const Lock lock(mu_);
  return wait(deadline, stop, [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
    return !received_.empty() || result_.has_value();
  });
}

Result<Transfer::Upload> Transfer::wait_for_progress(bool more_to_send,
                                                     const Limits& limits,
                                                     std::stop_token stop) {
  const Lock lock(mu_);
  const auto ready = [this, more_to_send]() LATEEN_NO_THREAD_SAFETY_ANALYSIS {
    return result_ || rewind_wanted_ || (more_to_send && sent_ == chunk_.size());
  };
  for (;;) {
    Deadline until = limits.deadline;
    if (limits.stall) {
      const Duration quiet = monotonic_now() - last_byte_;
      until = until.earlier_of(Deadline::after(*limits.stall - quiet));
    }
    if (changed_.wait(mu_, until, stop, ready)) break;
    if (stop.stop_requested() || limits.deadline.expired()) {
      return not_waited(limits.deadline, stop);
    }
    if (monotonic_now() - last_byte_ >= *limits.stall) {
      return Error(Code::Unavailable, "{} {}: nothing has moved for {} s", method_, shown_url_,
                   std::chrono::floor<std::chrono::seconds>(*limits.stall).count())
          .with_retryable(is_idempotent(method_));
    }
  }
  if (result_) return Upload::Finished;
  return rewind_wanted_ ? Upload::WantsRewind : Upload::WantsMore;
}

bool Transfer::give_upload(Bytes& chunk) {
  const Lock lock(mu_);
  last_byte_ = monotonic_now();
  if (rewind_wanted_) return false;  // what is in hand belongs to the time before
  chunk_.swap(chunk);
  sent_ = 0;
  return std::exchange(send_paused_, false);
}

void Transfer::begin_upload_again() {
  const Lock lock(mu_);
  rewind_wanted_ = false;
}

Result<Transfer::Taken> Transfer::take_bytes() {
  const Lock lock(mu_);
  if (received_.empty() && result_ && *result_ != CURLE_OK) return failure();
  Taken taken{.bytes = std::move(received_),
              .at_end = result_.has_value(),
              .was_paused = std::exchange(receive_paused_, false)};
  received_.clear();
  return taken;
}

Result<HttpResponse> Transfer::take_response() {
  const Lock lock(mu_);
  if (*result_ != CURLE_OK) return failure();
  HttpResponse response{.status = status_, .headers = std::move(headers_)};
  response.body = std::move(received_);
  if (unpacks_ && response.headers.contains("Content-Encoding")) {
    response.headers.remove("Content-Encoding");
    response.headers.remove("Content-Length");
  }
  return response;
}

int Transfer::status() const {
  const Lock lock(mu_);
  return status_;
}

Headers Transfer::take_headers() {
  const Lock lock(mu_);
  Headers headers = std::move(headers_);
  if (unpacks_ && headers.contains("Content-Encoding")) {
    headers.remove("Content-Encoding");
    headers.remove("Content-Length");
  }
  return headers;
}

bool Transfer::finished() const {
  const Lock lock(mu_);
  return result_.has_value();
}

}  // namespace lateen::net
