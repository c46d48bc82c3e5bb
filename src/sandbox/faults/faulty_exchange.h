// An exchange on a bad day: passes on what its inner one does, until it is time to fail.
#pragma once

#include <functional>
#include <optional>

#include "net/http_server.h"
#include "sandbox/faults/fault.h"

namespace lateen::sandbox {

struct ExchangePlan {
  // The answer's fate: lost whole (After) or half way (During).
  std::optional<ResetTime> cut = {};

  // ---- Of a watch.
  std::optional<std::uint64_t> events = {};           // it ends before the next one
  bool gone = false;                                  // and says 410 then; else it is cut
  std::optional<std::chrono::seconds> lifetime = {};  // it is cut then
};

// One request's. Not thread-safe, but `drop` may be requested by any thread: it cuts a watch.
class FaultyExchange final : public net::ServerExchange {
 public:
  FaultyExchange(net::ServerExchange& inner, ExchangePlan plan, std::stop_source drop);

  const net::ServerRequest& request() const override {
    return changed_ ? *changed_ : inner_.request();
  }

  Bytes take_body() override { return inner_.take_body(); }

  std::stop_token stop() override { return drop_.get_token(); }

  Status respond(net::HttpResponse response) override;
  Status begin_stream(int status, net::Headers headers) override;
  Status write(BytesView bytes) override;
  Status finish() override;

  bool is_websocket_upgrade() const override { return inner_.is_websocket_upgrade(); }

  std::vector<std::string> offered_protocols() const override { return inner_.offered_protocols(); }

  Result<net::WebSocket*> accept_websocket(const std::string& protocol) override {
    return inner_.accept_websocket(protocol);
  }

  Result<net::ByteStream*> take_over(const net::Headers& headers) override {
    return inner_.take_over(headers);
  }

  void abort() override { inner_.abort(); }

 private:
  Status cut();
  Status end_events(BytesView before);

  net::ServerExchange& inner_;
  const ExchangePlan plan_;
  std::optional<net::ServerRequest> changed_;
  std::uint64_t written_ = 0;  // events
  bool ended_ = false;
  std::stop_source drop_;
  std::stop_callback<std::function<void()>> on_inner_stop_;
};

}  // namespace lateen::sandbox
