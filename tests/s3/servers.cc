#include "s3/servers.h"

#include <atomic>
#include <memory>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/text.h"
#include "net/aws/xml.h"
#include "net/http_client.h"

namespace lateen::objects::s3 {
namespace {

constexpr std::chrono::seconds kStart{120};

Result<std::string> read_line(int fd, Deadline deadline) {
  std::string line;
  while (!line.ends_with('\n')) {
    if (deadline.expired()) return Error(Code::DeadlineExceeded, "no line in time");
    const Bytes some = TRY(read_some(fd, 1));
    if (some.empty()) return Error(Code::Unavailable, "the program has ended: {}", line);
    line += some;
  }
  line.pop_back();
  return line;
}

std::unique_ptr<ServerProgram> start_or_fail(std::vector<std::string> argv) {
  auto program = ServerProgram::start(std::move(argv));
  if (!program) {
    ADD_FAILURE() << program.error().describe();
    return nullptr;
  }
  return std::move(*program);
}

const std::string& url_of(const std::unique_ptr<ServerProgram>& program) {
  static const std::string kNone = "http://127.0.0.1:9";
  return program ? program->url() : kNone;
}

}  // namespace

Result<std::unique_ptr<ServerProgram>> ServerProgram::start(std::vector<std::string> argv) {
  const std::string name = argv.size() > 1 ? argv[1] : argv[0];
  Child child = TRY(Child::spawn({.argv = std::move(argv),
                                  .in = Stdio::pipe(),
                                  .out = Stdio::pipe(),
                                  .err = Stdio::inherit()}));
  std::string url = TRY(read_line(child.out().get(), Deadline::after(kStart)).wrap("{}", name));
  if (!url.starts_with("http")) return Error(Code::Unavailable, "{}: {}", name, url);
  return std::make_unique<ServerProgram>(std::move(child), std::move(url));
}

Result<std::string> ServerProgram::ask(std::string_view line) {
  TRY(write_all(child_.in().get(), std::string(line) + "\n"));
  return read_line(child_.out().get(), Deadline::after(kStart));
}

std::string test_python() {
  if (const auto given = env("LATEEN_TEST_PYTHON")) return *given;
  return std::string(LATEEN_SOURCE_DIR) + "/build/test-python/bin/python3";
}

std::string tool_path(std::string_view name) {
  return fmt::format("{}/tests/tools/{}", LATEEN_SOURCE_DIR, name);
}

const std::string& moto_url() {
  static const auto program = [] {
    EXPECT_TRUE(path_exists(test_python())) << "run tests/tools/python-env.sh first";
    return start_or_fail({test_python(), tool_path("aws_server.py")});
  }();
  return url_of(program);
}

const std::string& swift_url() {
  static const auto program = start_or_fail(
      {"/usr/bin/python3", tool_path("swift_server.py"), "test:tester", "testing", "us-east-1"});
  return url_of(program);
}

std::unique_ptr<ServerProgram> start_fault_proxy(const std::string& upstream) {
  return start_or_fail({"/usr/bin/python3", tool_path("fault_proxy.py"), upstream});
}

net::aws::Credentials test_credentials() {
  return {.access_key_id = "test:tester", .secret_access_key = Secret("testing")};
}

Result<net::HttpResponse> ask_s3(const std::string& url,
                                 std::string_view method,
                                 const std::string& path_and_query,
                                 Bytes body,
                                 net::Headers headers) {
  const auto client = TRY(net::HttpClient::open({}));
  net::HttpRequest request{.method = std::string(method),
                           .url = url + path_and_query,
                           .headers = std::move(headers),
                           .body = std::move(body)};
  TRY(net::aws::sign_request(request, {.credentials = test_credentials(),
                                       .scope = {.region = "us-east-1", .service = "s3"},
                                       .time = SystemClock().now()}));
  return client->send(request, {});
}

std::string make_bucket(const std::string& url) {
  static std::atomic<int> count = 0;
  std::string name = fmt::format("bucket-{}-{}", ::getpid(), ++count);
  const auto made = ask_s3(url, "PUT", "/" + name);
  EXPECT_TRUE(made && made->ok()) << (made ? made->body : made.error().message());
  return name;
}

S3Config test_config(const std::string& url, const std::string& bucket) {
  S3Config config{.bucket = bucket, .region = "us-east-1", .endpoint = url};
  config.force_path_style = true;
  config.first_pause = std::chrono::milliseconds(2);
  config.environment = [](const std::string&) { return std::nullopt; };
  return config;
}

std::size_t unfinished_uploads(const std::string& url, const std::string& bucket) {
  const auto answer = ask_s3(url, "GET", "/" + bucket + "?uploads=");
  EXPECT_TRUE(answer && answer->ok());
  if (!answer) return 0;
  const auto document = net::aws::parse_xml(answer->body);
  EXPECT_TRUE(document) << answer->body;
  return document ? document->all("Upload").size() : 0;
}

}  // namespace lateen::objects::s3
