// One request and its answer on a server's connection. For net/'s own sources.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/http_server.h"
#include "net/peer_watch.h"
#include "net/socket_stream.h"

namespace lateen::net {

// A message's head up to and with its blank line. Content-Length, Transfer-Encoding and Connection
// of `headers` are left out: those are the server's.
std::string format_response_head(int status, const Headers& headers, std::string_view own_lines);

// Bytes of a stream that somebody else owns, after those that had been read already.
class LentStream final : public ByteStream {
 public:
  LentStream(ByteStream& inner, Bytes early) : inner_(inner), early_(std::move(early)) {}

  Result<std::size_t> read_some(std::span<char> into,
                                Deadline deadline,
                                std::stop_token stop) override;
  Status write(BytesView bytes, Deadline deadline, std::stop_token stop) override;

  void shutdown() override { inner_.shutdown(); }

 private:
  ByteStream& inner_;
  Bytes early_;  // the reading thread's
};

class ConnectionExchange final : public ServerExchange {
 public:
  struct Connection {
    const HttpServerOptions& options;
    SocketStream& stream;
    PeerWatch& peers;
    std::stop_token server_stop;
    Bytes& input;  // what was read past the request
    bool http_1_0 = false;
    bool keep_alive = true;
  };

  ConnectionExchange(Connection connection, ServerRequest request);
  ~ConnectionExchange() override;

  const ServerRequest& request() const override { return request_; }

  Bytes take_body() override { return std::move(request_.body); }

  std::stop_token stop() override;
  Status respond(HttpResponse response) override;
  Status begin_stream(int status, Headers headers) override;
  Status write(BytesView bytes) override;
  Status finish() override;
  bool is_websocket_upgrade() const override;
  std::vector<std::string> offered_protocols() const override;
  Result<WebSocket*> accept_websocket(const std::string& protocol) override;
  Result<ByteStream*> take_over(const Headers& headers) override;
  void abort() override;

  bool begun() const { return answer_ != Answer::None; }

  // Whether another request may follow on this connection.
  bool reusable() const { return answer_ == Answer::Complete && keep_alive_; }

 private:
  enum class Answer { None, Streaming, Complete, TakenOver, Aborted };

  Status begin(Answer answer);
  Status send(BytesView bytes);
  Status switch_protocols(const Headers& headers);
  std::string_view connection_line() const;

  Connection connection_;
  ServerRequest request_;
  Answer answer_ = Answer::None;
  bool keep_alive_;
  bool without_body_ = false;  // an answer to HEAD
  bool chunked_ = false;
  std::unique_ptr<WebSocket> websocket_;
  std::unique_ptr<LentStream> raw_;

  std::stop_source gone_;
  std::optional<PeerWatch::Id> watch_;
  std::optional<std::stop_callback<std::function<void()>>> on_server_stop_;
};

}  // namespace lateen::net
