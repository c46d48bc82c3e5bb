// Reading the notation of *.kinds line by line: internal to this folder.
#pragma once

#include <string_view>
#include <vector>

namespace lateen::sandbox::schema {

// The lines of a text that say something: blank ones and comments are left out, ends trimmed.
std::vector<std::string_view> fact_lines(std::string_view text);

// The words of a line.
std::vector<std::string_view> words_of(std::string_view line);

// The parts between separators; none of an empty text.
std::vector<std::string_view> parts_of(std::string_view text, char separator);

// Cuts `prefix` off `word`; false, and nothing changed, when it does not begin so.
bool take_prefix(std::string_view& word, std::string_view prefix);

}  // namespace lateen::sandbox::schema
