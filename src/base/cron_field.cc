#include "base/cron_field.h"

#include <algorithm>

#include "base/text.h"

namespace lateen {

namespace {

constexpr std::string_view kMonthNames[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                            "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view kWeekdayNames[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

// strconv.Atoi and the words that robfig/cron puts around its errors.
Result<std::int64_t> parse_number(std::string_view text) {
  auto number = parse_int(text);
  if (!number) {
    const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    return Error(Code::InvalidArgument, "failed to parse int from {}: strconv.Atoi: parsing {}: {}",
                 text, quote_go(text), digits ? "value out of range" : "invalid syntax");
  }
  if (*number < 0) {
    return Error(Code::InvalidArgument, "negative number ({}) not allowed: {}", *number, text);
  }
  return *number;
}

Result<std::int64_t> parse_value(std::string_view text, const CronBounds& bounds) {
  const auto* const name =
      std::find(bounds.names.data(), bounds.names.data() + bounds.names.size(), to_lower(text));
  const auto at = static_cast<std::size_t>(name - bounds.names.data());
  if (at < bounds.names.size()) return static_cast<std::int64_t>(bounds.min + at);
  return parse_number(text);
}

struct Range {
  std::int64_t start;
  std::int64_t end;
  std::int64_t step;
  bool star;
};

// What stands before the slash: "*", "5", "1-5".
Result<Range> parse_ends(std::string_view text,
                         std::string_view expression,
                         const CronBounds& bounds) {
  const std::vector<std::string_view> ends = split(text, '-');
  if (ends[0] == "*" || ends[0] == "?") {
    return Range{.start = bounds.min, .end = bounds.max, .step = 1, .star = true};
  }
  const std::int64_t start = TRY(parse_value(ends[0], bounds));
  if (ends.size() > 2) {
    return Error(Code::InvalidArgument, "too many hyphens: {}", expression);
  }
  std::int64_t end = start;
  if (ends.size() == 2) end = TRY(parse_value(ends[1], bounds));
  return Range{.start = start, .end = end, .step = 1, .star = false};
}

Status check(const Range& r, std::string_view expression, const CronBounds& bounds) {
  if (r.start < bounds.min) {
    return Error(Code::InvalidArgument, "beginning of range ({}) below minimum ({}): {}", r.start,
                 bounds.min, expression);
  }
  if (r.end > bounds.max) {
    return Error(Code::InvalidArgument, "end of range ({}) above maximum ({}): {}", r.end,
                 bounds.max, expression);
  }
  if (r.start > r.end) {
    return Error(Code::InvalidArgument, "beginning of range ({}) beyond end of range ({}): {}",
                 r.start, r.end, expression);
  }
  if (r.step == 0) {
    return Error(Code::InvalidArgument, "step of range should be a positive number: {}",
                 expression);
  }
  return {};
}

Result<std::uint64_t> parse_range(std::string_view expression, const CronBounds& bounds) {
  const std::vector<std::string_view> parts = split(expression, '/');
  Range range = TRY(parse_ends(parts[0], expression, bounds));
  if (parts.size() > 2) {
    return Error(Code::InvalidArgument, "too many slashes: {}", expression);
  }
  if (parts.size() == 2) {
    range.step = TRY(parse_number(parts[1]));
    // "5/10" means "5-max/10".
    if (parts[0].find('-') == std::string_view::npos) range.end = bounds.max;
    if (range.step > 1) range.star = false;
  }
  TRY(check(range, expression, bounds));
  std::uint64_t bits = range.star ? kCronStar : 0;
  // The step may be as large as it likes: it must not be added past the end.
  for (std::int64_t value = range.start; value <= range.end; value += range.step) {
    bits |= std::uint64_t{1} << static_cast<unsigned>(value);
    if (range.step > range.end) break;
  }
  return bits;
}

}  // namespace

const CronBounds kCronMinutes{.min = 0, .max = 59, .names = {}};
const CronBounds kCronHours{.min = 0, .max = 23, .names = {}};
const CronBounds kCronDays{.min = 1, .max = 31, .names = {}};
const CronBounds kCronMonths{.min = 1, .max = 12, .names = kMonthNames};
const CronBounds kCronWeekdays{.min = 0, .max = 6, .names = kWeekdayNames};

Result<std::uint64_t> parse_cron_field(std::string_view field, const CronBounds& bounds) {
  std::uint64_t bits = 0;
  for (const std::string_view expression : split(field, ',')) {
    if (!expression.empty()) bits |= TRY(parse_range(expression, bounds));
  }
  return bits;
}

}  // namespace lateen
