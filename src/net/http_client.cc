#include "net/http_client.h"

#include <algorithm>
#include <thread>
#include <unordered_set>
#include <vector>

#include <signal.h>

#include "base/thread.h"
#include "net/curl_handles.h"
#include "net/transfer.h"

namespace lateen::net {

namespace {

constexpr std::size_t kUploadChunk = 512_KiB;

// OpenSSL writes to sockets that the peer may have closed. In our own thread nobody else minds.
void block_sigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace

// Drives all transfers of one client on one thread: only that thread touches the multi handle and,
// while a transfer is attached, its easy handle. Thread-safe.
class HttpClient::Loop {
 public:
  Loop(HttpClientOptions options, CurlMulti multi)
      : options_(std::move(options)), multi_(std::move(multi)) {
    const auto bound = static_cast<long>(options_.max_connections);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAX_TOTAL_CONNECTIONS, bound);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, bound);
    curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  ~Loop() {
    thread_.request_stop();
    wake();
  }

  const HttpClientOptions& options() const { return options_; }

  void add(Transfer& transfer) { post({Order::Add, &transfer}); }

  void go_on(Transfer& transfer) { post({Order::GoOn, &transfer}); }

  // Afterwards the transfer is the caller's alone. It must have been added.
  void remove(Transfer& transfer) {
    post({Order::Remove, &transfer});
    transfer.wait_until_let_go();
  }

 private:
  struct Order {
    enum Kind { Add, GoOn, Remove } kind;

    Transfer* transfer;
  };

  void post(Order order) {
    {
      const Lock lock(mu_);
      orders_.push_back(order);
    }
    wake();
  }

  void wake() { curl_multi_wakeup(multi_.get()); }

  void run(const std::stop_token& stop) {
    block_sigpipe();
    while (!stop.stop_requested()) {
      obey();
      int running = 0;
      curl_multi_perform(multi_.get(), &running);
      collect();
      // It is woken for each order; the bound only limits what a lost wake-up could cost.
      constexpr int kAtMostMilliseconds = 1000;
      curl_multi_poll(multi_.get(), nullptr, 0, kAtMostMilliseconds, nullptr);
    }
    obey();
    while (!attached_.empty()) {
      Transfer& transfer = **attached_.begin();
      take_off(transfer);
      transfer.finish(CURLE_ABORTED_BY_CALLBACK);
    }
  }

  void obey() {
    std::vector<Order> orders;
    {
      const Lock lock(mu_);
      orders.swap(orders_);
    }
    for (const Order& order : orders) {
      Transfer& transfer = *order.transfer;
      switch (order.kind) {
        case Order::Add:
          attach(transfer);
          break;
        case Order::GoOn:
          if (is_attached(transfer)) curl_easy_pause(transfer.easy(), CURLPAUSE_CONT);
          break;
        case Order::Remove:
          if (is_attached(transfer)) take_off(transfer);
          transfer.let_go();
          break;
      }
    }
  }

  void attach(Transfer& transfer) {
    curl_easy_setopt(transfer.easy(), CURLOPT_PRIVATE, static_cast<void*>(&transfer));
    if (curl_multi_add_handle(multi_.get(), transfer.easy()) != CURLM_OK) {
      transfer.finish(CURLE_FAILED_INIT);
      return;
    }
    attached_.insert(&transfer);
  }

  bool is_attached(Transfer& transfer) const { return attached_.contains(&transfer); }

  void take_off(Transfer& transfer) {
    curl_multi_remove_handle(multi_.get(), transfer.easy());
    attached_.erase(&transfer);
  }

  void collect() {
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;  // the message dies with the handle's removal
      void* data = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &data);
      auto& transfer = *static_cast<Transfer*>(data);
      take_off(transfer);
      transfer.finish(code);
    }
  }

  const HttpClientOptions options_;
  const CurlMulti multi_;
  std::unordered_set<Transfer*> attached_;  // the thread's own

  Mutex mu_;
  std::vector<Order> orders_ LATEEN_GUARDED_BY(mu_);

  std::jthread thread_;  // last: it uses all of the above
};

namespace {

// Takes a transfer off its loop when its user goes.
template <typename Loop>
class Attached {
 public:
  Attached(Loop& loop, std::unique_ptr<Transfer> transfer)
      : loop_(loop), transfer_(std::move(transfer)) {
    loop_.add(*transfer_);
  }

  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;

