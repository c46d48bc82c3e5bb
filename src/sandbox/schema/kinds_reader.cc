#include "sandbox/schema/kinds_reader.h"

namespace lateen::sandbox::schema {

std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
    if (text.empty()) parts.push_back(text);
  }
  return parts;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (const std::string_view part : parts_of(line, ' ')) {
    if (!part.empty()) words.push_back(part);
  }
  return words;
}

std::vector<std::string_view> fact_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::string_view line : parts_of(text, '\n')) {
    while (!line.empty() && line.back() == ' ')
      line.remove_suffix(1);
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin == std::string_view::npos || line[begin] == '#') continue;
    lines.push_back(line);
  }
  return lines;
}

bool take_prefix(std::string_view& word, std::string_view prefix) {
  if (!word.starts_with(prefix)) return false;
  word.remove_prefix(prefix.size());
  return true;
}

}  // namespace lateen::sandbox::schema
