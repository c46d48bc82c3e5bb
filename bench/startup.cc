#include <algorithm>

#include "base/process.h"
#include "base/text.h"
#include "bench/commands.h"
#include "bench/measure.h"

namespace lateen::bench {
namespace {

struct Timed {
  std::vector<std::string> argv;
  std::vector<double> milliseconds = {};
};

Status run_once(Timed& timed, std::stop_token stop) {
  const Stopwatch watch;
  const ProcessResult result =
      TRY(run_process({.argv = timed.argv}, Deadline::after(std::chrono::seconds(30)), stop));
  timed.milliseconds.push_back(watch.seconds() * 1000);
  if (result.ok()) return {};
  return Error(Code::Internal, "{}: {}: {}", join(timed.argv, " "), result.describe_end(),
               trim(result.err));
}

}  // namespace

Result<JsonObject> startup(const std::vector<std::string>& commands,
                           std::size_t runs,
                           std::stop_token stop) {
  std::vector<Timed> all;
  for (const std::string& command : commands)
    all.push_back({.argv = split_trimmed(command, ' ')});
  // In turn, so that a slow moment of the machine meets all of them; the first round warms caches.
  for (std::size_t run = 0; run <= runs; ++run) {
    for (Timed& timed : all) {
      if (run == 1) timed.milliseconds.clear();
      TRY(run_once(timed, stop));
    }
  }
  JsonArray answers;
  for (Timed& timed : all) {
    std::sort(timed.milliseconds.begin(), timed.milliseconds.end());
    answers.push_back(JsonObject{{"command", join(timed.argv, " ")},
                                 {"minMs", timed.milliseconds.front()},
                                 {"medianMs", timed.milliseconds[timed.milliseconds.size() / 2]}});
  }
  return JsonObject{{"runs", runs}, {"commands", std::move(answers)}};
}

}  // namespace lateen::bench
