#include "cli/repo/time_text.h"

#include <array>

#include "base/text.h"
#include "base/time.h"

namespace lateen::cli::repo {
namespace {

Error not_a_time(std::string_view text) {
  return Error(Code::InvalidArgument, "\"{}\" is not a time", text)
      .with_hint("Write it like 2026-11-22 10:09:21 or 2026-11-22.");
}

// Numbers parted by `separator`, as many as there may be; fewer leave the rest alone.
bool take_numbers(std::string_view text, char separator, std::span<int* const> out) {
  const std::vector<std::string_view> parts = split(text, separator);
  if (parts.size() > out.size()) return false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto number = parse_int(parts[i]);
    if (!number || *number < 0 || *number > 9999) return false;
    *out[i] = static_cast<int>(*number);
  }
  return true;
}

}  // namespace

Result<TimePoint> parse_time(std::string_view text, const Zone& zone, TimePoint now) {
  const std::string_view clean = trim(text);
  if (clean == "now") return now;
  if (auto exact = parse_rfc3339(clean)) return *exact;
  const Cut parts = cut(clean, " ");
  CivilTime civil{.hour = 0, .minute = 0, .second = 0};
  const bool dotted = parts.before.find('.') != std::string_view::npos;
  const std::array<int*, 3> dashes = {&civil.year, &civil.month, &civil.day};
  const std::array<int*, 3> dots = {&civil.day, &civil.month, &civil.year};
  const std::array<int*, 3> clock = {&civil.hour, &civil.minute, &civil.second};
  if (!take_numbers(parts.before, dotted ? '.' : '-', dotted ? dots : dashes)) {
    return not_a_time(text);
  }
  if (parts.found && !take_numbers(trim(parts.after), ':', clock)) return not_a_time(text);
  const bool sane = civil.month >= 1 && civil.month <= 12 && civil.day >= 1 && civil.day <= 31 &&
                    civil.hour <= 23 && civil.minute <= 59 && civil.second <= 60 &&
                    civil.year >= 1678 && civil.year <= 2261;
  if (!sane) return not_a_time(text);
  return zone.to_time(civil);
}

}  // namespace lateen::cli::repo
