#include "voyages/testing/aws_gate.h"

#include <gtest/gtest.h>

#include "base/environment.h"
#include "base/text.h"
#include "voyages/testing/program.h"

namespace lateen::voyages {
namespace {

constexpr std::chrono::minutes kInstall{5};
constexpr std::chrono::seconds kStart{120};

// moto knows by the scope of a signature which service and region are meant.
std::string credential_for(std::string_view service) {
  return fmt::format(
      "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/{}/{}/aws4_request, "
      "SignedHeaders=host, Signature=0",
      service == "s3" ? "us-east-1" : "eu-west-1", service);
}

std::string answer_of(const Words& argv, std::string_view body) {
  const Outcome ran = run_program(argv, {.input = std::string(body)});
  EXPECT_TRUE(ran.ok()) << ran.story();
  return ran.out;
}

std::string read_line(int fd, Deadline deadline) {
  std::string line;
  while (!line.ends_with('\n') && !deadline.expired()) {
    const auto some = read_some(fd, 1);
    if (!some || some->empty()) break;
    line += *some;
  }
  return line;
}

}  // namespace

std::unique_ptr<AwsGate> AwsGate::start() {
  const std::string tools = std::string(LATEEN_SOURCE_DIR) + "/tests/tools";
  const Outcome python = run_program({tools + "/python-env.sh"}, {.within = kInstall});
  if (!python.ok()) {
    ADD_FAILURE() << python.story();
    return nullptr;
  }
  auto child =
      Child::spawn({.argv = {std::string(trim(python.out)), "-W", "ignore", "-m", "awsgate"},
                    .cwd = tools + "/awsgate",
                    .in = Stdio::pipe(),
                    .out = Stdio::pipe(),
                    .err = Stdio::inherit()});
  if (!child) {
    ADD_FAILURE() << child.error().describe();
    return nullptr;
  }
  const std::string line = read_line(child->out().get(), Deadline::after(kStart));
  const auto addresses = parse_json(line);
  if (!addresses) {
    ADD_FAILURE() << "the gate says: " << line;
    return nullptr;
  }
  return std::make_unique<AwsGate>(std::move(*child), std::string(string_at(*addresses, "gate")),
                                   std::string(string_at(*addresses, "upstream")));
}

Json AwsGate::control(std::string_view name, const Json& settings) const {
  const std::string answer =
      answer_of({"curl", "-sS", "--fail-with-body", "-X", "POST", "--data-binary", "@-",
                 fmt::format("{}/_awsgate/{}", url_, name)},
                write_json(settings));
  auto parsed = parse_json(answer);
  EXPECT_TRUE(parsed) << answer;
  return parsed ? std::move(*parsed) : Json();
}

std::string AwsGate::token(std::string_view subject, int lifetime_seconds) const {
  const Json answer =
      control("token", JsonObject{{"subject", subject}, {"lifetime", lifetime_seconds}});
  return std::string(string_at(answer, "token"));
}

std::string AwsGate::ec2(const std::string& form) const {
  return answer_of({"curl", "-sS", "-X", "POST", "-H", credential_for("ec2"), "--data-binary", "@-",
                    moto_ + "/"},
                   form + "&Version=2016-11-15");
}

std::string AwsGate::s3(std::string_view method,
                        const std::string& path,
                        std::string_view body) const {
  Words argv = {"curl", "-sS", "-X", std::string(method), "-H", credential_for("s3")};
  // Not curl's default for data, a form: moto would read it as one.
  if (!body.empty()) {
    argv.insert(argv.end(),
                {"-H", "Content-Type: application/octet-stream", "--data-binary", "@-"});
  }
  argv.push_back(moto_ + path);
  return answer_of(argv, body);
}

std::string AwsGate::element(const std::string& xml, std::string_view name) {
  const Cut before = cut(xml, fmt::format("<{}>", name));
  const Cut after = cut(before.after, fmt::format("</{}>", name));
  EXPECT_TRUE(before.found && after.found) << name << " is not in " << xml;
  return std::string(after.before);
}

int AwsGate::count(const std::string& text, std::string_view part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

}  // namespace lateen::voyages
