// Faults on request: what people may ask for, and whom it then strikes.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sandbox/faults/fault.h"
#include "sandbox/faults/fault_book.h"

namespace lateen::sandbox {
namespace {

using namespace std::literals;

Fault fault_of(std::string_view json) {
  auto parsed = parse_fault(*parse_json(json));
  EXPECT_TRUE(parsed) << parsed.error().message();
  return parsed ? std::move(*parsed) : Fault();
}

std::string refusal_of(std::string_view json) {
  const auto parsed = parse_fault(*parse_json(json));
  return parsed ? "" : parsed.error().message();
}

// Which of the next `n` list requests of pods in shop are struck, as "..x.".
std::string pattern(FaultBook& book, int n) {
  static constexpr FaultKind kKinds[] = {FaultKind::Throttle};
  std::string out;
  for (int i = 0; i < n; ++i) {
    const auto strikes =
        book.strike_all(kKinds, kKinds, {.verb = "list", .resource = "pods", .ns = "shop"});
    out += strikes.empty() ? '.' : 'x';
  }
  return out;
}

std::string pattern_of(std::string_view json, int n, std::uint64_t seed = 1) {
  FaultBook book(seed);
  EXPECT_TRUE(book.add(fault_of(json)));
  return pattern(book, n);
}

TEST(Fault, ComesBackAsItWasWritten) {
  const std::vector<std::string> faults = {
      R"({"delay":"200ms","jitter":"50ms","kind":"latency","name":"slow","resources":["pods","*.velero.io"],"verbs":["get"]})",
      R"({"kind":"throttle","name":"t","probability":0.05,"retryAfter":"3s","seed":7})",
      R"({"count":2,"kind":"error","message":"etcd is away","name":"e","retryAfter":"1s","status":503})",
      R"({"every":3,"kind":"reset","name":"r","skip":1,"userAgents":["velero*"],"when":"after"})",
      R"({"events":2,"kind":"watch-drop","name":"w","paths":["/apis*"]})",
      R"({"classes":["fast"],"delay":"1m0s","kind":"snapshot-delay","name":"s","namespaces":["shop"]})",
      R"({"kind":"node-lost","name":"n"})"};
  for (const std::string& text : faults)
    EXPECT_EQ(write_json(to_json(fault_of(text))), text);
}

TEST(Fault, IsRefusedWithTheReason) {
  EXPECT_EQ(
      refusal_of(R"({"kind":"slow"})"),
      "kind: there is no fault \"slow\"; there are latency, throttle, error, reset, conflict, "
      "gone, watch-drop, snapshot-delay, snapshot-failure, provision-hang, "
      "provision-failure, node-lost");
  EXPECT_EQ(refusal_of(R"({"kind":"latency"})"), "delay: a latency fault needs one, like 200ms");
  EXPECT_EQ(refusal_of(R"({"kind":"latency","delay":"200"})"),
            "delay: must be a duration like 200ms or 1m30s, not \"200\"");
  EXPECT_EQ(refusal_of(R"({"kind":"throttle","delay":"1s"})"),
            "delay: a throttle fault has no such member; it has verbs resources namespaces names "
            "userAgents paths skip every probability count seed retryAfter");
  EXPECT_EQ(refusal_of(R"({"kind":"throttle","probability":5})"),
            "probability: must be above 0 and at most 1");
  EXPECT_EQ(refusal_of(R"({"kind":"conflict","verbs":["get"]})"),
            "verbs: a conflict fault happens to update and patch alone, never to get");
  EXPECT_EQ(refusal_of(R"({"kind":"error","status":200})"),
            "status: must be a whole number from 400");
  EXPECT_EQ(refusal_of(R"({"kind":"reset","when":"later"})"),
            "when: must be before, during or after, not \"later\"");
}

TEST(Fault, FitsByPatternsOfEachPart) {
  const FaultSubject subject{.verb = "update",
                             .resource = "deployments.apps",
                             .subresource = "status",
                             .ns = "shop-1",
                             .name = "web",
                             .user_agent = "kubectl/v1.32.4 (linux/amd64)"};
  const auto yes = [&](std::string_view json) { return fits(fault_of(json).target, subject); };
  EXPECT_TRUE(yes(R"({"kind":"throttle"})"));
  EXPECT_TRUE(yes(R"({"kind":"throttle","resources":["deployments"]})"));
  EXPECT_TRUE(yes(R"({"kind":"throttle","resources":["*.apps"]})"));
  EXPECT_TRUE(yes(R"({"kind":"throttle","resources":["pods","deployments/status"]})"));
  EXPECT_TRUE(yes(R"({"kind":"throttle","namespaces":["shop-*"],"userAgents":["kubectl*"]})"));
  EXPECT_FALSE(yes(R"({"kind":"throttle","resources":["deployments/scale"]})"));
  EXPECT_FALSE(yes(R"({"kind":"throttle","resources":["*.batch"]})"));
  EXPECT_FALSE(yes(R"({"kind":"throttle","verbs":["get"]})"));
  EXPECT_FALSE(yes(R"({"kind":"throttle","names":["web-?"]})"));
}

TEST(FaultBook, StrikesByOrdinal) {
  EXPECT_EQ(pattern_of(R"({"kind":"throttle"})", 4), "xxxx");
  EXPECT_EQ(pattern_of(R"({"kind":"throttle","every":3})", 7), "..x..x.");
  EXPECT_EQ(pattern_of(R"({"kind":"throttle","skip":2,"count":3})", 8), "..xxx...");
  EXPECT_EQ(pattern_of(R"({"kind":"throttle","skip":1,"every":2,"count":1})", 6), "..x...");
  EXPECT_EQ(pattern_of(R"({"kind":"throttle","namespaces":["bank"]})", 3), "...");
}

TEST(FaultBook, StrikesByChanceTheSameWayEachTime) {
  const std::string json = R"({"kind":"throttle","name":"t","probability":0.2})";
  const std::string first = pattern_of(json, 2000);
  EXPECT_EQ(pattern_of(json, 2000), first);
  EXPECT_NE(pattern_of(json, 2000, /*seed=*/2), first);
  EXPECT_NE(pattern_of(R"({"kind":"throttle","name":"t","probability":0.2,"seed":9})", 2000),
            first);
  // A binomial with this mean of 400 has a standard deviation of 18.
  const auto struck = std::ranges::count(first, 'x');
  EXPECT_GT(struck, 310);
  EXPECT_LT(struck, 490);
}

TEST(FaultBook, NamesCountsAndClears) {
  FaultBook book;
  EXPECT_TRUE(book.empty());
  EXPECT_EQ((*book.add(fault_of(R"({"kind":"throttle","every":2})")))->name, "throttle-1");
  EXPECT_EQ((*book.add(fault_of(R"({"kind":"throttle","verbs":["get"]})")))->name, "throttle-2");
  const auto twice = book.add(fault_of(R"({"kind":"error","name":"throttle-1"})"));
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message(), "there is a fault throttle-1 already");
  EXPECT_EQ(pattern(book, 5), ".x.x.");
  const auto records = book.list();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].matched, 5U);
  EXPECT_EQ(records[0].struck, 2U);
  EXPECT_EQ(records[1].matched, 0U);
  EXPECT_EQ(book.clear("nobody").error().message(), "there is no fault nobody");
  EXPECT_EQ(*book.clear("throttle-2"), 1U);
  EXPECT_EQ(*book.clear(""), 1U);
  EXPECT_TRUE(book.empty());
  EXPECT_EQ(pattern(book, 3), "...");
}

