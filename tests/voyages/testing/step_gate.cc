#include "voyages/testing/step_gate.h"

#include <filesystem>

#include <gtest/gtest.h>

namespace lateen::voyages {

std::unique_ptr<StepGate> StepGate::start(const Harbour& harbour,
                                          const std::string& s3,
                                          const std::string& bucket) {
  auto program = objects::s3::ServerProgram::start(
      {objects::s3::test_python(), objects::s3::tool_path("step_gate.py"),
       harbour.kubeconfig().string(), s3, "/" + bucket});
  if (!program) {
    ADD_FAILURE() << program.error().describe();
    return nullptr;
  }
  const FilePath kubeconfig = harbour.dir() / "kubeconfig-of-gate";
  write_text(kubeconfig,
             fmt::format("apiVersion: v1\nkind: Config\ncurrent-context: gate\n"
                         "clusters: [{{name: gate, cluster: {{server: {}}}}}]\n"
                         "users: [{{name: gate, user: {{}}}}]\n"
                         "contexts: [{{name: gate, context: {{cluster: gate, user: gate}}}}]\n",
                         (*program)->url()));
  return std::make_unique<StepGate>(std::move(*program), kubeconfig);
}

void StepGate::shut_at(const Step& step) {
  EXPECT_TRUE(
      program_->ask(fmt::format(R"({{"shut": {}, "when": "{}"}})", step.number, step.side)));
}

void StepGate::open() {
  EXPECT_TRUE(program_->ask(R"({"shut": 0})"));
}

Json StepGate::state() {
  const auto line = program_->ask(R"({"state": true})");
  EXPECT_TRUE(line) << (line ? "" : line.error().describe());
  const auto json = line ? parse_json(*line) : Result<Json>(line.error());
  return json ? *json : Json();
}

int StepGate::count() {
  return static_cast<int>(int_at(state(), "count").value_or(0));
}

std::string StepGate::held() {
  return std::string(string_at(state(), "held"));
}

std::size_t stored_snapshots(const Harbour& harbour) {
  std::size_t count = 0;
  std::error_code problem;
  const auto options = std::filesystem::directory_options::skip_permission_denied;
  for (std::filesystem::recursive_directory_iterator at(harbour.sandbox_dir(), options, problem);
       at != std::filesystem::recursive_directory_iterator(); at.increment(problem)) {
    if (problem) break;
    const bool below = at->path().string().find("/snapshots/") != std::string::npos;
    if (below && at->path().filename() == "snapshot.json") ++count;
  }
  return count;
}

}  // namespace lateen::voyages
