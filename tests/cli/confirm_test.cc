// What commands on several objects ask and print: docs/reference/cli.md and cli.schema.json say
// the same.
#include "cli/confirm.h"

#include <gtest/gtest.h>

#include "cli/testing/recorded_console.h"

namespace lateen::cli {
namespace {

using Given = std::vector<std::pair<std::string, std::string>>;

// One call of a delete, with these flags and names.
struct DeleteCall {
  explicit DeleteCall(const Given& given, std::vector<std::string> names = {})
      : args(std::move(names)) {
    for (const auto& [name, value] : given)
      EXPECT_TRUE(flags.set(*flags.find(name), value));
  }

  DeleteCall(const DeleteCall&) = delete;
  DeleteCall& operator=(const DeleteCall&) = delete;
  ~DeleteCall() = default;

  Flags flags{delete_flags("backups")};
  std::vector<std::string> args;
  RecordedConsole console;
  SystemClock clock;
  Invocation call{.flags = flags,
                  .args = args,
                  .console = console,
                  .clock = clock,
                  .program = "lateen",
                  .stop = {}};
};

TEST(Deleting, TellsInJsonWhatWasDeletedAndWhatWasNot) {
  DeleteCall it(Given{{"output", "json"}});
  const auto code = report_removal(
      {.names = {"a", "b"}, .problems = {"backups.velero.io \"c\" not found"}}, "deleted", it.call);
  EXPECT_FALSE(code);
  EXPECT_EQ(it.console.printed,
            "{\n"
            "  \"deleted\": [\n    \"a\",\n    \"b\"\n  ],\n"
            "  \"dryRun\": false,\n"
            "  \"errors\": [\n    \"backups.velero.io \\\"c\\\" not found\"\n  ]\n"
            "}\n");
}

TEST(Deleting, ShowsWhatADryRunWouldDeleteAndDeletesNothing) {
  DeleteCall it(Given{{"dry-run", "true"}, {"confirm", "true"}}, {"a*"});
  EXPECT_FALSE(shall_remove({"a1", "a2"}, "backups", it.call));
  EXPECT_EQ(it.console.printed, "Would delete these backups:\n  a1\n  a2\n");
}

TEST(Deleting, ShowsWhatAGlobCaughtBeforeItAsks) {
  DeleteCall it(Given{}, {"a*"});
  it.console.answers = {"x", "Y"};
  EXPECT_TRUE(shall_remove({"a1", "a2"}, "backups", it.call));
  EXPECT_EQ(it.console.printed,
            "To be deleted (2 backups):\n  a1\n  a2\n"
            "Are you sure you want to continue (Y/N)? Are you sure you want to continue (Y/N)? ");
}

TEST(Deleting, AsksWithoutAListWhereNamesSayItAll) {
  DeleteCall it(Given{}, {"a1"});
  it.console.answers = {"n"};
  EXPECT_FALSE(shall_remove({"a1"}, "backups", it.call));
  EXPECT_EQ(it.console.printed, "Are you sure you want to continue (Y/N)? ");
}

TEST(Deleting, AsksOnStandardErrorWhereADocumentIsPrinted) {
  DeleteCall it(Given{{"output", "json"}}, {"a*"});
  it.console.answers = {"y"};
  EXPECT_TRUE(shall_remove({"a1"}, "backups", it.call));
  EXPECT_EQ(it.console.printed, "");
  EXPECT_EQ(it.console.complained, "Are you sure you want to continue (Y/N)? ");
}

TEST(Deleting, FindsNothingWithoutAnError) {
  DeleteCall it(Given{}, {"none"});
  EXPECT_EQ(report_none({}, "backups", "deleted", it.call).value_or(-1), 0);
  EXPECT_EQ(it.console.printed, "No backups found\n");
}

}  // namespace
}  // namespace lateen::cli
