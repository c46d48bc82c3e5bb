// One request on its way: what the thread that asks and the thread that drives libcurl
// (http_client.cc) share. For net/'s own sources.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/thread.h"
#include "net/curl_handles.h"
#include "net/http_client.h"

namespace lateen::net {

// Made, waited for and destroyed by the asking thread. libcurl's callbacks run on the driving one.
class Transfer {
  struct Private {
    explicit Private() = default;
  };

 public:
  enum class Mode { Whole, Stream };

  // What one stream keeps for its reader before it holds the peer back.
  static constexpr std::size_t kMaxBuffered = 1_MiB;

  // `request` must outlive the transfer only in mode Whole.
  static Result<std::unique_ptr<Transfer>> create(const HttpRequest& request,
                                                  const HttpClientOptions& options,
                                                  Mode mode);

  explicit Transfer(Private) {}

  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() = default;

  // ---- The asking thread.
  struct Limits {
    Deadline deadline;
    std::optional<Duration> stall;  // the longest time without any byte
  };

  Status wait_for_headers(Deadline deadline, std::stop_token stop);

  // Something to read, the end, or an error.
  Status wait_for_bytes(Deadline deadline, std::stop_token stop);
  enum class Upload { Finished, WantsMore, WantsRewind };
  // Until the answer is here, or the upload needs us.
  Result<Upload> wait_for_progress(bool more_to_send, const Limits& limits, std::stop_token stop);

  // The next piece of the upload: whether the driving thread must be told to go on.
  bool give_upload(Bytes& chunk);
  void begin_upload_again();

  struct Taken {
    Bytes bytes;
    bool at_end;
    bool was_paused;  // the driving thread must be told to go on
  };

  Result<Taken> take_bytes();

  // Once the transfer has finished: the answer, or why there is none.
  Result<HttpResponse> take_response();

  int status() const;
  Headers take_headers();
  bool finished() const;

  // ---- The driving thread.
  CURL* easy() const { return easy_.get(); }

  void finish(CURLcode code);

  // ---- Both: no more callbacks will come, and the asking thread may destroy it.
  void let_go();
  void wait_until_let_go();

 private:
  Status configure(const HttpRequest& request, const HttpClientOptions& options);
  void configure_upload(const HttpRequest& request);
  void configure_callbacks();
  Error failure() const LATEEN_REQUIRES(mu_);
  Error not_waited(Deadline deadline, const std::stop_token& stop) const;
  template <typename Ready>
  Status wait(Deadline deadline, const std::stop_token& stop, Ready ready) LATEEN_REQUIRES(mu_);

  std::size_t on_header(std::string_view line);
  std::size_t on_body(std::string_view bytes);
  std::size_t on_send(char* into, std::size_t size);
  int on_seek(curl_off_t offset);

  CurlEasy easy_;
  CurlList header_list_;
  CurlList connect_to_;
  std::array<char, CURL_ERROR_SIZE> detail_{};  // read once finished
  Mode mode_ = Mode::Whole;
  std::string method_;
  std::string shown_url_;  // redacted
  std::string host_;
  bool unpacks_ = false;
  ByteCount max_response_ = 0;
  BytesView body_;  // of the request
  Bytes own_body_;  // in mode Stream, where the request may go before its answer does
  bool has_source_ = false;

  mutable Mutex mu_;
  Condition changed_;
  int status_ LATEEN_GUARDED_BY(mu_) = 0;
  Headers headers_ LATEEN_GUARDED_BY(mu_);
  bool headers_done_ LATEEN_GUARDED_BY(mu_) = false;
  Bytes received_ LATEEN_GUARDED_BY(mu_);
  bool receive_paused_ LATEEN_GUARDED_BY(mu_) = false;
  bool too_large_ LATEEN_GUARDED_BY(mu_) = false;
  Bytes chunk_ LATEEN_GUARDED_BY(mu_);           // of the source
  std::size_t sent_ LATEEN_GUARDED_BY(mu_) = 0;  // of body_ or chunk_
  bool send_paused_ LATEEN_GUARDED_BY(mu_) = false;
  bool rewind_wanted_ LATEEN_GUARDED_BY(mu_) = false;
  std::optional<CURLcode> result_ LATEEN_GUARDED_BY(mu_);
  bool let_go_ LATEEN_GUARDED_BY(mu_) = false;
  std::chrono::steady_clock::time_point last_byte_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::net
