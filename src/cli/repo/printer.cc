#include "cli/repo/printer.h"

#include <algorithm>

#include "base/printable.h"
#include "base/text.h"
#include "base/utf8.h"

namespace lateen::cli::repo {

void Printer::note(std::string_view line) const {
  if (!json_ && verbosity_ >= 1) console_.line(line);
}

void Printer::detail(std::string_view line) const {
  if (!json_ && verbosity_ >= 2) console_.line(line);
}

void Printer::error(std::string_view line) const {
  console_.err(std::string(line) + "\n");
}

void Printer::document(const Json& value) const {
  console_.line(write_json_unsorted(value));
}

void Printer::problem(const repository::Problem& problem, std::string_view during) const {
  if (!json_) {
    error(fmt::format("error: {}: {}", printable(problem.path), problem.error.message()));
    if (!problem.error.hint().empty()) error("  " + problem.error.hint());
    return;
  }
  const JsonObject document = {{"message_type", "error"},
                               {"error", JsonObject{{"message", problem.error.message()}}},
                               {"during", during},
                               {"item", problem.path}};
  error(write_json_unsorted(document));
}

std::string format_bytes(ByteCount bytes) {
  constexpr std::array<std::string_view, 4> kUnits = {"TiB", "GiB", "MiB", "KiB"};
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    const unsigned shift = 40 - 10 * static_cast<unsigned>(i);
    if (bytes >> shift == 0) continue;
    return fmt::format("{:.3f} {}",
                       static_cast<double>(bytes) / static_cast<double>(ByteCount{1} << shift),
                       kUnits.at(i));
  }
  return fmt::format("{} B", bytes);
}

std::string format_seconds(std::uint64_t seconds) {
  const std::uint64_t hours = seconds / 3600;
  const std::uint64_t minutes = seconds / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, seconds % 60);
  return fmt::format("{}:{:02}", minutes, seconds % 60);
}

std::string format_seconds(Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  return format_seconds(static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0)));
}

std::string format_local_time(TimePoint t, const Zone& zone) {
  const CivilTime c = zone.to_civil(t);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", c.year, c.month, c.day, c.hour,
                     c.minute, c.second);
}

std::string printable(std::string_view text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const Utf8Char c = decode_utf8(rest);
    if (!c.valid || !is_printable(c.value)) return quote_go(text);
    rest.remove_prefix(c.length);
  }
  return std::string(text);
}

}  // namespace lateen::cli::repo
