// What a `repo` command says, and to whom: results to standard output, everything else to standard
// error or nobody. With --json all of it is JSON, in restic's words.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "base/zone.h"
#include "cli/console.h"
#include "repository/engine/progress.h"

namespace lateen::cli::repo {

// Not thread-safe.
class Printer {
 public:
  Printer(Console& console, bool json, int verbosity)
      : console_(console), json_(json), verbosity_(verbosity) {}

  bool json() const { return json_; }

  int verbosity() const { return verbosity_; }

  Console& console() const { return console_; }

  // A line that was asked for.
  void result(std::string_view line) const { console_.line(line); }

  // Told unless --quiet or --json; with --verbose only; with -vv only.
  void note(std::string_view line) const;
  void detail(std::string_view line) const;

  // To standard error, always.
  void error(std::string_view line) const;

  // One JSON document in a line; its keys in their order.
  void document(const Json& value) const;

  // A file that could not be saved, restored or checked: `during` is restic's word for it.
  void problem(const repository::Problem& problem, std::string_view during) const;

 private:
  Console& console_;
  const bool json_;
  const int verbosity_;
};

// "1.234 MiB"
std::string format_bytes(ByteCount bytes);
// "3:05", "1:03:05"
std::string format_seconds(std::uint64_t seconds);
std::string format_seconds(Duration duration);
// "2026-11-22 10:09:21" in this zone.
std::string format_local_time(TimePoint t, const Zone& zone);
// Without what would harm a terminal; a plain name stays as it is.
std::string printable(std::string_view text);

}  // namespace lateen::cli::repo
