// Two servers of one namespace: one works, the other waits; and one that was paused past its Lease
// comes back to nothing.
#include <algorithm>

#include <signal.h>

#include "base/text.h"
#include "voyages/testing/voyage.h"

namespace lateen::voyages {
namespace {

using std::chrono::seconds;

class TwoServersVoyage : public Voyage<TwoServersVoyage> {
 public:
  // No shorter: a server that a busy machine keeps from renewing it would lose it.
  static Words server_flags() { return {"--leader-elect-lease-duration", "12s"}; }

 protected:
  static std::unique_ptr<Server> start_second(const std::string& name) {
    ServerProgram program{.name = name,
                          .arguments = {"server", "--metrics-address", "127.0.0.1:0"},
                          .started = "Waiting to lead",
                          .patience = seconds(120)};
    const Words flags = server_flags();
    program.arguments.insert(program.arguments.end(), flags.begin(), flags.end());
    return Server::start_program(harbour(), program);
  }

  static std::string holder() {
    const auto lease =
        harbour().find({"-n", "velero", "leases.coordination.k8s.io", "lateen-server"});
    return lease ? std::string(string_at(*lease, "spec.holderIdentity")) : std::string();
  }

  // host_machine_pid_start
  static pid_t pid_of(const std::string& identity) {
    const auto pid = parse_int(cut_last(cut_last(identity, "_").before, "_").after);
    EXPECT_TRUE(pid) << identity;
    return pid ? static_cast<pid_t>(*pid) : 0;
  }

  static Words backups_of(const std::string& schedule) {
    return harbour().names(
        {"-n", "velero", "backups.velero.io", "-l", "velero.io/schedule-name=" + schedule});
  }

  static void wait_for_backups(std::size_t count) {
    wait_until(fmt::format("there are {} backups", count),
               [&] { return backups_of("often").size() >= count; });
  }
};

TEST_F(TwoServersVoyage, OneThatIsPausedPastItsLeaseIsEndedAndNoBackupIsMadeTwice) {
  harbour().must_kubectl({"create", "namespace", "quay"});
  const auto second = start_second("successor");
  ASSERT_NE(second, nullptr);
  const std::string first_holder = holder();
  const pid_t first = pid_of(first_holder);
  ASSERT_GT(first, 0);
  harbour().must_lateen({"schedule", "create", "often", "--schedule", "@every 2s",
                         "--include-namespaces", "quay", "--include-resources", "configmaps"});
  wait_for_backups(1);
  ASSERT_EQ(::kill(first, SIGSTOP), 0);
  Words begun;
  for (const std::string& name : backups_of("often")) {
    if (phase_of("backups", name) != "Completed") begun.push_back(name);
  }
  wait_until("the second server leads",
             [&] { return second->log().find("Server started") != std::string::npos; });
  EXPECT_NE(holder(), first_holder);
  EXPECT_FALSE(server().runs()) << "a stopped process that could go on writing";
  (void)::kill(first, SIGCONT);  // there is nobody any more
  wait_for_backups(backups_of("often").size() + 1);
  harbour().must_lateen({"schedule", "pause", "often"});
  const Words names = backups_of("often");
  for (std::size_t i = 1; i < names.size(); ++i) {
    const auto earlier = parse_int(cut_last(names[i - 1], "-").after);
    const auto later = parse_int(cut_last(names[i], "-").after);
    ASSERT_TRUE(earlier && later) << names[i];
    EXPECT_GE(*later - *earlier, 2) << names[i - 1] << " and " << names[i] << " are of one tick";
  }
  for (const std::string& name : names) {
    // What the first one was at when it was stopped may have failed, and nothing else.
    const bool may_fail = std::ranges::count(begun, name) != 0;
    wait_until(name + " has ended", [&] {
      const std::string phase = phase_of("backups", name);
      return phase == "Completed" || (may_fail && phase == "Failed");
    });
  }
}

TEST_F(TwoServersVoyage, OneThatIsToldToStopHandsOverAtOnce) {
  const auto second = start_second("heir");
  ASSERT_NE(second, nullptr);
  const std::string first_holder = holder();
  server().stop();
  wait_until("the second server leads",
             [&] { return second->log().find("Server started") != std::string::npos; });
  EXPECT_NE(holder(), first_holder);
  EXPECT_NE(server().log().find("Server is stopping"), std::string::npos);
}

}  // namespace
}  // namespace lateen::voyages
