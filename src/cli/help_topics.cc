#include "cli/help_topics.h"

#include <algorithm>

#include "base/text.h"
#include "cli/table.h"

namespace lateen::cli {
namespace {

bool is_fence(std::string_view line) {
  return trim(line).starts_with("```");
}

bool is_table_row(std::string_view line) {
  return line.starts_with("|") && line.size() > 1;
}

// "[words](page.md#there)" as "words", and a link that leads out of docs/ with its address.
std::string without_links(std::string_view line) {
  std::string plain;
  while (!line.empty()) {
    const std::size_t open = line.find('[');
    const std::size_t middle = open == line.npos ? line.npos : line.find("](", open);
    const std::size_t close = middle == line.npos ? line.npos : line.find(')', middle);
    if (close == line.npos) break;
    const std::string_view target = line.substr(middle + 2, close - middle - 2);
    plain += line.substr(0, open);
    plain += line.substr(open + 1, middle - open - 1);
    if (target.starts_with("https://")) plain += fmt::format(" ({})", target);
    line.remove_prefix(close + 1);
  }
  return plain + std::string(line);
}

std::string plain_line(std::string_view line) {
  return replace_all(without_links(line), "**", "");
}

// The heading's words under a line of their own; the deeper ones as they are.
std::string plain_heading(std::string_view line) {
  const std::size_t depth = line.find_first_not_of('#');
  const std::string words = plain_line(trim(line.substr(std::min(depth, line.size()))));
  if (depth > 2) return words + "\n";
  return words + "\n" + std::string(words.size(), depth == 1 ? '=' : '-') + "\n";
}

// "| a | b |" as "a<tab>b": what align_tabs takes. The row of dashes below the heading is left out.
std::string table_line(std::string_view line) {
  std::vector<std::string> cells;
  const std::string_view trimmed = trim(line);
  const std::string inside = replace_all(trimmed.substr(1, trimmed.size() - 2), "\\|", "\x01");
  for (const std::string_view cell : split(inside, '|'))
    cells.push_back(replace_all(plain_line(trim(cell)), "\x01", "|"));
  const auto is_rule = [](const std::string& cell) {
    return cell.find_first_not_of("-:") == std::string::npos && !cell.empty();
  };
  if (std::all_of(cells.begin(), cells.end(), is_rule)) return "";
  const bool is_empty =
      std::all_of(cells.begin(), cells.end(), [](const std::string& cell) { return cell.empty(); });
  return is_empty ? "" : "  " + join(cells, "\t") + "\n";
}

// Comments are notes to the tests.
std::string without_comments(std::string_view markdown) {
  std::string kept;
  while (true) {
    const std::size_t open = markdown.find("<!--");
    kept += markdown.substr(0, open);
    if (open == markdown.npos) return kept;
    const std::size_t close = markdown.find("-->", open);
    if (close == markdown.npos) return kept;
    markdown.remove_prefix(close + 3);
    if (markdown.starts_with("\n")) markdown.remove_prefix(1);
  }
}

std::string_view title_of(std::string_view markdown) {
  const std::size_t at = markdown.find("# ");
  return at == markdown.npos ? "" : cut(markdown.substr(at + 2), "\n").before;
}

}  // namespace

const HelpPage* find_help_page(std::string_view name) {
  for (const HelpPage& page : help_pages()) {
    if (page.name == name) return &page;
  }
  return nullptr;
}

std::string list_help_pages() {
  std::string rows;
  for (const HelpPage& page : help_pages())
    rows += fmt::format("  {}\t{}\n", page.name, title_of(page.markdown));
  return align_tabs(rows);
}

std::string plain_page(std::string_view markdown) {
  const std::string page = without_comments(markdown);
  std::string text;
  std::string table;
  bool in_fence = false;
  for (const std::string_view line : split(trim(page), '\n')) {
    if (!in_fence && is_table_row(line)) {
      table += table_line(line);
      continue;
    }
    text += align_tabs(table);
    table.clear();
    if (is_fence(line)) {
      in_fence = !in_fence;
    } else if (in_fence) {
      text += line.empty() ? "\n" : fmt::format("    {}\n", line);
    } else if (line.starts_with("#")) {
      text += plain_heading(line);
    } else {
      text += plain_line(line) + "\n";
    }
  }
  return text + align_tabs(table);
}

}  // namespace lateen::cli
