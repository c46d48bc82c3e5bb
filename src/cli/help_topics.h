// Pages of docs/ that are built into the program, for `lateen help TOPIC`: what one wants to read
// where there is neither a browser nor a checkout.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lateen::cli {

struct HelpPage {
  std::string_view name;      // the topic
  std::string_view path;      // "docs/how-to/retention.md"
  std::string_view markdown;  // the page as it is
};

// By name. Written by cmake/help_pages.cmake, from the list in src/CMakeLists.txt.
std::span<const HelpPage> help_pages();

// Null when there is no such topic.
const HelpPage* find_help_page(std::string_view name);

// The topics with the titles of their pages.
std::string list_help_pages();

// A page as a terminal shows it: headings underlined, commands indented, tables in columns, links
// by their words.
std::string plain_page(std::string_view markdown);

}  // namespace lateen::cli
