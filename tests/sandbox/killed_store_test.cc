// What was acknowledged survives SIGKILL at any instant, a hundred times over: a child writes to
// the API as fast as it can and notes each answer; we kill it and look.
#include <array>
#include <atomic>
#include <csignal>
#include <thread>

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/random.h"
#include "base/temp.h"
#include "sandbox/api/api_server.h"
#include "sandbox/store/store.h"

namespace lateen::sandbox {
namespace {

constexpr int kKills = 100;
constexpr std::size_t kWriters = 4;

const GroupVersionResource kMaps{.group = "", .version = "v1", .resource = "configmaps"};
const GroupVersionResource kNamespaces{.group = "", .version = "v1", .resource = "namespaces"};

Json map_of(const std::string& name, std::string_view state) {
  return {{"metadata", {{"name", name}, {"namespace", "shop"}}}, {"data", {{"state", state}}}};
}

std::string name_of(int round, std::size_t writer, std::size_t cycle, char which) {
  return fmt::format("r{}-w{}-{}{}", round, writer, cycle, which);
}

// Four writes a cycle: a is created and updated, b is created and deleted.
bool write_one(ApiServer& api, int round, std::size_t writer, std::size_t step) {
  const std::string a = name_of(round, writer, step / 4, 'a');
  const std::string b = name_of(round, writer, step / 4, 'b');
  switch (step % 4) {
    case 0:
      return api.create(kMaps, "shop", map_of(a, "new"), {}).has_value();
    case 1:
      return api.update(kMaps, map_of(a, "updated"), {}).has_value();
    case 2:
      return api.create(kMaps, "shop", map_of(b, "new"), {}).has_value();
    default:
      return api.remove(kMaps, "shop", b, {}).has_value();
  }
}

// The child: runs until it is killed. A byte a write, for each writer in a file of its own.
void write_until_killed(const FilePath& dir, int round) {
  SystemClock clock;
  SystemRng rng;
  const auto store = Store::open({.path = (dir / "state.db").string()});
  if (!store) return;
  ApiServer api(**store, clock, rng, Log());
  (void)api.create(kNamespaces, "", {{"metadata", {{"name", "shop"}}}}, {});  // there from round 1
  std::vector<std::jthread> writers;
  for (std::size_t w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      const auto notes = open_for_appending(dir / fmt::format("acknowledged-{}", w));
      for (std::size_t step = 0; notes && write_one(api, round, w, step); ++step)
        (void)write_all(notes->get(), "x");
    });
  }
}

// A process of its own, killed with its parent. No other thread runs when this is called.
pid_t spawn_writers(const FilePath& dir, int round) {
  const pid_t child = fork();
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  write_until_killed(dir, round);
  _exit(1);
}

class KilledStoreTest : public ::testing::Test {
 protected:
  FilePath notes(std::size_t writer) const {
    return dir_.path() / fmt::format("acknowledged-{}", writer);
  }

  std::size_t acknowledged(std::size_t writer) const {
    const auto text = read_file(notes(writer), 16_MiB);
    return text ? text->size() : 0;
  }

  std::size_t all_acknowledged() const {
    std::size_t sum = 0;
    for (std::size_t w = 0; w < kWriters; ++w)
      sum += acknowledged(w);
    return sum;
  }

  // Lets a child write until it has had a number of answers that differs from round to round.
  void run_and_kill(int round) {
    for (std::size_t w = 0; w < kWriters; ++w)
      (void)remove_file(notes(w));  // not there before the first round
    const pid_t child = spawn_writers(dir_.path(), round);
    ASSERT_GT(child, 0);
    const std::size_t enough = 1 + static_cast<std::size_t>(round * 7 % 24);
    const Deadline end = Deadline::after(std::chrono::seconds(120));
    while (all_acknowledged() < enough) {
      ASSERT_EQ(waitpid(child, nullptr, WNOHANG), 0) << "the writer ended by itself";
      ASSERT_FALSE(end.expired());
      sleep_unless_stopped(std::chrono::microseconds(500), {});
    }
    ASSERT_EQ(kill(child, SIGKILL), 0);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
  }

  // "" when it is not there.
  static std::string state_of(const Store& store, const std::string& name) {
    const StoredPtr found = store.find("configmaps", "shop", name);
    if (!found) return {};
    return found->bytes.find("\"updated\"") != Bytes::npos ? "updated" : "new";
  }

  // Writes below `done` have been acknowledged; the one that is `done` may or may not have
  // happened.
  static void check_writer(const Store& store, int round, std::size_t writer, std::size_t done) {
    for (std::size_t cycle = 0; cycle * 4 <= done; ++cycle) {
      const std::size_t first = cycle * 4;
      const std::string a = name_of(round, writer, cycle, 'a');
      const std::string b = name_of(round, writer, cycle, 'b');
      const std::string state_a = state_of(store, a);
      const std::string state_b = state_of(store, b);
      EXPECT_TRUE(done <= first || !state_a.empty()) << a << " is lost";
      EXPECT_TRUE(done <= first + 1 || state_a == "updated") << a << " lost its update";
      EXPECT_TRUE(done <= first + 3 || state_b.empty()) << b << " came back";
      EXPECT_TRUE(done >= first + 2 || state_b.empty()) << b << " was never asked for";
    }
  }

  TempDir dir_ = std::move(*TempDir::create("lateen-killed"));
};

TEST_F(KilledStoreTest, LosesNothingThatItAcknowledgedInAHundredKills) {
  std::uint64_t newest = 0;
  std::vector<std::array<std::size_t, kWriters>> done;
  for (int round = 0; round < kKills && !HasFatalFailure() && !HasNonfatalFailure(); ++round) {
    run_and_kill(round);
    const auto store = Store::open({.path = (dir_.path() / "state.db").string()});
    ASSERT_TRUE(store) << "after kill " << round << ": " << store.error().describe();
    std::array<std::size_t, kWriters>& counts = done.emplace_back();
    for (std::size_t w = 0; w < kWriters; ++w) {
      counts[w] = acknowledged(w);
      check_writer(**store, round, w, counts[w]);
    }
    EXPECT_GT((*store)->revision(), newest) << "versions went back in round " << round;
    newest = (*store)->revision();
  }
  // And what was there stayed there through all later rounds.
  const auto store = Store::open({.path = (dir_.path() / "state.db").string()});
  ASSERT_TRUE(store);
  for (std::size_t round = 0; round < done.size(); ++round) {
    for (std::size_t w = 0; w < kWriters; ++w)
      check_writer(**store, static_cast<int>(round), w, done[round][w]);
  }
}

}  // namespace
}  // namespace lateen::sandbox
