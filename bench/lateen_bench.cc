// The loads and the plain peers that Lateen is measured against; bench/run.sh drives it.
//   lateen_bench load OBJECTS CONNECTIONS [secrets] | pages CONNECTIONS |
//     cluster OBJECTS CONNECTIONS WATCHERS | startup RUNS COMMAND… | micro
#include <cstdlib>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/signal.h"
#include "base/text.h"
#include "bench/commands.h"

namespace lateen::bench {
namespace {

Result<JsonObject> run(const std::vector<std::string>& words, std::stop_token stop) {
  const auto number = [&words](std::size_t at) -> Result<std::size_t> {
    const unsigned long value =
        at < words.size() ? std::strtoul(words[at].c_str(), nullptr, 10) : 0;
    if (value == 0) return Error(Code::InvalidArgument, "{} takes a number here", words[1]);
    return value;
  };
  const std::string verb = words.size() > 1 ? words[1] : "";
  if (verb == "micro") return micro(stop);
  if (verb == "startup") {
    const std::size_t runs = TRY(number(2));
    return startup({words.begin() + 3, words.end()}, runs, stop);
  }
  if (verb != "load" && verb != "pages" && verb != "cluster") {
    return Error(
        Code::InvalidArgument,
        "usage: lateen_bench load OBJECTS CONNECTIONS [secrets] | pages CONNECTIONS | cluster "
        "OBJECTS CONNECTIONS WATCHERS | startup RUNS COMMAND… | micro");
  }
  const std::size_t connections = TRY(number(verb == "pages" ? 2 : 3));
  // A watch holds on to its place, too.
  const std::size_t places = connections + (verb == "cluster" ? TRY(number(4)) : 0);
  // As many requests at once as were asked for, from the first to the last.
  const auto client =
      TRY(kube::Client::open(TRY(kube::load_cluster_config({})),
                             {.user_agent = "lateen-bench",
                              .limiter = {.initial = places, .min = places, .max = places}}));
  if (verb == "pages") return pages(*client, connections, stop);
  if (verb == "cluster") {
    ClusterLoad wanted{.objects = TRY(number(2)), .connections = connections};
    wanted.watchers = TRY(number(4));
    return cluster(*client, wanted, stop);
  }
  const bool secrets = words.size() > 4 && words[4] == "secrets";
  return load(*client, TRY(number(2)), connections, secrets ? Mix::Secrets : Mix::Everything, stop);
}

}  // namespace
}  // namespace lateen::bench

int main(int argc, char** argv) {
  lateen::ignore_sigpipe();
  const lateen::StopOnSignals signals;
  const auto answer = lateen::bench::run({argv, argv + argc}, signals.token());
  if (!answer) {
    (void)lateen::write_all(2, "lateen_bench: " + std::string(answer.error().message()) + "\n");
    return 1;
  }
  return lateen::write_all(1, lateen::write_json(*answer) + "\n") ? 0 : 1;
}
