#include "net/websocket.h"

#include <atomic>
#include <thread>

#include "base/thread.h"
#include "testing/test_server.h"

namespace lateen::net {
namespace {

using namespace std::literals;
using testing::Authority;
using testing::must;
using testing::run;
using testing::TestServer;
using Kind = WebSocketMessage::Kind;

Deadline soon() {
  return Deadline::after(60s);
}

// Sends back whatever comes.
void echo(ServerExchange& exchange) {
  const auto offered = exchange.offered_protocols();
  WebSocket* const socket = must(exchange.accept_websocket(offered.empty() ? "" : offered.back()));
  for (;;) {
    const auto message = socket->receive(soon(), exchange.stop());
    if (!message || message->kind == Kind::Close) return;
    const Status sent = message->kind == Kind::Text
                            ? socket->send_text(message->data, soon(), exchange.stop())
                            : socket->send_binary(message->data, soon(), exchange.stop());
    if (!sent) return;
  }
}

Result<std::unique_ptr<WebSocket>> connect(const TestServer& server,
                                           std::vector<std::string> protocols = {}) {
  return connect_websocket({.url = server.url("/exec?a=b"),
                            .headers = {{"Authorization", "Bearer x"}},
                            .protocols = std::move(protocols),
                            .tls = {.ca_pem = Authority::get().ca.certificate_pem}},
                           soon(), {});
}

TEST(WebSocket, CarriesMessagesOfAllSizesBothWays) {
  for (const bool tls : {false, true}) {
    TestServer server(echo, tls ? TestServer::with_tls() : HttpServerOptions{});
    const auto socket = must(connect(server));
    for (const std::size_t size : {0U, 1U, 125U, 126U, 65535U, 65536U, 3'000'000U}) {
      Bytes data(size, '\0');
      for (std::size_t i = 0; i < size; ++i)
        data[i] = static_cast<char>(i * 7);
      std::jthread sender([&] { ASSERT_TRUE(socket->send_binary(data, soon(), {})); });
      const auto message = must(socket->receive(soon(), {}));
      EXPECT_EQ(message.kind, Kind::Binary);
      EXPECT_TRUE(message.data == data) << size;
    }
    must(socket->send_text("héllo", soon(), {}));
    const auto text = must(socket->receive(soon(), {}));
    EXPECT_EQ(text.kind, Kind::Text);
    EXPECT_EQ(text.data, "héllo");
    must(socket->close(kCloseNormal, "done", soon(), {}));
    const auto close = must(socket->receive(soon(), {}));
    EXPECT_EQ(close.kind, Kind::Close);
    EXPECT_EQ(close.close_code, kCloseNormal);
    const auto after = socket->receive(soon(), {});
    ASSERT_FALSE(after);
    EXPECT_TRUE(after.error().is(Code::Unavailable));
    EXPECT_FALSE(socket->send_binary("x", soon(), {}));
  }
}

TEST(WebSocket, AgreesOnASubprotocol) {
  TestServer server(echo);
  const auto socket = must(connect(server, {"v5.channel.k8s.io", "v4.channel.k8s.io"}));
  EXPECT_EQ(socket->protocol(), "v4.channel.k8s.io");
  EXPECT_EQ(must(connect(server))->protocol(), "");
}

TEST(WebSocket, IsReadAndWrittenByTwoThreadsAtOnce) {
  TestServer server(
      [](ServerExchange& e) {
        WebSocket* const socket = must(e.accept_websocket(""));
        std::jthread writer([&] {
          const Bytes block(10'000, 's');
          for (int i = 0; i < 500; ++i)
            ASSERT_TRUE(socket->send_binary(block, soon(), {}));
        });
        std::size_t total = 0;
        while (total < 5'000'000)
          total += must(socket->receive(soon(), {})).data.size();
        writer.join();
        ASSERT_TRUE(socket->close(kCloseNormal, "", soon(), {}));
        EXPECT_EQ(must(socket->receive(soon(), {})).kind, Kind::Close);
      },
      TestServer::with_tls());
  const auto socket = must(connect(server));
  std::jthread writer([&] {
    const Bytes block(10'000, 'c');
    for (int i = 0; i < 500; ++i) {
      ASSERT_TRUE(socket->send_binary(block, soon(), {}));
      if (i % 50 != 0) continue;
      ASSERT_TRUE(socket->ping("are you there", soon(), {}));
    }
  });
  std::size_t total = 0;
  for (;;) {
    const auto message = must(socket->receive(soon(), {}));
    if (message.kind == Kind::Close) break;
    EXPECT_EQ(message.data, Bytes(10'000, 's'));
    total += message.data.size();
  }
  EXPECT_EQ(total, 5'000'000U);
}

TEST(WebSocket, WaitsNoLongerThanItsDeadlineAndItsStop) {
  TestServer server(echo, TestServer::with_tls());
  const auto socket = must(connect(server));
  const auto late = socket->receive(Deadline::after(20ms), {});
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().is(Code::DeadlineExceeded));
  std::stop_source stop;
  const std::jthread stopper([&] {
    (void)sleep_unless_stopped(20ms, {});
    stop.request_stop();
  });
  const auto stopped = socket->receive(soon(), stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_TRUE(stopped.error().is(Code::Canceled));
  // Nothing was lost.
  must(socket->send_binary("still here", soon(), {}));
  EXPECT_EQ(must(socket->receive(soon(), {})).data, "still here");
}

TEST(WebSocket, SaysThatThePeerHasGone) {
  TestServer server([](ServerExchange& e) { must(e.accept_websocket("")); });
  const auto socket = must(connect(server));
  const auto message = socket->receive(soon(), {});
  ASSERT_FALSE(message);
  EXPECT_TRUE(message.error().is(Code::Unavailable));
}

TEST(WebSocket, EndsWhenTheServerStops) {
  std::stop_source accepted;
  TestServer server([&](ServerExchange& e) {
    WebSocket* const socket = must(e.accept_websocket(""));
    accepted.request_stop();
    EXPECT_FALSE(socket->receive(Deadline::never(), e.stop()));
  });
  const auto socket = must(connect(server));
  EXPECT_FALSE(sleep_unless_stopped(60s, accepted.get_token()));
  server.server().stop();
  EXPECT_FALSE(socket->receive(soon(), {}));
}

TEST(WebSocket, ExplainsARefusal) {
  TestServer server([](ServerExchange& e) {
    EXPECT_FALSE(e.accept_websocket("never-offered"));
    ASSERT_TRUE(e.respond({.status = 403, .body = "pods \"db\" is forbidden\n"}));
  });
  const auto refused = connect(server, {"a"});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(Code::Forbidden));
  EXPECT_EQ(
      refused.error().message(),
      server.url("/exec") +
          ": the server answers 403 Forbidden instead of a WebSocket: pods \"db\" is forbidden");
}

TEST(WebSocket, NamesWhyItCannotConnect) {
  const auto refused = connect_websocket({.url = "wss://127.0.0.1:1/x?token=secret"}, soon(), {});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(Code::Unavailable));
  EXPECT_EQ(refused.error().message().find("secret"), std::string::npos);
  EXPECT_NE(refused.error().message().find("Connection refused"), std::string::npos)
      << refused.error().message();

  TestServer server(echo, TestServer::with_tls());
  const auto untrusted = connect_websocket({.url = server.url()}, soon(), {});
  ASSERT_FALSE(untrusted);
  EXPECT_NE(untrusted.error().message().find("is not trusted"), std::string::npos)
      << untrusted.error().message();
}

// A ByteStream over a script: what a hostile peer would send.
class Script final : public ByteStream {
 public:
  explicit Script(Bytes input, Bytes& output) : input_(std::move(input)), output_(output) {}

  Result<std::size_t> read_some(std::span<char> into, Deadline, std::stop_token) override {
    const std::size_t count = std::min<std::size_t>({into.size(), input_.size(), 3});
    std::copy_n(input_.begin(), count, into.begin());
    input_.erase(0, count);
    return count;
  }

  Status write(BytesView bytes, Deadline, std::stop_token) override {
    output_ += bytes;
    return {};
  }

  void shutdown() override {}

 private:
  Bytes input_;
  Bytes& output_;
};

struct HostileCase {
  const char* name;
  Bytes frames;  // a server's, so unmasked
  const char* message;
  std::uint16_t close_code;
};

class HostileWebSocket : public ::testing::TestWithParam<HostileCase> {};

TEST_P(HostileWebSocket, IsRefusedWithACloseCode) {
  Bytes output;
  WebSocket socket(std::make_unique<Script>(GetParam().frames, output), WebSocket::Role::Client, "",
                   "");
  socket.set_max_message(1000);
  const auto message = socket.receive(soon(), {});
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().message(), GetParam().message);
  ASSERT_GE(output.size(), 8U);
  EXPECT_EQ(output[0], '\x88');
  const unsigned high = static_cast<unsigned char>(output[6] ^ output[2]);
  const unsigned low = static_cast<unsigned char>(output[7] ^ output[3]);
  EXPECT_EQ(high * 256 + low, GetParam().close_code);
}

std::string case_name(const ::testing::TestParamInfo<HostileCase>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    ,
    HostileWebSocket,
    ::testing::Values(HostileCase{"TooLarge", Bytes("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"sv),
                                  "WebSocket: a message is too large", 1009},
                      HostileCase{"TooLargeInFragments",
                                  "\x02\x7e\x03\xe8"s + Bytes(1000, 'a') + "\x80\x01x",
                                  "WebSocket: a message is too large", 1009},
                      HostileCase{"MaskedByAServer",
                                  Bytes("\x82\x81"
                                        "abcd"
                                        "x"sv),
                                  "WebSocket: a frame is masked wrongly", 1002},
                      HostileCase{"ReservedBits", Bytes("\xc2\x01x"sv),
                                  "WebSocket: an extension that was not agreed on", 1002},
                      HostileCase{"LongPing", Bytes("\x89\x7e\x00\x7e"sv),
                                  "WebSocket: a control frame is too long", 1002},
                      HostileCase{"FragmentedPing", Bytes("\x09\x01x"sv),
                                  "WebSocket: a control frame is too long", 1002},
                      HostileCase{"ContinuationOfNothing", Bytes("\x80\x01x"sv),
                                  "WebSocket: a fragment is out of its order", 1002},
                      HostileCase{"TwoMessagesMixed", Bytes("\x02\x01x\x82\x01y"sv),
                                  "WebSocket: a fragment is out of its order", 1002},
                      HostileCase{"UnknownData", Bytes("\x83\x01x"sv),
                                  "WebSocket: an unknown kind of frame", 1002},
                      HostileCase{"UnknownControl", Bytes("\x8b\x01x"sv),
                                  "WebSocket: an unknown kind of frame", 1002},
                      HostileCase{"TextThatIsNotUtf8", Bytes("\x81\x01\xff"sv),
                                  "WebSocket: a text is not UTF-8", 1007}),
    case_name);

TEST(WebSocket, PutsFragmentsTogetherAndAnswersPingsBetween) {
  Bytes output;
  WebSocket socket(
      std::make_unique<Script>(Bytes("\x01\x03hel\x89\x02hi\x80\x02lo\x88\x02\x03\xe9"sv), output),
      WebSocket::Role::Client, "", "");
  EXPECT_EQ(must(socket.receive(soon(), {})).data, "hello");
  ASSERT_EQ(output.size(), 8U);
  EXPECT_EQ(output[0], '\x8a');
  const auto close = must(socket.receive(soon(), {}));
  EXPECT_EQ(close.kind, Kind::Close);
  EXPECT_EQ(close.close_code, 1001);
}

// Node's own client (undici) against our server.
TEST(WebSocket, SpeaksWithNode) {
  if (!testing::has_program("node")) GTEST_SKIP() << "no node here";
  TestServer server(echo);
  const std::string script = fmt::format(R"(
if (typeof WebSocket === 'undefined') {{ console.log('skip'); process.exit(0); }}
const ws = new WebSocket('ws://127.0.0.1:{}/x', ['a.k8s.io', 'b.k8s.io']);
ws.binaryType = 'arraybuffer';
ws.onopen = () => ws.send(new Uint8Array(70000).fill(7));
ws.onmessage = (m) => {{ console.log(ws.protocol, m.data.byteLength); ws.close(1000, 'bye'); }};
ws.onclose = (c) => console.log(c.code, c.wasClean);
)",
                                         server.server().port());
  const auto result = run({"node", "--experimental-websocket", "-e", script});
  if (!result.ok() || result.out == "skip\n") GTEST_SKIP() << "this node has no WebSocket";
  EXPECT_EQ(result.out, "b.k8s.io 70000\n1000 true\n") << result.err;
}

// RFC 6455, 1.3.
TEST(WebSocket, AcceptsTheKeyOfTheStandard) {
  EXPECT_EQ(websocket_accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

}  // namespace
}  // namespace lateen::net