  ~Attached() {
    // A finished transfer has left the loop by itself, unless an order about it may still lie
    // there.
    if (!ordered_ && transfer_->finished()) return;
    loop_.remove(*transfer_);
  }

  Transfer* operator->() const { return transfer_.get(); }

  void go_on() {
    ordered_ = true;
    loop_.go_on(*transfer_);
  }

 private:
  Loop& loop_;
  const std::unique_ptr<Transfer> transfer_;
  bool ordered_ = false;
};

// What is left of an upload's source.
struct Remaining {
  UploadSource& source;
  std::uint64_t bytes;
};

Result<Bytes> next_chunk(Remaining& left) {
  Bytes chunk(static_cast<std::size_t>(std::min<std::uint64_t>(left.bytes, kUploadChunk)), '\0');
  const std::size_t count = TRY(left.source.read(chunk));
  if (count == 0) {
    return Error(Code::InvalidArgument, "the body to send ends {} bytes before its length",
                 left.bytes);
  }
  chunk.resize(count);
  left.bytes -= count;
  return chunk;
}

// Feeds the source to the transfer until there is an answer.
template <typename Handle>
Status pump(Handle& transfer,
            UploadSource& source,
            const Transfer::Limits& limits,
            const std::stop_token& stop) {
  Remaining left{.source = source, .bytes = source.length()};
  for (;;) {
    const auto progress = TRY(transfer->wait_for_progress(left.bytes > 0, limits, stop));
    if (progress == Transfer::Upload::Finished) return {};
    if (progress == Transfer::Upload::WantsRewind) {
      TRY(source.rewind());
      left.bytes = source.length();
      transfer->begin_upload_again();
      continue;
    }
    Bytes chunk = TRY(next_chunk(left));
    if (transfer->give_upload(chunk)) transfer.go_on();
  }
}

}  // namespace

class HttpClient::Stream final : public HttpStream {
 public:
  Stream(Loop& loop, std::unique_ptr<Transfer> transfer) : transfer_(loop, std::move(transfer)) {}

  Status begin(Deadline deadline, std::stop_token stop) {
    TRY(transfer_->wait_for_headers(deadline, std::move(stop)));
    status_ = transfer_->status();
    headers_ = transfer_->take_headers();
    return {};
  }

  int status() const override { return status_; }

  const Headers& headers() const override { return headers_; }

  Result<std::optional<Bytes>> read(Deadline deadline, std::stop_token stop) override {
    for (;;) {
      TRY(transfer_->wait_for_bytes(deadline, stop));
      Transfer::Taken taken = TRY(transfer_->take_bytes());
      if (taken.was_paused) transfer_.go_on();
      if (!taken.bytes.empty()) return std::optional<Bytes>(std::move(taken.bytes));
      if (taken.at_end) return std::optional<Bytes>();
    }
  }

 private:
  Attached<Loop> transfer_;
  int status_ = 0;
  Headers headers_;
};

HttpClient::HttpClient(Private /*tag*/, std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>> HttpClient::open(HttpClientOptions options) {
  TRY(init_curl());
  CurlMulti multi(curl_multi_init());
  if (!multi) return Error(Code::Internal, "libcurl has no memory");
  auto loop = std::make_unique<Loop>(std::move(options), std::move(multi));
  return std::make_unique<HttpClient>(Private(), std::move(loop));
}

Result<HttpResponse> HttpClient::send(const HttpRequest& request, std::stop_token stop) {
  auto created = TRY(Transfer::create(request, loop_->options(), Transfer::Mode::Whole));
  Attached<Loop> transfer(*loop_, std::move(created));
  const Transfer::Limits limits{.deadline = request.deadline,
                                .stall = loop_->options().stall_timeout};
  if (request.source != nullptr) {
    TRY(pump(transfer, *request.source, limits, stop));
  } else {
    TRY(transfer->wait_for_progress(false, limits, stop));
  }
  return transfer->take_response();
}

Result<std::unique_ptr<HttpStream>> HttpClient::open_stream(const HttpRequest& request,
                                                            std::stop_token stop) {
  if (request.source != nullptr) {
    return Error(Code::Unsupported, "a streamed answer to a streamed body");
  }
  auto transfer = TRY(Transfer::create(request, loop_->options(), Transfer::Mode::Stream));
  auto stream = std::make_unique<Stream>(*loop_, std::move(transfer));
  TRY(stream->begin(request.deadline, std::move(stop)));
  return std::unique_ptr<HttpStream>(std::move(stream));
}

}  // namespace lateen::net
