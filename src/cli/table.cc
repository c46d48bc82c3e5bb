#include "cli/table.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace lateen::cli {
namespace {

constexpr std::size_t kTablePadding = 3;
constexpr std::size_t kTableMinWidth = 6;
constexpr std::size_t kTabPadding = 2;

// Characters, not bytes: good enough for names, which are ASCII nearly always.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

void pad(std::string& out, std::string_view cell, std::size_t width) {
  out += cell;
  const std::size_t own = width_of(cell);
  if (own < width) out.append(width - own, ' ');
}

using Lines = std::vector<std::vector<std::string_view>>;

// tabwriter's rule: a column is a run of adjacent lines that all have a tab-ended cell at that
// place.
void format_column(const Lines& lines,
                   std::size_t from,
                   std::size_t to,
                   std::vector<std::size_t>& widths,
                   std::string& out) {
  const std::size_t column = widths.size();
  std::size_t line = from;
  while (line < to) {
    if (lines[line].size() <= column + 1) {
      for (std::size_t i = 0; i + 1 < lines[line].size(); ++i)
        pad(out, lines[line][i], widths[i]);
      out += lines[line].back();
      out += '\n';
      ++line;
      continue;
    }
    std::size_t end = line;
    std::size_t width = 0;
    while (end < to && lines[end].size() > column + 1) {
      width = std::max(width, width_of(lines[end][column]) + kTabPadding);
      ++end;
    }
    widths.push_back(width);
    format_column(lines, line, end, widths, out);
    widths.pop_back();
    line = end;
  }
}

}  // namespace

std::string print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  std::vector<std::vector<std::string>> cells = rows;
  for (auto& row : cells) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::size_t newline = row[i].find('\n');
      if (newline != std::string::npos) row[i] = row[i].substr(0, newline) + "...";
      if (widths.size() <= i) widths.push_back(kTableMinWidth);
      widths[i] = std::max(widths[i], width_of(row[i]) + kTablePadding);
    }
  }
  std::string out;
  for (const auto& row : cells) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i + 1 < row.size()) {
        pad(out, row[i], widths[i]);
      } else {
        out += row[i];
      }
    }
    out += '\n';
  }
  return out;
}

std::string print_list(std::string_view heading, const std::vector<std::string>& lines) {
  if (lines.empty()) return {};
  std::string text = fmt::format("\n{}:\n", heading);
  for (const std::string& line : lines)
    text += fmt::format("  {}\n", line);
  return text;
}

std::string align_tabs(std::string_view text) {
  if (text.empty()) return {};
  Lines lines;
  std::string_view rest = text;
  if (rest.ends_with('\n')) rest.remove_suffix(1);
  for (const std::string_view line : split(rest, '\n'))
    lines.push_back(split(line, '\t'));
  std::string out;
  std::vector<std::size_t> widths;
  format_column(lines, 0, lines.size(), widths, out);
  return out;
}

}  // namespace lateen::cli
