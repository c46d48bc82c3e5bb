#include "net/http_server.h"

#include <array>
#include <atomic>
#include <thread>

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/temp.h"
#include "base/thread.h"
#include "testing/test_server.h"

namespace lateen::net {
namespace {

using namespace std::literals;
using testing::Authority;
using testing::make_client;
using testing::must;
using testing::run;
using testing::TestServer;

// A client of a few bytes, for what no honest client sends.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    LATEEN_ASSERT(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
                  "our own server listens");
    const timeval limit{.tv_sec = 60, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }

  void send(BytesView bytes) const {
    (void)::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  Bytes read() const { return read_some(fd_.get(), 64 * 1024).value_or(Bytes()); }

  // Until the server closes.
  Bytes read_to_end() const {
    Bytes all;
    for (Bytes piece = read(); !piece.empty(); piece = read())
      all += piece;
    return all;
  }

  void close() { fd_.reset(); }

 private:
  UniqueFd fd_;
};

void say_ok(ServerExchange& exchange) {
  (void)exchange.respond({.body = "ok"});
}

class WithCurl : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::has_program("curl")) GTEST_SKIP() << "no curl(1) here";
    must(write_file(dir_.path() / "ca.pem", Authority::get().ca.certificate_pem));
  }

  std::string curl(std::vector<std::string> arguments) const {
    std::vector<std::string> argv = {
        "curl",       "-sS", "--noproxy", "*",
        "--max-time", "50",  "--cacert",  (dir_.path() / "ca.pem").string()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const auto result = run(argv);
    EXPECT_TRUE(result.ok()) << result.err;
    return result.out;
  }

  const TempDir dir_ = must(TempDir::create());
};

TEST_F(WithCurl, AnswersOverTlsOnAKeptConnection) {
  TestServer server(
      [](ServerExchange& e) {
        const auto& r = e.request();
        ASSERT_TRUE(
            e.respond({.status = 201,
                       .headers = {{"X-Seen", r.path}},
                       .body = fmt::format("{}|{}|{}", r.method, r.query.get("q"), r.body)}));
      },
      TestServer::with_tls());
  const std::string url = server.url("/a%2Fb?q=x%20y");
  const std::string out =
      curl({"--data-binary", "body", "-w", "[%{http_code} %{num_connects}]", url, url});
  EXPECT_EQ(out, "POST|x y|body[201 1]POST|x y|body[201 0]");
  EXPECT_NE(curl({"-I", url}).find("X-Seen: /a%2Fb\r\n"), std::string::npos);
}

TEST_F(WithCurl, IsVerifiedByAnyOfItsNames) {
  TestServer server(say_ok, TestServer::with_tls());
  const std::string port = std::to_string(server.server().port());
  EXPECT_EQ(curl({"--resolve", "kubernetes.default.svc:" + port + ":127.0.0.1",
                  "https://kubernetes.default.svc:" + port + "/"}),
            "ok");
  EXPECT_EQ(curl({"--tls-max", "1.2", server.url()}), "ok");
}

TEST_F(WithCurl, KnowsTheClientByItsCertificate) {
  TestServer server(
      [](ServerExchange& e) {
        const auto& who = e.request().identity;
        ASSERT_TRUE(e.respond({.body = who ? who->common_name : "nobody"}));
      },
      TestServer::with_tls(/*ask_for_client=*/true));
  must(write_file(dir_.path() / "c.pem", Authority::get().client.certificate_pem));
  must(write_file(dir_.path() / "k.pem", Authority::get().client.key_pem.reveal()));
  EXPECT_EQ(curl({server.url()}), "nobody");
  EXPECT_EQ(curl({"--cert", (dir_.path() / "c.pem").string(), "--key",
                  (dir_.path() / "k.pem").string(), server.url()}),
            "alice");
}

