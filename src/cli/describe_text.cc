#include "cli/describe_text.h"

#include <fmt/format.h>

#include "cli/table.h"

namespace lateen::cli {
namespace {

std::string tabs(int depth) {
  return std::string(static_cast<std::size_t>(depth), '\t');
}

}  // namespace

void DescriptionText::line(int depth, std::string_view text) {
  text_ += fmt::format("{}{}{}\n", prefix_, tabs(depth), text);
}

void DescriptionText::heading(int depth, std::string_view label) {
  line(depth, fmt::format("{}:", label));
}

void DescriptionText::field(int depth, std::string_view label, std::string_view value) {
  line(depth, fmt::format("{}:\t{}", label, value));
}

void DescriptionText::field(int depth, std::string_view label, std::int64_t value) {
  field(depth, label, std::to_string(value));
}

void DescriptionText::remark(int depth, std::string_view label, std::string_view value) {
  line(depth, fmt::format("{}: {}", label, value));
}

void DescriptionText::map(std::string_view label, const model::StringMap& map) {
  if (map.empty()) field(0, label, "<none>");
  std::string before = fmt::format("{}:", label);
  for (const auto& [key, value] : map) {
    line(0, fmt::format("{}\t{}={}", before, key, value));
    before.clear();
  }
}

void DescriptionText::list(int depth, std::string_view label, const model::StringList& list) {
  // The value of an empty list stands one column further for each tab before the label: Velero's
  // layout, which people's eyes and scripts know.
  if (list.empty()) field(depth, label, tabs(depth) + "<none>");
  std::string before = fmt::format("{}:", label);
  for (const std::string& value : list) {
    line(depth, fmt::format("{}\t{}", before, value));
    before.clear();
  }
}

std::string DescriptionText::time(const std::optional<TimePoint>& t,
                                  std::string_view absent) const {
  return t ? format_go_time(*t, style_.zone) : std::string(absent);
}

std::string DescriptionText::laid_out() const {
  return align_tabs(text_);
}

std::string DescriptionText::painted(std::string_view text,
                                     std::string_view on,
                                     std::string_view off) const {
  if (!style_.colors) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[{}m", on, text, off);
}

}  // namespace lateen::cli
