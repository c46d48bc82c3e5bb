// The tree of commands, in cobra's ways.
#include "cli/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/testing/recorded_console.h"

namespace lateen::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Outcome {
  int code;
  std::string printed;
  std::string complained;
};

Outcome run_line(const std::vector<std::string>& words, const std::string& program = "velero") {
  RecordedConsole console;
  const SystemClock clock;
  const int code = dispatch(root_command(program), words, console, clock, {});
  return {.code = code, .printed = console.printed, .complained = console.complained};
}

TEST(Commands, AnUnknownOneIsSaidTwiceAsCobraAndVeleroDo) {
  const Outcome outcome = run_line({"frob"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.complained,
            "Error: unknown command \"frob\" for \"velero\"\n"
            "Run 'velero --help' for usage.\n"
            "An error occurred: unknown command \"frob\" for \"velero\"\n");
}

TEST(Commands, AnUnknownOneIsNamedEvenBehindFlagsNobodyKnows) {
  EXPECT_EQ(run_line({"-n", "x", "frob", "--hop"}).complained, run_line({"frob"}).complained);
}

TEST(Commands, AGroupWithAnUnknownOnePrintsItsHelp) {
  const Outcome outcome = run_line({"backup", "frob"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.printed,
              StartsWith("Work with backups\n\nUsage:\n  velero backup [command]\n"));
  EXPECT_EQ(outcome.complained, "");
}

TEST(Commands, LateenSaysThatAGroupHasNoSuchCommand) {
  const Outcome outcome = run_line({"repo", "frob"}, "lateen");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.printed, "");
  EXPECT_THAT(outcome.complained,
              StartsWith("Error: unknown command \"frob\" for \"lateen repo\"\n"));
  EXPECT_EQ(run_line({"repo"}, "lateen").code, 0);
}

TEST(Commands, AnUnknownFlagIsRefused) {
  const Outcome outcome = run_line({"backup", "get", "--frob"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.complained, HasSubstr("Error: unknown flag: --frob\n"));
  EXPECT_THAT(outcome.complained, HasSubstr("An error occurred: unknown flag: --frob\n"));
  EXPECT_THAT(run_line({"backup", "get", "-z"}).complained,
              HasSubstr("unknown shorthand flag: 'z' in -z\n"));
  EXPECT_THAT(run_line({"backup", "get", "-o"}).complained,
              HasSubstr("flag needs an argument: 'o' in -o\n"));
  EXPECT_THAT(run_line({"backup", "get", "--output"}).complained,
              HasSubstr("flag needs an argument: --output\n"));
}

TEST(Commands, ErrorsComeWithVelerosWords) {
  const std::string backup = "An error occurred: ";
  EXPECT_EQ(run_line({"backup", "get", "-o", "x"}).complained,
            "An error occurred: invalid output format \"x\" - valid values are 'table', 'json', "
            "and 'yaml'\n");
  EXPECT_EQ(run_line({"backup", "describe", "-o", "yaml"}).complained,
            "An error occurred: invalid output format 'yaml'. valid value are 'plaintext, json'\n");
  EXPECT_THAT(run_line({"backup", "delete"}).complained,
              StartsWith("An error occurred: you must specify exactly one of: specific backup "
                         "name(s), the --all flag, or the --selector flag\n"));
  EXPECT_THAT(run_line({"backup", "logs", "a", "b"}).complained,
              StartsWith("An error occurred: accepts 1 arg(s), received 2\n"));
  EXPECT_EQ(run_line({"schedule", "pause", "s", "--skip-immediately"}, "lateen").complained,
            "Error: flag needs an argument: --skip-immediately\n"
            "Run 'lateen schedule pause --help' for usage.\n"
            "An error occurred: flag needs an argument: --skip-immediately\n");
  EXPECT_THAT(run_line({"schedule", "create", "s"}).complained,
              StartsWith("An error occurred: --schedule is required\n"));
}

TEST(Commands, UnderVelerosNameAWrongFlagIsAnsweredWithTheWholeUsage) {
  const std::string said = run_line({"backup", "get", "--frob"}).complained;
  EXPECT_THAT(said, StartsWith("Error: unknown flag: --frob\nUsage:\n  velero backup get "));
  EXPECT_TRUE(said.ends_with("\n\nAn error occurred: unknown flag: --frob\n")) << said;
}

TEST(Commands, AnObjectThatIsNotThereHasACodeOfItsOwn) {
  const auto probe = [](const std::string& program) {
    Command root{.name = program, .usage = "", .summary = ""};
    root.children.push_back(
        {.name = "backup", .usage = "", .summary = "", .run = [](Invocation&) -> Result<int> {
           return Error(Code::NotFound, "not found");
         }});
    root.children.push_back(root.children.front());
    root.children.back().name = "repo";
    return root;
  };
  RecordedConsole console;
  const SystemClock clock;
  EXPECT_EQ(dispatch(probe("lateen"), {"backup"}, console, clock, {}), 10);
  EXPECT_EQ(dispatch(probe("lateen"), {"repo"}, console, clock, {}), 1);
  EXPECT_EQ(dispatch(probe("velero"), {"backup"}, console, clock, {}), 1);
}

TEST(Commands, TheHelpOfACommandIsLaidOutAsCobraDoes) {
  const Outcome outcome = run_line({"backup", "get", "--help"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.printed,
              StartsWith("Get backups\n\nUsage:\n  velero backup get [NAME...] [flags]\n\nFlags:\n"
                         "  -h, --help "));
  EXPECT_THAT(outcome.printed, HasSubstr("help for get\n"));
  EXPECT_THAT(outcome.printed, HasSubstr("\nGlobal Flags:\n"));
  EXPECT_THAT(outcome.printed, HasSubstr("  -n, --namespace string"));
  EXPECT_THAT(outcome.printed, HasSubstr("(default \"velero\")"));
}

TEST(Commands, HelpIsACommandToo) {
  EXPECT_EQ(run_line({"help", "backup", "get"}).printed,
            run_line({"backup", "get", "--help"}).printed);
  EXPECT_EQ(run_line({"help"}).printed, run_line({}).printed);
  EXPECT_EQ(run_line({"help", "frob"}).code, 1);
}

TEST(Commands, TheRootsFlagsAreItsOwn) {
  const std::string help = run_line({}).printed;
  EXPECT_THAT(help, HasSubstr("\n  backup            Work with backups\n"));
  EXPECT_THAT(help, HasSubstr("\nFlags:\n"));
  EXPECT_EQ(help.find("Global Flags:"), std::string::npos);
  EXPECT_TRUE(
      help.ends_with("\nUse \"velero [command] --help\" for more information about a command.\n"))
      << help;
}

TEST(Commands, TheTreeHasVelerosNames) {
  const Command root = root_command("velero");
  const std::vector<std::vector<std::string>> paths = {{"backup", "create"},
                                                       {"backup", "get"},
                                                       {"backup", "describe"},
                                                       {"backup", "logs"},
                                                       {"backup", "download"},
                                                       {"backup", "delete"},
                                                       {"restore", "create"},
                                                       {"restore", "get"},
                                                       {"restore", "describe"},
                                                       {"restore", "logs"},
                                                       {"restore", "delete"},
                                                       {"schedule", "create"},
                                                       {"schedule", "get"},
                                                       {"schedule", "describe"},
                                                       {"schedule", "delete"},
                                                       {"schedule", "pause"},
                                                       {"schedule", "unpause"},
                                                       {"backup-location", "create"},
                                                       {"backup-location", "get"},
                                                       {"backup-location", "set"},
                                                       {"backup-location", "delete"},
                                                       {"snapshot-location", "create"},
                                                       {"snapshot-location", "get"},
                                                       {"snapshot-location", "set"},
                                                       {"get", "backups"},
                                                       {"get", "backup"},
                                                       {"get", "restores"},
                                                       {"get", "schedules"},
                                                       {"get", "backup-locations"},
                                                       {"get", "snapshot-locations"},
                                                       {"describe", "backups"},
                                                       {"describe", "restores"},
                                                       {"describe", "schedules"},
                                                       {"create", "backup"},
                                                       {"create", "restore"},
                                                       {"create", "schedule"},
                                                       {"create", "backup-location"},
                                                       {"create", "snapshot-location"},
                                                       {"delete", "backup"},
                                                       {"delete", "restore"},
                                                       {"delete", "schedule"},
                                                       {"delete", "backup-location"},
                                                       {"install"},
                                                       {"version"},
                                                       {"client", "config", "get"},
                                                       {"client", "config", "set"},
                                                       {"completion"},
                                                       {"help"}};
  for (const auto& path : paths) {
    const Command* command = &root;
    for (const std::string& word : path) {
      command = command == nullptr ? nullptr : find_child(*command, word);
    }
    EXPECT_NE(command, nullptr) << ::testing::PrintToString(path);
    EXPECT_TRUE(command == nullptr || command->run) << ::testing::PrintToString(path);
  }
  EXPECT_EQ(find_child(*find_child(root, "snapshot-location"), "delete"), nullptr);
}

TEST(Commands, FlagsMayStandBeforeTheCommand) {
  EXPECT_EQ(run_line({"-n", "backup", "backup", "describe", "-o", "yaml"}).complained,
            run_line({"backup", "describe", "-o", "yaml"}).complained);
  EXPECT_EQ(run_line({"--kubeconfig", "get", "backup", "describe", "-oyaml"}).complained,
            run_line({"backup", "describe", "--output=yaml"}).complained);
}

// A tree of one command that tells what it was given.
Outcome run_probe(const std::vector<std::string>& words) {
  Command root{.name = "probe", .usage = "", .summary = "Probe"};
  root.children.push_back(
      {.name = "run",
       .usage = "",
       .summary = "Run",
       .flags = {{.name = "wait", .kind = FlagKind::Bool, .usage = "", .shorthand = "w"},
                 {.name = "name", .usage = "", .shorthand = "x"}},
       .run = [](Invocation& call) -> Result<int> {
         call.console.out(fmt::format("{}|{}|{}", fmt::join(call.args, ","), call.flags.is("wait"),
                                      call.flags.text("name")));
         return 7;
       },
       .max_args = 3});
  RecordedConsole console;
  const SystemClock clock;
  const int code = dispatch(root, words, console, clock, {});
  return {.code = code, .printed = console.printed, .complained = console.complained};
}

TEST(Commands, TakeFlagsInPflagsWays) {
  EXPECT_EQ(run_probe({"run", "a", "-w", "b"}).printed, "a,b|true|");
  EXPECT_EQ(run_probe({"run", "-wxv"}).printed, "|true|v");
  EXPECT_EQ(run_probe({"run", "-x=v"}).printed, "|false|v");
  EXPECT_EQ(run_probe({"run", "-x", "v", "--wait=false"}).printed, "|false|v");
  EXPECT_EQ(run_probe({"run", "--name", "--wait"}).printed, "|false|--wait");
  EXPECT_EQ(run_probe({"run", "--name="}).printed, "|false|");
  EXPECT_EQ(run_probe({"run", "--", "-w", "", "--"}).printed, "-w,,--|false|");
  EXPECT_EQ(run_probe({"-x", "run", "run"}).printed, "|false|run");
  EXPECT_EQ(run_probe({"run"}).code, 7);
}

TEST(Commands, RefuseTooManyArguments) {
  const Outcome outcome = run_probe({"run", "a", "b", "c", "d"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.complained, "An error occurred: accepts at most 3 arg(s), received 4\n");
}

TEST(Commands, AnErrorsAdviceStandsBelowIt) {
  Command root{.name = "probe", .usage = "", .summary = "Probe"};
  root.run = [](Invocation&) -> Result<int> {
    return Error(Code::NotFound, "no such thing").with_hint("Make one.");
  };
  RecordedConsole console;
  const SystemClock clock;
  EXPECT_EQ(dispatch(root, {}, console, clock, {}), 1);
  EXPECT_EQ(console.complained, "An error occurred: no such thing\n  Make one.\n");
}

}  // namespace
}  // namespace lateen::cli
