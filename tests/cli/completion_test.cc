#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/process.h"
#include "cli/commands.h"
#include "cli/testing/recorded_console.h"

namespace lateen::cli {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> offered(const std::vector<std::string>& words) {
  const NameSource names = [](std::string_view kind) -> std::vector<std::string> {
    return {std::string(kind) + "-1", std::string(kind) + "-2"};
  };
  const Completion completion = complete(root_command("velero"), words, names);
  if (completion.files) return {":files"};
  std::vector<std::string> values;
  for (const Candidate& candidate : completion.candidates)
    values.push_back(candidate.value);
  return values;
}

TEST(Completion, OffersCommands) {
  EXPECT_THAT(offered({""}), AllOf(Contains("backup"), Contains("restore"), Contains("install")));
  EXPECT_THAT(offered({"backup-"}), ElementsAre("backup-location"));
  EXPECT_THAT(offered({"backup", "de"}), ElementsAre("describe", "delete"));
  EXPECT_THAT(offered({"completion", ""}), ElementsAre("bash", "zsh", "fish"));
}

TEST(Completion, OffersFlagsOfTheCommandAndOfAll) {
  EXPECT_THAT(offered({"backup", "create", "--snap"}),
              ElementsAre("--snapshot-volumes", "--snapshot-move-data"));
  EXPECT_THAT(offered({"backup", "get", "-"}),
              AllOf(Contains("--selector"), Contains("--kubeconfig"), Not(Contains("--vmodule"))));
}

TEST(Completion, OffersTheValuesOfAFlag) {
  EXPECT_THAT(offered({"backup", "get", "-o", ""}), ElementsAre("table", "json", "yaml"));
  EXPECT_THAT(offered({"backup", "describe", "-o", ""}), ElementsAre("plaintext", "json"));
  EXPECT_THAT(offered({"backup", "get", "--output=j"}), ElementsAre("--output=json"));
  EXPECT_THAT(offered({"backup", "create", "--snapshot-volumes="}),
              ElementsAre("--snapshot-volumes=true", "--snapshot-volumes=false"));
  EXPECT_THAT(offered({"restore", "create", "--from-backup", ""}),
              ElementsAre("backup-1", "backup-2"));
  EXPECT_THAT(offered({"backup", "create", "x", "--storage-location", ""}),
              ElementsAre("backup-location-1", "backup-location-2"));
  EXPECT_THAT(offered({"--kubeconfig", ""}), ElementsAre(":files"));
  EXPECT_THAT(offered({"backup", "download", "x", "-o", ""}), ElementsAre(":files"));
}

TEST(Completion, OffersWhatFiltersName) {
  EXPECT_THAT(offered({"backup", "create", "x", "--include-namespaces", ""}),
              ElementsAre("namespace-1", "namespace-2"));
  EXPECT_THAT(offered({"backup", "create", "x", "--exclude-resources=r"}),
              ElementsAre("--exclude-resources=resource-1", "--exclude-resources=resource-2"));
  EXPECT_THAT(offered({"restore", "create", "--from-backup", "b", "--include-resources", ""}),
              ElementsAre("resource-of-backup-1", "resource-of-backup-2"));
}

TEST(Completion, GoesOnBehindTheLastCommaOfAList) {
  EXPECT_THAT(offered({"backup", "create", "x", "--include-namespaces", "shop,na"}),
              ElementsAre("shop,namespace-1", "shop,namespace-2"));
}

TEST(Completion, UnderstandsWordsThatBashHasSplit) {
  EXPECT_THAT(offered({"backup", "get", "--output", "=", "j"}), ElementsAre("json"));
  EXPECT_THAT(offered({"backup", "get", "--output", "="}), ElementsAre("table", "json", "yaml"));
  EXPECT_THAT(offered({"--namespace", "=", "x", "schedule", "pa"}), ElementsAre("pause"));
}

TEST(Completion, OffersNamesThatAreNotGivenYet) {
  EXPECT_THAT(offered({"backup", "describe", ""}), ElementsAre("backup-1", "backup-2"));
  EXPECT_THAT(offered({"backup", "delete", "--confirm", "backup-1", ""}), ElementsAre("backup-2"));
  EXPECT_THAT(offered({"get", "schedules", ""}), ElementsAre("schedule-1", "schedule-2"));
  EXPECT_THAT(offered({"backup-location", "set", ""}),
              ElementsAre("backup-location-1", "backup-location-2"));
  EXPECT_THAT(offered({"-n", "x", "restore", "logs", "--", ""}),
              ElementsAre("restore-1", "restore-2"));
  EXPECT_THAT(offered({"backup", "create", ""}), IsEmpty());
}

TEST(Completion, OfNonsenseIsNothing) {
  EXPECT_THAT(offered({}), Contains("backup"));
  EXPECT_THAT(offered({"frob", ""}), IsEmpty());
  EXPECT_THAT(offered({"="}), IsEmpty());
  EXPECT_THAT(offered({"--frob="}), IsEmpty());
  EXPECT_THAT(offered({"--frob", ""}), Not(IsEmpty()));
}

TEST(CompletionCommand, SaysWhichShellsThereAre) {
  RecordedConsole console;
  const SystemClock clock;
  EXPECT_EQ(dispatch(root_command("velero"), {"completion", "tcsh"}, console, clock, {}), 1);
  EXPECT_EQ(console.printed, "Invalid shell specified, specify bash, zsh, or fish\n");
}

TEST(CompletionCommand, BeginsZshsScriptSoThatItCanBeSourced) {
  const auto script = completion_script("zsh", "velero");
  ASSERT_TRUE(script);
  EXPECT_TRUE(script->starts_with("#compdef velero\ncompdef _velero velero\n"));
}

TEST(CompletionCommand, NamesAFunctionThatEveryShellTakes) {
  const auto script = completion_script("bash", "lateen-0.1");
  ASSERT_TRUE(script);
  EXPECT_NE(script->find("complete -F _lateen_0_1 lateen-0.1\n"), std::string::npos);
}

// What a real bash has in COMPREPLY after the words of one line.
std::string bash_replies(const std::string& comp_words) {
  const std::string program = LATEEN_BINARY;
  const std::string script = "source <(" + program + " completion bash)\nCOMP_WORDS=(" +
                             comp_words + ")\nCOMP_WORDS[0]=" + program +
                             "\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_lateen\n"
                             "printf '%s ' \"${COMPREPLY[@]}\"\n";
  ProcessSpec spec;
  spec.argv = {"bash", "--norc", "-c", script};
  auto done = run_process(spec, Deadline::after(std::chrono::seconds(60)), {});
  EXPECT_TRUE(done) << done.error().message();
  if (!done) return "";
  EXPECT_EQ(done->err, "");
  return done->out;
}

TEST(CompletionInBash, CompletesCommandsFlagsAndValues) {
  EXPECT_EQ(bash_replies("lateen backup de"), "describe delete ");
  EXPECT_EQ(bash_replies("lateen backup get --label"), "--label-columns ");
  EXPECT_EQ(bash_replies("lateen backup get --output = js"), "json ");
  EXPECT_EQ(bash_replies("lateen completion ''"), "bash zsh fish ");
  EXPECT_EQ(bash_replies("lateen --kubeconfig /et"), "/etc ");
}

// The other shells at least read their scripts, where they are installed.
class CompletionSyntax : public ::testing::TestWithParam<std::string> {};

TEST_P(CompletionSyntax, IsWhatTheShellUnderstands) {
  const auto script = completion_script(GetParam(), "lateen");
  ASSERT_TRUE(script);
  ProcessSpec spec;
  spec.argv = {GetParam(), "-n"};
  spec.stdin_bytes = *script;
  auto done = run_process(spec, Deadline::after(std::chrono::seconds(60)), {});
  if (!done && done.error().is(Code::NotFound)) GTEST_SKIP() << "no " << GetParam() << " here";
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->exit_code, 0);
  EXPECT_EQ(done->err, "");
}

INSTANTIATE_TEST_SUITE_P(Shells, CompletionSyntax, ::testing::Values("bash", "zsh", "fish"));

}  // namespace
}  // namespace lateen::cli
