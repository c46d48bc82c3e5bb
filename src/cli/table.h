// Columns of text as kubectl and Velero lay them out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lateen::cli {

// Rows of equally many cells; the first row is the heading. Columns are as wide as their longest
// cell and at least six, with three blanks between them; what stands behind a newline in a cell is
// cut and marked "...".
std::string print_table(const std::vector<std::vector<std::string>>& rows);

// The lines, indented, under their heading and a blank line; nothing when there are none.
std::string print_list(std::string_view heading, const std::vector<std::string>& lines);

// Go's text/tabwriter with minimum width 0, tab width 8 and padding 2, as describe uses it: cells
// end with a tab, and adjacent lines align. The last cell of a line is not part of a column.
std::string align_tabs(std::string_view text);

}  // namespace lateen::cli
