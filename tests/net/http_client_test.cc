#include "net/http_client.h"

#include <atomic>
#include <cstring>
#include <thread>

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/gzip.h"
#include "base/hash.h"
#include "base/temp.h"
#include "base/thread.h"
#include "testing/test_server.h"

namespace lateen::net {
namespace {

using namespace std::literals;
using testing::Authority;
using testing::FixedClock;
using testing::make_client;
using testing::must;
using testing::TestServer;
using testing::trusting;

std::string echo_of(const ServerRequest& request) {
  return fmt::format("{} {} {}", request.method, request.target, request.body);
}

void echo(ServerExchange& exchange) {
  const HttpResponse response{
      .headers = {{"X-Got", exchange.request().headers.get("X-Sent").data()}},
      .body = echo_of(exchange.request())};
  ASSERT_TRUE(exchange.respond(response));
}

TEST(HttpClient, SendsEachMethodWithItsBody) {
  TestServer server(echo);
  const auto client = make_client();
  for (const char* const method : {"POST", "PUT", "PATCH", "DELETE"}) {
    const auto response = must(client->send(
        {.method = method, .url = server.url("/a?b=c"), .headers = {{"X-Sent", "1"}}, .body = "hi"},
        {}));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, fmt::format("{} /a?b=c hi", method));
    EXPECT_EQ(response.headers.get("x-got"), "1");
  }
  for (const char* const method : {"GET", "DELETE", "POST", "PUT"}) {
    const auto response = must(client->send({.method = method, .url = server.url("/a")}, {}));
    EXPECT_EQ(response.body, fmt::format("{} /a ", method));
  }
  const auto head = must(client->send({.method = "HEAD", .url = server.url("/a")}, {}));
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(head.headers.get("Content-Length"), "8");
}

TEST(HttpClient, SendsPathsAsTheyAreWritten) {
  TestServer server(echo);
  const auto response =
      must(make_client()->send({.url = server.url("/b/../c//d%2Fe?x=%20+&y#f")}, {}));
  EXPECT_EQ(response.body, "GET /b/../c//d%2Fe?x=%20+&y ");
}

TEST(HttpClient, KeepsConnections) {
  std::atomic<int> requests = 0;
  Mutex mu;
  std::vector<std::string> peers;
  TestServer server([&](ServerExchange& e) {
    ++requests;
    {
      const Lock lock(mu);
      peers.push_back(e.request().peer_address);
    }
    ASSERT_TRUE(e.respond({.body = "x"}));
  });
  const auto client = make_client();
  for (int i = 0; i < 20; ++i)
    must(client->send({.url = server.url()}, {}));
  EXPECT_EQ(std::count(peers.begin(), peers.end(), peers.front()), 20);
}

TEST(HttpClient, ServesManyThreads) {
  TestServer server([](ServerExchange& e) { ASSERT_TRUE(e.respond({.body = e.request().path})); },
                    TestServer::with_tls());
  const auto client = make_client(trusting());
  const Status done = parallel_for(400, 8, [&](std::size_t i, std::stop_token stop) -> Status {
    const std::string path = fmt::format("/{}", i);
    const auto response = TRY(client->send({.url = server.url(path)}, stop));
    EXPECT_EQ(response.body, path);
    return {};
  });
  EXPECT_TRUE(done);
}

TEST(HttpClient, WaitsForAConnectionWhenAllAreInUse) {
  TestServer server(echo);
  const auto client = make_client({.max_connections = 2});
  const Status done = parallel_for(40, 8, [&](std::size_t, std::stop_token stop) -> Status {
    const auto response = TRY(client->send({.url = server.url("/")}, stop));
    EXPECT_EQ(response.status, 200);
    return {};
  });
  EXPECT_TRUE(done);
}

TEST(HttpClient, MovesLargeBodiesBothWays) {
  TestServer server([](ServerExchange& e) { ASSERT_TRUE(e.respond({.body = e.take_body()})); },
                    {.tls = Authority::get().server_tls(), .max_body = 64_MiB});
  Bytes body(20_MiB, 'a');
  for (std::size_t i = 0; i < body.size(); i += 4099)
    body[i] = static_cast<char>(i);
  const auto response =
      must(make_client(trusting())->send({.method = "PUT", .url = server.url(), .body = body}, {}));
  EXPECT_TRUE(response.body == body);
}

class Counting final : public UploadSource {
 public:
  explicit Counting(std::uint64_t length, std::uint64_t given) : length_(length), given_(given) {}

