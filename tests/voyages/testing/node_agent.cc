#include "voyages/testing/node_agent.h"

#include <csignal>

#include <gtest/gtest.h>

#include "base/environment.h"

namespace lateen::voyages {

using std::chrono::seconds;

std::unique_ptr<NodeAgent> NodeAgent::start(const Harbour& harbour) {
  const FilePath log = harbour.dir() / "node-agent.log";
  auto file = open_for_appending(log);
  if (!file) {
    ADD_FAILURE() << file.error().message();
    return nullptr;
  }
  const std::string before = text_of(log);
  std::vector<std::string> variables;
  for (const auto& [name, value] : harbour.surroundings().env)
    variables.push_back(fmt::format("{}={}", name, value));
  auto child =
      Child::spawn({.argv = {lateen_binary(), "node-agent", "server", "--node-name", "sandbox",
                             "--host-pods", (harbour.sandbox_dir() / "pods").string()},
                    .env = with_variables(environment(), variables),
                    .cwd = harbour.dir(),
                    .out = Stdio::to(file->get()),
                    .err = Stdio::to(file->get())});
  if (!child) {
    ADD_FAILURE() << child.error().message();
    return nullptr;
  }
  harbour.note_process(child->pid());
  auto agent = std::make_unique<NodeAgent>(std::move(*child), log);
  const bool started = wait_until(
      "the node agent has started",
      [&] {
        return agent->log().find("Node agent started", before.size()) != std::string::npos ||
               !agent->runs();
      },
      seconds(60));
  if (started && agent->runs()) return agent;
  ADD_FAILURE() << "the node agent did not start:\n" << agent->log();
  return nullptr;
}

NodeAgent::~NodeAgent() {
  if (runs()) child_.terminate(seconds(5));
}

void NodeAgent::kill9() {
  const Status killed = child_.signal(SIGKILL);
  EXPECT_TRUE(killed) << killed.error().message();
  const auto end = child_.wait(Deadline::after(seconds(10)), {});
  EXPECT_TRUE(end) << end.error().message();
}

std::string NodeAgent::log() const {
  return text_of(log_);
}

FilePath folder_of_claim(const Harbour& harbour, const std::string& ns, const std::string& claim) {
  const Json bound = harbour.get({"-n", ns, "pvc", claim});
  const Json volume = harbour.get({"pv", std::string(string_at(bound, "spec.volumeName"))});
  return harbour.sandbox_dir() / "volumes" / string_at(volume, "spec.csi.volumeHandle") / "data";
}

}  // namespace lateen::voyages