TEST_F(WithCurl, PacksLargeAnswers) {
  TestServer server([](ServerExchange& e) {
    HttpResponse response{.body = Bytes(200'000, 'q')};
    compress_if_accepted(e.request(), response);
    ASSERT_TRUE(e.respond(std::move(response)));
  });
  EXPECT_EQ(curl({"--compressed", server.url()}), Bytes(200'000, 'q'));
  EXPECT_EQ(curl({server.url()}), Bytes(200'000, 'q'));
  const std::string size =
      curl({"--compressed", "-o", "/dev/null", "-w", "%{size_download}", server.url()});
  EXPECT_LT(std::stoi(size), 2000);
}

TEST_F(WithCurl, StreamsInChunks) {
  TestServer server([](ServerExchange& e) {
    ASSERT_TRUE(e.begin_stream(200, {{"Content-Type", "application/json"}}));
    for (const char* const part : {"one\n", "", "two\n"})
      ASSERT_TRUE(e.write(part));
    ASSERT_TRUE(e.finish());
  });
  EXPECT_EQ(curl({server.url(), server.url()}), "one\ntwo\none\ntwo\n");
  EXPECT_EQ(curl({"--http1.0", server.url()}), "one\ntwo\n");
}

TEST_F(WithCurl, AsksForABodyThatWaitsToBeAskedFor) {
  TestServer server([](ServerExchange& e) { ASSERT_TRUE(e.respond({.body = e.take_body()})); });
  // Not asked for, it would be sent at that timeout: after the time that curl has in all.
  EXPECT_EQ(curl({"-H", "Expect: 100-continue", "--expect100-timeout", "100", "--data", "hello",
                  server.url()}),
            "hello");
  EXPECT_EQ(curl({"-H", "Transfer-Encoding: chunked", "--data", "hello", server.url()}), "hello");
}

TEST_F(WithCurl, SaysThatABodyIsTooLarge) {
  TestServer server(say_ok, {.max_body = 1000});
  must(write_file(dir_.path() / "big", Bytes(5'000'000, 'x')));
  const std::string out =
      curl({"-o", "/dev/null", "-w", "%{http_code}", "-H", "Expect:", "--data-binary",
            "@" + (dir_.path() / "big").string(), server.url()});
  EXPECT_EQ(out, "413");
}

TEST(HttpServer, RefusesWhatIsNoRequest) {
  TestServer server(say_ok, {.max_header = 2000});
  const auto answer = [&](BytesView bytes) {
    const RawClient client(server.server().port());
    client.send(bytes);
    return client.read_to_end().substr(0, 12);
  };
  EXPECT_EQ(answer("nonsense\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(answer("GET / HTTP/1.1\r\nA: " + Bytes(3000, 'x') + "\r\n\r\n"), "HTTP/1.1 431");
  EXPECT_EQ(answer("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(
      answer("GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      "HTTP/1.1 400");
}

TEST(HttpServer, ServesRequestsThatCameTogetherInOrder) {
  TestServer server([](ServerExchange& e) { (void)e.respond({.body = e.request().path}); });
  const RawClient client(server.server().port());
  client.send(
      "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET http://a/3 HTTP/1.1\r\nConnection: "
      "close\r\n\r\n");
  const Bytes all = client.read_to_end();
  EXPECT_LT(all.find("\r\n\r\n/1"), all.find("\r\n\r\n/2"));
  EXPECT_LT(all.find("\r\n\r\n/2"), all.find("\r\n\r\n/3"));
  EXPECT_NE(all.find("\r\n\r\n/3"), Bytes::npos);
  EXPECT_NE(all.find("Connection: close"), Bytes::npos);
}

TEST(HttpServer, ClosesConnectionsThatDawdle) {
  TestServer server(say_ok, {.idle_timeout = 30ms, .request_timeout = 30ms});
  const RawClient silent(server.server().port());
  EXPECT_EQ(silent.read_to_end(), "");
  const RawClient slow(server.server().port());
  slow.send("GET / HTTP/1.1\r\nA: ");
  EXPECT_EQ(slow.read_to_end(), "");
}

TEST(HttpServer, AnswersForAHandlerThatDoesNot) {
  TestServer server([](ServerExchange&) {});
  const auto response = must(make_client()->send({.url = server.url()}, {}));
  EXPECT_EQ(response.status, 500);
}

TEST(HttpServer, DoesNotSendHeadersThatBreakOut) {
  TestServer server(
      [](ServerExchange& e) { EXPECT_FALSE(e.respond({.headers = {{"X", "a\r\nEvil: 1"}}})); });
  EXPECT_EQ(must(make_client()->send({.url = server.url()}, {})).status, 500);
}

TEST(HttpServer, TellsAWaitingHandlerThatItsPeerHasGone) {
  for (const bool tls : {false, true}) {
    std::stop_source serving;
    std::stop_source told;
    TestServer server(
        [&](ServerExchange& e) {
          ASSERT_TRUE(e.begin_stream(200, {}));
          serving.request_stop();
          if (!sleep_unless_stopped(60s, e.stop())) told.request_stop();
        },
        tls ? TestServer::with_tls() : HttpServerOptions{});
    {
      const auto client = make_client(testing::trusting());
      const auto stream = must(client->open_stream({.url = server.url()}, {}));
      EXPECT_FALSE(sleep_unless_stopped(60s, serving.get_token()));
    }
    EXPECT_FALSE(sleep_unless_stopped(60s, told.get_token())) << "nobody told the handler";
  }
}

TEST(HttpServer, FailsWritesToAPeerThatDoesNotRead) {
  std::stop_source failed;
  TestServer server(
      [&](ServerExchange& e) {
        ASSERT_TRUE(e.begin_stream(200, {}));
        const Bytes block(1_MiB, 'x');
        Status written;
        while (written)
          written = e.write(block);
        EXPECT_TRUE(written.error().is(Code::DeadlineExceeded));
        failed.request_stop();
      },
      {.write_timeout = 50ms});
  const RawClient client(server.server().port());
  client.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_FALSE(sleep_unless_stopped(60s, failed.get_token()));
}

TEST(HttpServer, StopsAtOnceWithWatchersAndIdleConnections) {
  std::atomic<int> watching = 0;
  std::stop_source all_watch;
  HttpServerOptions options = TestServer::with_tls();
  options.stop_grace = 60s;  // for whoever does not hear the stop
  TestServer server(
      [&](ServerExchange& e) {
        ASSERT_TRUE(e.begin_stream(200, {}));
        if (++watching == 5) all_watch.request_stop();
        (void)sleep_unless_stopped(60s, e.stop());
        (void)e.finish();
      },
      std::move(options));
  const auto client = make_client(testing::trusting());
  std::vector<std::unique_ptr<HttpStream>> streams;
  for (int i = 0; i < 5; ++i)
    streams.push_back(must(client->open_stream({.url = server.url()}, {})));
  const RawClient idle(server.server().port());
  ASSERT_FALSE(sleep_unless_stopped(60s, all_watch.get_token()));
  const auto begin = monotonic_now();
  server.server().stop();
  EXPECT_LT(monotonic_now() - begin, 50s);
  EXPECT_EQ(must(streams.front()->read(Deadline::after(60s), {})), std::nullopt)
      << "an orderly end";
  EXPECT_FALSE(client->send({.url = server.url()}, {}));
}

TEST(HttpServer, CutsHandlersThatOnlyWrite) {
  std::stop_source begun;
  TestServer server(
      [&](ServerExchange& e) {
        ASSERT_TRUE(e.begin_stream(200, {}));
        begun.request_stop();
        while (e.write(Bytes(100'000, 'x'))) {
        }
      },
      {.write_timeout = 60s, .stop_grace = 50ms});
  const RawClient client(server.server().port());
  client.send("GET / HTTP/1.1\r\n\r\n");
  ASSERT_FALSE(sleep_unless_stopped(60s, begun.get_token()));
  const auto begin = monotonic_now();
  server.server().stop();
  EXPECT_LT(monotonic_now() - begin, 50s);
}

TEST(HttpServer, MakesRoomByClosingTheLongestIdleConnection) {
  TestServer server(say_ok, {.max_connections = 2});
  const RawClient first(server.server().port());
  const RawClient second(server.server().port());
  for (const RawClient* client : {&first, &second}) {
    client->send("GET / HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(client->read().ends_with("ok"));
  }
  const RawClient third(server.server().port());
  third.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(third.read().ends_with("ok"));
  EXPECT_EQ(first.read(), "");
}

TEST(HttpServer, HandsTheConnectionOverForBothDirections) {
  for (const bool tls : {false, true}) {
    TestServer server(
        [](ServerExchange& e) {
          ByteStream* const stream =
              must(e.take_over({{"Upgrade", "SPDY/3.1"}, {"Connection", "Upgrade"}}));
          // One thread sends without pause while this one echoes nothing and only counts.
          std::jthread writer([stream] {
            const Bytes block(100'000, 'd');
            for (int i = 0; i < 100; ++i)
              ASSERT_TRUE(stream->write(block, Deadline::after(60s), {}));
          });
          std::array<char, 8192> into{};
          std::size_t total = 0;
          while (total < 10'000'000) {
            const auto got = stream->read_some(into, Deadline::after(60s), {});
            ASSERT_TRUE(got) << got.error().message();
            ASSERT_GT(*got, 0U);
            total += *got;
          }
          writer.join();
          ASSERT_TRUE(stream->write("!", Deadline::after(60s), {}));
        },
        tls ? TestServer::with_tls() : HttpServerOptions{});
    if (!testing::has_program("python3")) GTEST_SKIP() << "no python3 here";
    const std::string script = R"(
import socket, ssl, sys, threading
port, tls = int(sys.argv[1]), sys.argv[2] == '1'
s = socket.create_connection(('127.0.0.1', port))
if tls:
    c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
    s = c.wrap_socket(s)
s.sendall(b'POST /exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nearly')
head = b''
while not head.endswith(b'\r\n\r\n'): head += s.recv(1)
assert head.startswith(b'HTTP/1.1 101 '), head
assert b'Upgrade: SPDY/3.1' in head, head
def send():
    left = 10000000 - 5
    while left > 0:
        n = min(left, 65536); s.sendall(b'u' * n); left -= n
if not tls: t = threading.Thread(target=send); t.start()
else: send()
got = 0
while True:
    b = s.recv(65536)
    got += len(b)
    if not b or b.endswith(b'!'): break
print(got, b[-1:])
)";
    const auto result =
        run({"python3", "-c", script, std::to_string(server.server().port()), tls ? "1" : "0"});
    EXPECT_EQ(result.out, "10000001 b'!'\n") << result.err;
  }
}

TEST(HttpServer, SaysThatItsAddressIsTaken) {
  TestServer server(say_ok);
  const auto second = HttpServer::start({.port = server.server().port()}, server);
  ASSERT_FALSE(second);
  EXPECT_EQ(
      second.error().message(),
      fmt::format("listening on 127.0.0.1:{}: Address already in use", server.server().port()));
  EXPECT_FALSE(HttpServer::start({.address = "localhost"}, server));
}

TEST(HttpServer, RefusesACertificateWithAnotherKey) {
  TestServer server(say_ok);
  const auto& a = Authority::get();
  const auto broken = HttpServer::start(
      {.tls = ServerTls{.certificate_pem = a.server.certificate_pem, .key_pem = a.client.key_pem}},
      server);
  ASSERT_FALSE(broken);
  EXPECT_TRUE(broken.error().is(Code::InvalidArgument));
}

}  // namespace
}  // namespace lateen::net