TEST(FaultBook, AsksNoFurtherOnceTheAnswerIsDecided) {
  FaultBook book;
  ASSERT_TRUE(book.add(fault_of(R"({"kind":"throttle","name":"first","every":2})")));
  ASSERT_TRUE(book.add(fault_of(R"({"kind":"throttle","name":"second"})")));
  EXPECT_EQ(pattern(book, 4), "xxxx");
  EXPECT_EQ(book.list()[0].struck, 2U);
  EXPECT_EQ(book.list()[1].struck, 2U);
}

TEST(FaultBook, AnswersTheSameForTheSameKey) {
  FaultBook book;
  ASSERT_TRUE(book.add(fault_of(R"({"kind":"provision-hang","every":2})")));
  const auto hangs = [&](const std::string& uid) {
    return book.strike(FaultKind::ProvisionHang, {.ns = "shop"}, uid).has_value();
  };
  EXPECT_FALSE(hangs("a"));
  EXPECT_TRUE(hangs("b"));
  EXPECT_FALSE(hangs("a"));
  EXPECT_TRUE(hangs("b"));
  EXPECT_EQ(book.list()[0].matched, 2U);
}

TEST(FaultFile, HoldsASeedAndFaults) {
  const auto file = parse_fault_file(R"(
seed: 42
faults:
  - kind: latency
    delay: 100ms
  - kind: node-lost
)");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->seed, 42U);
  ASSERT_EQ(file->faults.size(), 2U);
  EXPECT_EQ(file->faults[0].delay, 100ms);
  EXPECT_EQ(parse_fault_file("- kind: reset\n")->faults.size(), 1U);
  EXPECT_EQ(parse_fault_file("faults: [{kind: nope}]").error().message().substr(0, 31),
            "fault 1: kind: there is no faul");
  EXPECT_EQ(parse_fault_file("falts: []").error().message(),
            "falts: a file of faults has seed and faults, nothing else");
}

}  // namespace
}  // namespace lateen::sandbox
