// Whatever parses is written to text that parses, and is from then on written the same. (Not from
// the first time on: -0.0 is written as -0, which reads as the integer 0, as in Go.)
#include "base/json.h"
#include "fuzzer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = lateen::parse_json(lateen::fuzz::as_bytes(data, size));
  if (!value) return 0;
  const std::string text = lateen::write_json(*value);
  const auto again = lateen::parse_json(text);
  LATEEN_ASSERT(again.has_value(), "what we write is JSON");
  const std::string second = lateen::write_json(*again);
  const auto third = lateen::parse_json(second);
  LATEEN_ASSERT(third && lateen::write_json(*third) == second, "writing is stable");
  LATEEN_ASSERT(lateen::parse_json(lateen::write_json_pretty(*value)).has_value(),
                "so is the pretty form");
  return 0;
}
