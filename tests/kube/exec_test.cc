#include "kube/exec.h"

#include "kube/testing/fake_api.h"
#include "kube/testing/fixture.h"

namespace lateen::kube {
namespace {

using namespace std::literals;

const std::string kPod = "/api/v1/namespaces/shop/pods/db-0";

// What the API server sends at the end of a command, as recorded from Kubernetes 1.36.
const char* const kSuccess = R"({"metadata":{},"status":"Success"})";
const char* const kExit3 =
    R"({"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: command terminated with exit code 3",)"
    R"("reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}})";

std::string frame(char channel, const std::string& data) {
  return std::string(1, channel) + data;
}

FakeApi::Handler session(const std::string& protocol, std::vector<std::string> frames) {
  return [=](net::ServerExchange& exchange) {
    auto socket = exchange.accept_websocket(protocol);
    if (!socket) return;
    for (const std::string& one : frames)
      (void)(*socket)->send_binary(one, Deadline::after(60s), {});
    (void)(*socket)->close(1000, "", Deadline::after(60s), {});
    while (auto message = (*socket)->receive(Deadline::after(60s), exchange.stop())) {
      if (message->kind == net::WebSocketMessage::Kind::Close) break;
    }
  };
}

ExecRequest request(std::vector<std::string> command) {
  ExecRequest out;
  out.ns = "shop";
  out.pod = "db-0";
  out.container = "main";
  out.command = std::move(command);
  out.deadline = Deadline::after(60s);
  return out;
}

TEST(Exec, GivesOutputAndExitCode) {
  FakeApi api;
  api.on("GET " + kPod + "/exec",
         session("v5.channel.k8s.io", {frame(1, ""), frame(2, ""), frame(1, "hel"),
                                       frame(1, "lo\n"), frame(2, "oops"), frame(3, kExit3)}));
  const auto client = api.client();
  const auto outcome = exec_in_pod(*client, request({"psql", "-c", "CHECKPOINT;"}), {});
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->exit_code, 3);
  EXPECT_EQ(outcome->out, "hello\n");
  EXPECT_EQ(outcome->err, "oops");
  const auto asked = api.asked().front();
  EXPECT_EQ(asked.query.all("command"),
            (std::vector<std::string_view>{"psql", "-c", "CHECKPOINT;"}));
  EXPECT_EQ(asked.query.get("container"), "main");
  EXPECT_EQ(asked.query.get("stdout"), "true");
  EXPECT_FALSE(asked.query.contains("stdin"));
}

TEST(Exec, SpeaksTheOlderProtocolToo) {
  FakeApi api;
  api.on("GET " + kPod + "/exec",
         session("v4.channel.k8s.io", {frame(1, "x"), frame(3, kSuccess)}));
  const auto client = api.client();
  const auto outcome = exec_in_pod(*client, request({"true"}), {});
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->exit_code, 0);
}

TEST(Exec, SendsInputAndItsEnd) {
  FakeApi api;
  api.on("GET " + kPod + "/exec", [](net::ServerExchange& exchange) {
    auto socket = exchange.accept_websocket("v5.channel.k8s.io");
    if (!socket) return;
    std::string input;
    while (auto message = (*socket)->receive(Deadline::after(60s), exchange.stop())) {
      if (message->data == std::string("\xff\0", 2)) break;
      EXPECT_EQ(message->data.front(), '\0');
      input += message->data.substr(1);
    }
    (void)(*socket)->send_binary(frame(1, std::to_string(input.size())), Deadline::after(60s), {});
    (void)(*socket)->send_binary(frame(3, kSuccess), Deadline::after(60s), {});
    (void)(*socket)->close(1000, "", Deadline::after(60s), {});
  });
  const auto client = api.client();
  ExecRequest wc = request({"wc", "-c"});
  wc.stdin_bytes = std::string(100'000, 'x');
  const auto outcome = exec_in_pod(*client, wc, {});
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->out, "100000");
}

TEST(Exec, KeepsOnlySoMuchOutput) {
  FakeApi api;
  api.on("GET " + kPod + "/exec",
         session("v5.channel.k8s.io", {frame(1, std::string(60, 'a')),
                                       frame(1, std::string(60, 'b')), frame(3, kSuccess)}));
  const auto client = api.client();
  ExecRequest yes = request({"yes"});
  yes.max_output = 100;
  const auto outcome = exec_in_pod(*client, yes, {});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->out.size(), 100U);
  EXPECT_TRUE(outcome->out_truncated);
  EXPECT_FALSE(outcome->err_truncated);
}

TEST(Exec, SaysThatThereIsNoSuchPod) {
  FakeApi api;
  const std::string gone = status_body(404, "NotFound", R"(pods \"db-0\" not found)");
  api.answer("GET " + kPod + "/exec", 404, gone);
  api.answer("GET " + kPod, 404, gone);
  const auto client = api.client();
  const auto outcome = exec_in_pod(*client, request({"true"}), {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Code::NotFound);
  EXPECT_EQ(outcome.error().message(), R"(running "true" in pod shop/db-0: pods "db-0" not found)");
}

TEST(Exec, SaysThatThereIsNoSuchContainer) {
  FakeApi api;
  api.answer("GET " + kPod + "/exec", 400,
             status_body(400, "BadRequest", "container main is not valid for pod db-0"));
  api.answer("GET " + kPod, 200,
             R"({"spec":{"containers":[{"name":"postgres"}]},"status":{"phase":"Running"}})");
  const auto client = api.client();
  const auto outcome = exec_in_pod(*client, request({"true"}), {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Code::InvalidArgument);
  EXPECT_NE(outcome.error().message().find("pod shop/db-0 has no container \"main\""),
            std::string::npos);
}

TEST(Exec, GivesUpAtItsDeadline) {
  FakeApi api;
  api.on("GET " + kPod + "/exec", [](net::ServerExchange& exchange) {
    (void)exchange.accept_websocket("v5.channel.k8s.io");
    sleep_unless_stopped(60s, exchange.stop());
  });
  const auto client = api.client();
  ExecRequest hang = request({"sleep", "inf"});
  hang.deadline = Deadline::after(100ms);
  const auto outcome = exec_in_pod(*client, hang, {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Code::DeadlineExceeded);
  EXPECT_NE(outcome.error().message().find("timed out after "), std::string::npos)
      << outcome.error().message();
}

TEST(Exec, SaysWhenTheConnectionEndsBeforeTheCommand) {
  FakeApi api;
  api.on("GET " + kPod + "/exec", session("v5.channel.k8s.io", {frame(1, "half")}));
  const auto client = api.client();
  const auto outcome = exec_in_pod(*client, request({"true"}), {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Code::Unavailable);
}

TEST(Exec, ReadsExitCodesOutOfStatuses) {
  EXPECT_EQ(exit_code_of_status(json(kSuccess)), 0);
  EXPECT_EQ(exit_code_of_status(json(kExit3)), 3);
  const auto missing = exit_code_of_status(json(
      R"({"status":"Failure","message":"executable file not found in $PATH","reason":"InternalError","code":500})"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(), "executable file not found in $PATH");
}

}  // namespace
}  // namespace lateen::kube
