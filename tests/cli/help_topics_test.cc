// Pages of the documents in the program, and how a terminal shows them.
#include "cli/help_topics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands.h"
#include "cli/testing/recorded_console.h"

namespace lateen::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct HelpAnswer {
  int code;
  std::string printed;
  std::string complained;
};

HelpAnswer ask_for_help(const std::string& program, const std::vector<std::string>& words) {
  RecordedConsole console;
  const SystemClock clock;
  const int code = dispatch(root_command(program), words, console, clock, {});
  return {.code = code, .printed = console.printed, .complained = console.complained};
}

TEST(HelpTopics, APageIsShownWithoutItsMarkup) {
  EXPECT_EQ(
      plain_page(
          "# Title\n\n"
          "<!-- a note to the tests -->\n"
          "Read [the page](other.md#there), **now**, or [the site](https://example.org/x).\n\n"
          "## Part\n\n"
          "```console\n$ ls [a](b)\n```\n\n"
          "| gone | ask |\n|---|---|\n| one | `ls` |\n| two words | `a \\| b` |\n"),
      "Title\n=====\n\n"
      "Read the page, now, or the site (https://example.org/x).\n\n"
      "Part\n----\n\n"
      "    $ ls [a](b)\n\n"
      "  gone       ask\n"
      "  one        `ls`\n"
      "  two words  `a | b`\n");
}

TEST(HelpTopics, EveryTopicIsListedAndShown) {
  const HelpAnswer list = ask_for_help("lateen", {"help", "topics"});
  EXPECT_EQ(list.code, 0);
  ASSERT_FALSE(help_pages().empty());
  for (const HelpPage& page : help_pages()) {
    EXPECT_THAT(list.printed, HasSubstr(std::string(page.name)));
    const HelpAnswer shown = ask_for_help("lateen", {"help", std::string(page.name)});
    EXPECT_EQ(shown.code, 0);
    EXPECT_THAT(shown.printed, Not(HasSubstr("<!--"))) << page.name;
    EXPECT_THAT(shown.printed, Not(HasSubstr("](")))
        << page.name << ": a link must not be broken over two lines";
  }
}

TEST(HelpTopics, NoTopicHasTheNameOfACommand) {
  for (const HelpPage& page : help_pages())
    EXPECT_EQ(find_child(root_command("lateen"), page.name), nullptr) << page.name;
}

TEST(HelpTopics, UnderVelerosNameThereAreNone) {
  const HelpAnswer answer = ask_for_help("velero", {"help", "quickstart"});
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.complained, HasSubstr("unknown help topic \"quickstart\""));
  EXPECT_THAT(answer.complained, Not(HasSubstr("topics")));
}

TEST(HelpTopics, TheReferenceHasEveryCommandOnce) {
  const std::string page = ask_for_help("lateen", {"help", "--reference"}).printed;
  EXPECT_THAT(page, StartsWith("# Commands and flags\n"));
  EXPECT_THAT(page, HasSubstr("\n## lateen backup create\n"));
  EXPECT_THAT(page, Not(HasSubstr("\n## lateen create backup\n")));
}

}  // namespace
}  // namespace lateen::cli
