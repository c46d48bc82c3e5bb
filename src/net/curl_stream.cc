#include "net/curl_stream.h"

#include <array>
#include <functional>

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "net/socket_wait.h"

namespace lateen::net {

namespace {

// OpenSSL writes to a socket that the peer may have closed. While this lives, the thread does not
// hear of it by SIGPIPE.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }

  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

  ~WithoutSigpipe() {
    constexpr timespec kNow{};
    if (!was_pending_) sigtimedwait(&pipe_, nullptr, &kNow);  // takes what we caused
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

struct Connected {
  CURLcode code = CURLE_OK;
  bool done = false;
};

Connected look_for_end(CURLM* multi) {
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE) return {.code = message->data.result, .done = true};
  }
  return {};
}

// Drives the multi handle until the connection is there.
Result<CURLcode> drive(CURLM* multi, Deadline deadline, const std::stop_token& stop) {
  const std::stop_callback wake(stop, [multi] { curl_multi_wakeup(multi); });
  const WithoutSigpipe guard;
  for (;;) {
    int running = 0;
    curl_multi_perform(multi, &running);
    if (const Connected end = look_for_end(multi); end.done) return end.code;
    if (stop.stop_requested()) return Error(Code::Canceled, "connecting: stopped");
    if (deadline.expired()) return Error(Code::DeadlineExceeded, "connecting: no answer in time");
    constexpr auto kLongest = std::chrono::milliseconds(1000);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining());
    const auto wait = std::min(left, kLongest);
    curl_multi_poll(multi, nullptr, 0, static_cast<int>(wait.count()), nullptr);
  }
}

}  // namespace

Result<std::unique_ptr<CurlStream>> CurlStream::connect(const Url& url,
                                                        const TlsOptions& tls,
                                                        const std::string& proxy_url,
                                                        Deadline deadline,
                                                        std::stop_token stop) {
  TRY(init_curl());
  constexpr auto kConnectTimeout = std::chrono::seconds(30);
  std::array<char, CURL_ERROR_SIZE> detail{};  // outlives the handle that writes to it
  Parts parts{.tls = std::make_unique<TlsOptions>(tls),
              .connect_to = nullptr,
              .multi = CurlMulti(curl_multi_init()),
              .easy = CurlEasy(curl_easy_init())};
  LATEEN_ASSERT(parts.multi && parts.easy, "there is memory for a connection");
  CURL* const easy = parts.easy.get();
  set_option(easy, CURLOPT_ERRORBUFFER, detail.data());
  set_option(easy, CURLOPT_CONNECT_ONLY, 1L);
  set_option(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);  // what we send is not for a proxy to read
  parts.connect_to = TRY(set_connection(
      easy,
      {.url = url, .tls = *parts.tls, .proxy_url = proxy_url, .connect_timeout = kConnectTimeout}));
  curl_multi_add_handle(parts.multi.get(), easy);
  const CURLcode code = TRY(drive(parts.multi.get(), deadline, stop));
  if (code != CURLE_OK) {
    return error_of({.code = code,
                     .detail = detail.data(),
                     .os_error = os_error_of(easy),
                     .host = url.authority(),
                     .repeatable = true});
  }
  set_option(easy, CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));  // the buffer ends here
  curl_socket_t fd = CURL_SOCKET_BAD;
  curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
  if (fd == CURL_SOCKET_BAD) {
    return Error(Code::Unavailable, "{}: the connection ended at once", url.authority());
  }
  parts.fd = fd;
  return std::make_unique<CurlStream>(std::move(parts));
}

CurlStream::~CurlStream() {
  const WithoutSigpipe guard;  // a TLS connection says good-bye
  curl_multi_remove_handle(parts_.multi.get(), parts_.easy.get());
}

Result<std::size_t> CurlStream::read_some(std::span<char> into,
                                          Deadline deadline,
                                          std::stop_token stop) {
  for (;;) {
    std::size_t got = 0;
    CURLcode code = CURLE_OK;
    {
      const Lock lock(mu_);
      const WithoutSigpipe guard;
      code = curl_easy_recv(parts_.easy.get(), into.data(), into.size(), &got);
    }
    if (code == CURLE_OK) return got;
    if (code != CURLE_AGAIN) {
      return Error(Code::Unavailable, "reading: {}", curl_easy_strerror(code));
    }
    TRY(wait_for_socket(parts_.fd, POLLIN, deadline, stop));
  }
}

Status CurlStream::write(BytesView bytes, Deadline deadline, std::stop_token stop) {
  while (!bytes.empty()) {
    std::size_t sent = 0;
    CURLcode code = CURLE_OK;
    {
      const Lock lock(mu_);
      const WithoutSigpipe guard;
      code = curl_easy_send(parts_.easy.get(), bytes.data(), bytes.size(), &sent);
    }
    if (code != CURLE_OK && code != CURLE_AGAIN) {
      return Error(Code::Unavailable, "writing: {}", curl_easy_strerror(code));
    }
    bytes.remove_prefix(sent);
    if (code == CURLE_AGAIN) TRY(wait_for_socket(parts_.fd, POLLOUT, deadline, stop));
  }
  return {};
}

void CurlStream::shutdown() {
  ::shutdown(parts_.fd, SHUT_RDWR);
}

}  // namespace lateen::net
