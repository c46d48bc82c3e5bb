#include "voyages/testing/first_failure.h"

#include <algorithm>
#include <iostream>

#include <gtest/gtest.h>

#include "base/text.h"
#include "voyages/testing/harbour.h"

namespace lateen::voyages {
namespace {

constexpr std::size_t kLinesOfLog = 80;
constexpr std::size_t kLinesOfEvents = 40;

std::string last_lines(std::string_view text, std::size_t count) {
  std::vector<std::string_view> lines = split(trim(text), '\n');
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<long>(count));
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

// Fails nothing itself: it is called while a failure is being noted.
std::string asked(const Harbour& harbour, const Words& words) {
  const Outcome ran = harbour.kubectl(words);
  return ran.out + ran.err;
}

std::string story_of(const Harbour& harbour) {
  std::string story = fmt::format("== {} as it is now\n", harbour.dir().string());
  story += asked(harbour,
                 {"-n", "velero", "get", "--ignore-not-found", "--request-timeout=20s",
                  "backups.velero.io,restores.velero.io,schedules.velero.io,"
                  "backupstoragelocations.velero.io,backuprepositories.velero.io,"
                  "podvolumebackups.velero.io,podvolumerestores.velero.io,datauploads.velero.io,"
                  "datadownloads.velero.io,deletebackuprequests.velero.io,restoredrills.lateen.io",
                  "-o",
                  "custom-columns=KIND:.kind,NAME:.metadata.name,PHASE:.status.phase,"
                  "MESSAGE:.status.message,REASON:.status.failureReason"});
  story += "-- pods and claims\n" +
           asked(harbour, {"get", "pods,pvc", "-A", "-o", "wide", "--request-timeout=20s"});
  story += "-- the latest Events\n" +
           last_lines(asked(harbour, {"get", "events", "-A", "--sort-by=.lastTimestamp",
                                      "--request-timeout=20s"}),
                      kLinesOfEvents);
  std::vector<FilePath> logs = {harbour.sandbox_log()};
  const auto entries = list_dir(harbour.dir());
  for (std::size_t i = 0; entries && i < entries->size(); ++i) {
    if ((*entries)[i].name.ends_with(".log")) logs.push_back(harbour.dir() / (*entries)[i].name);
  }
  for (const FilePath& log : logs) {
    const auto text = read_file(log);
    story += fmt::format("-- the end of {}\n{}", log.filename().string(),
                         text ? last_lines(*text, kLinesOfLog) : text.error().message() + "\n");
  }
  return story;
}

// Not thread-safe: voyages have one thread.
class FirstFailure final : public ::testing::EmptyTestEventListener {
 public:
  // GoogleTest owns it.
  static FirstFailure& get() {
    static FirstFailure* const listener = [] {
      auto made = std::make_unique<FirstFailure>();
      FirstFailure* const kept = made.get();
      ::testing::UnitTest::GetInstance()->listeners().Append(made.release());
      return kept;
    }();
    return *listener;
  }

  void add(const Harbour& harbour) { harbours_.push_back(&harbour); }

  void remove(const Harbour& harbour) { std::erase(harbours_, &harbour); }

  void OnTestStart(const ::testing::TestInfo& /*test*/) override { told_ = false; }

  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed() || told_) return;
    told_ = true;
    for (const Harbour* harbour : harbours_)
      std::cerr << story_of(*harbour);
  }

 private:
  std::vector<const Harbour*> harbours_;
  bool told_ = false;
};

}  // namespace

void tell_of_failures_in(const Harbour& harbour) {
  FirstFailure::get().add(harbour);
}

void forget_failures_in(const Harbour& harbour) {
  FirstFailure::get().remove(harbour);
}

}  // namespace lateen::voyages
