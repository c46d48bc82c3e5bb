#include "plugins/handshake.h"

#include <gtest/gtest.h>

namespace lateen::plugins {
namespace {

TEST(Handshake, IsWhatTheRealAwsPluginPrints) {
  const auto read = parse_handshake("1|2|unix|/tmp/plugin2167632731|grpc|");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, (Handshake{.network = "unix", .address = "/tmp/plugin2167632731"}));
}

TEST(Handshake, MayLackTheCertificateOrSayMoreAfterIt) {
  EXPECT_TRUE(parse_handshake("1|2|unix|/tmp/p|grpc"));
  EXPECT_TRUE(parse_handshake("1|2|unix|/tmp/p|grpc||true\r"));
  EXPECT_EQ(parse_handshake("1|2|tcp|127.0.0.1:10000|grpc|").value().address, "127.0.0.1:10000");
}

struct BadLine {
  std::string name;
  std::string line;
  std::string why;
};

class BadHandshake : public ::testing::TestWithParam<BadLine> {};

TEST_P(BadHandshake, IsRefusedWithTheReason) {
  const auto read = parse_handshake(GetParam().line);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message().find(GetParam().why), std::string::npos)
      << read.error().message();
}

INSTANTIATE_TEST_SUITE_P(
    ,
    BadHandshake,
    ::testing::ValuesIn(std::vector<BadLine>{
        {"Empty", "", "fewer than four parts"},
        {"APrint", "Welcome to the plugin!", "it printed \"Welcome to the plugin!\""},
        {"AnotherCore", "2|2|unix|/tmp/p|grpc|", "the plugin protocol is not 1"},
        {"AnotherInterface", "1|1|unix|/tmp/p|grpc|", "plugin interface is not 2"},
        {"NetRpc", "1|2|unix|/tmp/p", "does not speak gRPC"},
        {"NetRpcSaid", "1|2|unix|/tmp/p|netrpc|", "does not speak gRPC"},
        {"Tls", "1|2|unix|/tmp/p|grpc|MIIBIj", "wants TLS"},
        {"AnotherNetwork", "1|2|udp|/tmp/p|grpc|", "neither unix nor tcp"},
        {"RelativeSocket", "1|2|unix|p|grpc|", "no absolute path"},
        {"NoPort", "1|2|tcp|127.0.0.1|grpc|", "not host:port"},
        {"PortTooLarge", "1|2|tcp|127.0.0.1:70000|grpc|", "not host:port"},
        {"NoText", std::string("\xff\x00\x01", 3), "fewer than four parts"}}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace lateen::plugins
