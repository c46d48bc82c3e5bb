// The small texts that stand in specs: durations, quantities, cron expressions, times, globs.
// Whatever parses is written to a text that parses to the same.
#include "base/cron.h"
#include "base/duration.h"
#include "base/encoding.h"
#include "base/quantity.h"
#include "base/text.h"
#include "base/time.h"
#include "fuzzer.h"

namespace lateen {
namespace {

void check_duration(BytesView text) {
  const auto d = parse_go_duration(text);
  if (!d) return;
  const auto again = parse_go_duration(format_go_duration(*d));
  LATEEN_ASSERT(again && *again == *d, "what we write is the same duration");
}

void check_quantity(BytesView text) {
  const auto q = Quantity::parse(text);
  if (!q) return;
  const auto again = Quantity::parse(q->format());
  LATEEN_ASSERT(again && *again == *q, "what we write is the same quantity");
  (void)(*q + *again).value();
}

void check_cron(BytesView text) {
  const auto schedule = CronSchedule::parse(text, Zone());
  if (!schedule) return;
  const TimePoint start(std::chrono::hours(500'000));
  const auto next = schedule->next(start);
  LATEEN_ASSERT(!next || *next > start, "the next time is later");
}

void check_time(BytesView text) {
  const auto t = parse_rfc3339(text);
  if (!t) return;
  const auto again = parse_rfc3339(format_rfc3339_nano(*t));
  LATEEN_ASSERT(again && *again == *t, "what we write is the same time");
}

void check_texts(BytesView text) {
  const Cut halves = cut(text, "\n");
  (void)glob_match(halves.before, halves.after);  // only must not break
  LATEEN_ASSERT(is_valid_utf8(quote_go(text)), "a quoted text is UTF-8");
  const auto bytes = base64_decode(text);
  if (!bytes) return;
  const auto again = base64_decode(base64_encode(*bytes));
  LATEEN_ASSERT(again && *again == *bytes, "what we write are the same bytes");
}

}  // namespace
}  // namespace lateen

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lateen::BytesView text = lateen::fuzz::as_bytes(data, size);
  lateen::check_duration(text);
  lateen::check_quantity(text);
  lateen::check_cron(text);
  lateen::check_time(text);
  lateen::check_texts(text);
  return 0;
}