  std::uint64_t length() const override { return length_; }

  Result<std::size_t> read(std::span<char> into) override {
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>({into.size(), given_ - at_, 70'001}));
    for (std::size_t i = 0; i < count; ++i)
      into[i] = static_cast<char>((at_ + i) % 251);
    at_ += count;
    return count;
  }

  Status rewind() override {
    at_ = 0;
    return {};
  }

 private:
  const std::uint64_t length_;
  const std::uint64_t given_;
  std::uint64_t at_ = 0;
};

TEST(HttpClient, StreamsAnUploadFromItsSource) {
  TestServer server(
      [](ServerExchange& e) { ASSERT_TRUE(e.respond({.body = sha256_hex(e.request().body)})); });
  Bytes expected(5'000'000, '\0');
  for (std::size_t i = 0; i < expected.size(); ++i)
    expected[i] = static_cast<char>(i % 251);
  Counting source(expected.size(), expected.size());
  const auto response =
      must(make_client()->send({.method = "PUT", .url = server.url(), .source = &source}, {}));
  EXPECT_EQ(response.body, sha256_hex(expected));
}

TEST(HttpClient, SaysThatASourceEndedEarly) {
  TestServer server(echo);
  Counting source(1000, 400);
  const auto response =
      make_client()->send({.method = "PUT", .url = server.url(), .source = &source}, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().message(), "the body to send ends 600 bytes before its length");
}

TEST(HttpClient, UnpacksGzipWhenAsked) {
  const Bytes text(300'000, 'z');
  TestServer server([&](ServerExchange& e) {
    HttpResponse response{.body = text};
    compress_if_accepted(e.request(), response);
    ASSERT_TRUE(e.respond(std::move(response)));
  });
  const auto client = make_client();
  const auto unpacked = must(client->send({.url = server.url(), .accept_gzip = true}, {}));
  EXPECT_TRUE(unpacked.body == text);
  EXPECT_FALSE(unpacked.headers.contains("Content-Encoding"));
  EXPECT_FALSE(unpacked.headers.contains("Content-Length"));

  const auto plain = must(client->send({.url = server.url()}, {}));
  EXPECT_TRUE(plain.body == text);

  const auto packed =
      must(client->send({.url = server.url(), .headers = {{"Accept-Encoding", "gzip"}}}, {}));
  EXPECT_EQ(packed.headers.get("Content-Encoding"), "gzip");
  EXPECT_LT(packed.body.size(), 10'000U);
  EXPECT_TRUE(must(gunzip(packed.body, 1_MiB)) == text);
}

TEST(HttpClient, RefusesAnAnswerThatIsTooLarge) {
  TestServer server([](ServerExchange& e) {
    HttpResponse response{.body = Bytes(1'000'000, 'z')};
    compress_if_accepted(e.request(), response);
    (void)e.respond(std::move(response));  // the client hangs up
  });
  const auto response = make_client()->send(
      {.url = server.url("/big"), .accept_gzip = true, .max_response = 500'000}, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(
      response.error().message(),
      "GET " + server.url("/big") + ": the answer is larger than the 500000 bytes that are taken");
}

TEST(HttpClient, ReportsADeadlineAndAStop) {
  TestServer server([](ServerExchange& e) { (void)sleep_unless_stopped(60s, e.stop()); });
  const auto client = make_client();
  const auto late =
      client->send({.url = server.url("/?secret=1"), .deadline = Deadline::after(30ms)}, {});
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().is(Code::DeadlineExceeded));
  EXPECT_EQ(late.error().message(), "GET " + server.url("/") + ": no answer in time");

  std::stop_source stop;
  const std::jthread stopper([&] {
    (void)sleep_unless_stopped(30ms, {});
    stop.request_stop();
  });
  const auto stopped = client->send({.url = server.url("/")}, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_TRUE(stopped.error().is(Code::Canceled)) << "well before the server has slept enough";
}

TEST(HttpClient, GivesUpOnAPeerThatStalls) {
  TestServer server([](ServerExchange& e) { (void)sleep_unless_stopped(60s, e.stop()); });
  const auto client = make_client({.stall_timeout = 50ms});
  const auto response = client->send({.url = server.url("/")}, {});
  ASSERT_FALSE(response);
  EXPECT_TRUE(response.error().is(Code::Unavailable));
  EXPECT_TRUE(response.error().retryable());
}

TEST(HttpClient, NamesWhyItCannotConnect) {
  const auto client = make_client();
  const auto refused = client->send({.url = "http://127.0.0.1:1/x?token=secret"}, {});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(Code::Unavailable));
  EXPECT_NE(refused.error().message().find("GET http://127.0.0.1:1/x: 127.0.0.1:1: "),
            std::string::npos)
      << refused.error().message();
  EXPECT_NE(refused.error().message().find("Connection refused"), std::string::npos)
      << refused.error().message();
  EXPECT_EQ(refused.error().message().find("secret"), std::string::npos);

  const auto unknown = client->send({.url = "http://nowhere.invalid/"}, {});
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(unknown.error().is(Code::Unavailable));
  EXPECT_NE(unknown.error().message().find("nowhere.invalid"), std::string::npos);
}

TEST(HttpClient, RefusesWhatIsNoRequest) {
  const auto client = make_client();
  for (const char* const url : {"nonsense", "ftp://a/", "https://"}) {
    const auto result = client->send({.url = url}, {});
    ASSERT_FALSE(result) << url;
    EXPECT_TRUE(result.error().is(Code::InvalidArgument)) << result.error().message();
  }
  EXPECT_FALSE(client->send({.method = "GET /\r\nX: y", .url = "http://127.0.0.1:1/"}, {}));
  const auto split =
      client->send({.url = "http://127.0.0.1:1/", .headers = {{"A", "b\r\nC: d"}}}, {});
  ASSERT_FALSE(split);
  EXPECT_TRUE(split.error().is(Code::InvalidArgument));
}

TEST(HttpClient, GoesThroughItsProxy) {
  TestServer proxy([](ServerExchange& e) {
    ASSERT_TRUE(e.respond(
        {.body = fmt::format("{} of {}", e.request().path, e.request().headers.get("Host"))}));
  });
  const auto client = make_client({.proxy_url = proxy.url("")});
  const auto response = must(client->send({.url = "http://nowhere.invalid:81/x"}, {}));
  EXPECT_EQ(response.body, "/x of nowhere.invalid:81");
}

TEST(HttpClient, SaysThatAPeerBrokeOff) {
  TestServer server([](ServerExchange& e) {
    ASSERT_TRUE(e.begin_stream(200, {}));
    ASSERT_TRUE(e.write("half"));  // and never the end
  });
  const auto client = make_client();
  const auto response = client->send({.url = server.url("/x")}, {});
  ASSERT_FALSE(response);
  EXPECT_TRUE(response.error().is(Code::Unavailable));
  EXPECT_TRUE(response.error().retryable());
  const auto posted = client->send({.method = "POST", .url = server.url("/x")}, {});
  ASSERT_FALSE(posted);
  EXPECT_FALSE(posted.error().retryable()) << "the peer may have acted on it";
}

TEST(HttpClientTls, TrustsTheGivenAuthorityOnly) {
  TestServer server(echo, TestServer::with_tls());
  EXPECT_EQ(must(make_client(trusting())->send({.url = server.url()}, {})).status, 200);

  const SystemClock clock;
  const auto other = must(make_certificate_authority("other", clock));
  for (const std::string& ca : {std::string(), other.certificate_pem}) {
    const auto response = make_client({.tls = {.ca_pem = ca}})->send({.url = server.url()}, {});
    ASSERT_FALSE(response);
    EXPECT_TRUE(response.error().is(Code::Unavailable));
    EXPECT_FALSE(response.error().retryable());
    EXPECT_NE(response.error().message().find("is not trusted: SSL certificate problem"),
              std::string::npos)
        << response.error().message();
  }
  const auto blind = make_client({.tls = {.insecure_skip_verify = true}});
  EXPECT_EQ(must(blind->send({.url = server.url()}, {})).status, 200);
}

TEST(HttpClientTls, ChecksTheServersName) {
  const SystemClock clock;
  const auto& ca = Authority::get().ca;
  const auto pair = must(issue_certificate(
      ca, {.common_name = "x", .dns_names = {"api.internal"}, .for_server = true}, clock));
  TestServer server(
      [](ServerExchange& e) {
        ASSERT_TRUE(e.respond({.body = Bytes(e.request().headers.get("Host"))}));
      },
      {.tls = ServerTls{.certificate_pem = pair.certificate_pem, .key_pem = pair.key_pem}});
  const auto wrong = make_client(trusting())->send({.url = server.url()}, {});
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message().find("is not trusted"), std::string::npos)
      << wrong.error().message();

  HttpClientOptions options = trusting();
  options.tls.server_name = "api.internal";
  const auto right = must(make_client(options)->send({.url = server.url()}, {}));
  EXPECT_EQ(right.body, fmt::format("127.0.0.1:{}", server.server().port()));
}

TEST(HttpClientTls, ShowsItsCertificate) {
  TestServer server(
      [](ServerExchange& e) {
        const auto& who = e.request().identity;
        const std::string body =
            who ? fmt::format("{} of {}", who->common_name, fmt::join(who->organizations, "+"))
                : "nobody: " + e.request().certificate_error;
        ASSERT_TRUE(e.respond({.body = body}));
      },
      TestServer::with_tls(/*ask_for_client=*/true));
  EXPECT_EQ(must(make_client(trusting())->send({.url = server.url()}, {})).body, "nobody: ");

  HttpClientOptions alice = trusting();
  alice.tls.client_certificate_pem = Authority::get().client.certificate_pem;
  alice.tls.client_key_pem = Authority::get().client.key_pem;
  const auto client = make_client(alice);
  EXPECT_EQ(must(client->send({.url = server.url()}, {})).body, "alice of dev+ops");

  const SystemClock clock;
  const auto foreign_ca = must(make_certificate_authority("foreign", clock));
  const auto mallory = must(issue_certificate(
      foreign_ca,
      {.common_name = "mallory", .organizations = {"system:masters"}, .for_client = true}, clock));
  alice.tls.client_certificate_pem = mallory.certificate_pem;
  alice.tls.client_key_pem = mallory.key_pem;
  EXPECT_TRUE(must(make_client(alice)->send({.url = server.url()}, {}))
                  .body.starts_with("nobody: unable to "));

  const FixedClock past(std::chrono::sys_days(std::chrono::year(2020) / 1 / 1));
  const auto expired = must(issue_certificate(
      Authority::get().ca,
      {.common_name = "old", .for_client = true, .validity = std::chrono::hours(24)}, past));
  alice.tls.client_certificate_pem = expired.certificate_pem;
  alice.tls.client_key_pem = expired.key_pem;
  EXPECT_EQ(must(make_client(alice)->send({.url = server.url()}, {})).body,
            "nobody: certificate has expired");

  alice.tls.client_key_pem = Secret("not a key");
  const auto broken = make_client(alice)->send({.url = server.url()}, {});
  ASSERT_FALSE(broken);
  EXPECT_TRUE(broken.error().is(Code::InvalidArgument)) << broken.error().message();
}

TEST(HttpStream, GivesPiecesAsTheyCome) {
  std::stop_source go;
  TestServer server([&](ServerExchange& e) {
    ASSERT_TRUE(e.begin_stream(206, {{"X-A", "b"}}));
    ASSERT_TRUE(e.write("one"));
    (void)sleep_unless_stopped(60s, go.get_token());
    ASSERT_TRUE(e.write("two"));
    ASSERT_TRUE(e.finish());
  });
  const auto client = make_client();
  const auto stream = must(client->open_stream({.url = server.url()}, {}));
  EXPECT_EQ(stream->status(), 206);
  EXPECT_EQ(stream->headers().get("x-a"), "b");
  EXPECT_EQ(must(stream->read(Deadline::after(60s), {})), "one");

  const auto late = stream->read(Deadline::after(10ms), {});
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().is(Code::DeadlineExceeded));
  go.request_stop();
  EXPECT_EQ(must(stream->read(Deadline::after(60s), {})), "two");
  EXPECT_EQ(must(stream->read(Deadline::after(60s), {})), std::nullopt);
  EXPECT_EQ(must(stream->read(Deadline::after(60s), {})), std::nullopt);
}

TEST(HttpStream, HoldsAFastPeerBack) {
  std::atomic<std::size_t> written = 0;
  std::stop_source blocked;
  TestServer server(
      [&](ServerExchange& e) {
        ASSERT_TRUE(e.begin_stream(200, {}));
        const Bytes block(1_MiB, 'x');
        for (int i = 0; i < 64; ++i) {
          if (!e.write(block)) return;
          written += block.size();
        }
        (void)e.finish();
      },
      {.write_timeout = 60s});
  const auto client = make_client();
  const auto stream = must(client->open_stream({.url = server.url()}, {}));
  // Until the server has made no progress for a while: what is in flight is bounded, far below 64
  // MiB.
  std::size_t before = 0;
  do {
    before = written;
    (void)sleep_unless_stopped(100ms, {});
  } while (written != before);
  EXPECT_LT(written, 32_MiB);

  std::size_t total = 0;
  while (const auto piece = must(stream->read(Deadline::after(60s), {}))) {
    EXPECT_LE(piece->size(), 2_MiB);
    total += piece->size();
  }
  EXPECT_EQ(total, 64_MiB);
}

TEST(HttpStream, EndsItsTransferWhenDestroyed) {
  std::atomic<bool> heard = false;
  TestServer server([&](ServerExchange& e) {
    ASSERT_TRUE(e.begin_stream(200, {}));
    heard = !sleep_unless_stopped(60s, e.stop());
  });
  const auto client = make_client();
  {
    const auto stream = must(client->open_stream({.url = server.url()}, {}));
  }
  server.server().stop();
  EXPECT_TRUE(heard);
}

TEST(HttpStream, ReportsThatItWasBrokenOff) {
  TestServer server([](ServerExchange& e) {
    ASSERT_TRUE(e.begin_stream(200, {}));
    ASSERT_TRUE(e.write("half"));
  });
  const auto client = make_client();
  const auto stream = must(client->open_stream({.url = server.url()}, {}));
  EXPECT_EQ(must(stream->read(Deadline::after(60s), {})), "half");
  const auto end = stream->read(Deadline::after(60s), {});
  ASSERT_FALSE(end);
  EXPECT_TRUE(end.error().is(Code::Unavailable));
}

// Answers one connection after the other with canned bytes, and closes: what a peer that breaks
// rules does.
class RawPeer {
 public:
  explicit RawPeer(std::vector<Bytes> answers) : answers_(std::move(answers)) {
    listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    LATEEN_ASSERT(::bind(listener_.get(), any, size) == 0 && ::listen(listener_.get(), 8) == 0 &&
                      ::getsockname(listener_.get(), any, &size) == 0,
                  "loopback has a free port");
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { serve(); });
  }

  ~RawPeer() { ::shutdown(listener_.get(), SHUT_RDWR); }

  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  std::string url() const { return fmt::format("http://127.0.0.1:{}/", port_); }

 private:
  void serve() {
    for (const Bytes& answer : answers_) {
      const UniqueFd peer(::accept(listener_.get(), nullptr, nullptr));
      if (!peer) return;
      if (!read_some(peer.get(), 4096)) return;
      (void)write_all(peer.get(), answer);
      // What the client may still be sending is taken: else the kernel resets the connection, and
      // the client may not see the answer.
      ::shutdown(peer.get(), SHUT_WR);
      while (true) {
        const auto rest = read_some(peer.get(), 4096);
        if (!rest || rest->empty()) break;
      }
    }
  }

  const std::vector<Bytes> answers_;
  UniqueFd listener_;
  int port_ = 0;
  std::jthread thread_;
};

TEST(HttpClient, ReadsFromPythonsServer) {
  if (!testing::has_program("python3")) GTEST_SKIP() << "no python3 here";
  const TempDir dir = must(TempDir::create());
  must(write_file(dir.path() / "book", Bytes(3'000'000, 'b')));
  Child python = must(Child::spawn({.argv = {"python3", "-u", "-m", "http.server", "--bind",
                                             "127.0.0.1", "--directory", dir.path(), "0"},
                                    .out = Stdio::pipe()}));
  Bytes said;  // "Serving HTTP on 127.0.0.1 port 45123 (http://…"
  while (said.find('(') == Bytes::npos) {
    const Bytes more = must(read_some(python.out().get(), 256));
    ASSERT_FALSE(more.empty()) << "python ended: " << said;
    said += more;
  }
  const std::size_t at = said.find(" port ") + 6;
  const std::string url = "http://127.0.0.1:" + said.substr(at, said.find(' ', at) - at);

  const auto client = make_client();
  const auto book = must(client->send({.url = url + "/book"}, {}));
  EXPECT_EQ(book.status, 200);
  EXPECT_TRUE(book.body == Bytes(3'000'000, 'b'));
  EXPECT_EQ(must(client->send({.url = url + "/none"}, {})).status, 404);
  EXPECT_EQ(must(client->send({.method = "PUT", .url = url + "/x", .body = "y"}, {})).status, 501);
}

TEST(HttpClient, SendsAgainByItselfWhenAKeptConnectionWasClosed) {
  // The first answer promises to keep the connection, and does not.
  const RawPeer peer({"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
                      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"});
  const auto client = make_client();
  EXPECT_EQ(must(client->send({.method = "PUT", .url = peer.url(), .body = "x"}, {})).body, "a");
  EXPECT_EQ(must(client->send({.method = "PUT", .url = peer.url(), .body = "x"}, {})).body, "b");
}

TEST(HttpClient, TakesTheFinalAnswerAfterInterimOnes) {
  const RawPeer peer(
      {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
       "HTTP/1.1 404 Not Found\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nno"});
  const auto response = must(make_client()->send({.url = peer.url()}, {}));
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, "no");
  EXPECT_FALSE(response.headers.contains("Link"));
}

TEST(HttpClient, AnAnswerThatEndsAmongItsHeadersIsNone) {
  const RawPeer peer({"HTTP/1.1 200 OK\r\nContent-Le"});
  const auto client = make_client();
  const auto answer = client->send({.method = "HEAD", .url = peer.url()}, {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::Unavailable);
  EXPECT_TRUE(answer.error().retryable());
}

TEST(HttpClient, SaysThatAPeerIsNoHttpServer) {
  const RawPeer peer({"SSH-2.0-OpenSSH_9.2\r\n", ""});
  const auto client = make_client();
  for (int i = 0; i < 2; ++i) {
    const auto response = client->send({.url = peer.url()}, {});
    ASSERT_FALSE(response);
    EXPECT_TRUE(response.error().is(Code::Unavailable)) << response.error().message();
  }
}

}  // namespace
}  // namespace lateen::net
