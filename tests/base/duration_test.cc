#include "base/duration.h"

#include <limits>
#include <optional>

#include <gtest/gtest.h>

namespace lateen {
namespace {

// What Go 1.26 answers: the nanoseconds and their String(), or the error.
struct ParseCase {
  std::string_view text;
  std::optional<std::int64_t> nanoseconds;
  std::string_view answer;
};

const ParseCase kParseCases[] = {
    {"0", 0, "0s"},
    {"+0", 0, "0s"},
    {"-0", 0, "0s"},
    {"0s", 0, "0s"},
    {"5s", 5000000000, "5s"},
    {"30s", 30000000000, "30s"},
    {"1478s", 1478000000000, "24m38s"},
    {"+5s", 5000000000, "5s"},
    {"-5s", -5000000000, "-5s"},
    {"5.0s", 5000000000, "5s"},
    {"5.6s", 5600000000, "5.6s"},
    {"5.s", 5000000000, "5s"},
    {".5s", 500000000, "500ms"},
    {"1.0s", 1000000000, "1s"},
    {"1.00s", 1000000000, "1s"},
    {"1.004s", 1004000000, "1.004s"},
    {"1.0040s", 1004000000, "1.004s"},
    {"100.00100s", 100001000000, "1m40.001s"},
    {"10ns", 10, "10ns"},
    {"11us", 11000, "11\302\265s"},
    {"12\302\265s", 12000, "12\302\265s"},
    {"12\316\274s", 12000, "12\302\265s"},
    {"13ms", 13000000, "13ms"},
    {"14s", 14000000000, "14s"},
    {"15m", 900000000000, "15m0s"},
    {"16h", 57600000000000, "16h0m0s"},
    {"3h30m", 12600000000000, "3h30m0s"},
    {"10.5s4m", 250500000000, "4m10.5s"},
    {"-2m3.4s", -123400000000, "-2m3.4s"},
    {"1h2m3s4ms5us6ns", 3723004005006, "1h2m3.004005006s"},
    {"39h9m14.425s", 140954425000000, "39h9m14.425s"},
    {"52763797000ns", 52763797000, "52.763797s"},
    {"0.3333333333333333333h", 1200000000000, "20m0s"},
    {"9007199254740993ns", 9007199254740993, "2501h59m59.254740993s"},
    {"9223372036854775807ns", 9223372036854775807, "2562047h47m16.854775807s"},
    {"9223372036854775.807us", 9223372036854775807, "2562047h47m16.854775807s"},
    {"9223372036s854ms775us807ns", 9223372036854775807, "2562047h47m16.854775807s"},
    {"-9223372036854775808ns", std::numeric_limits<std::int64_t>::min(),
     "-2562047h47m16.854775808s"},
    {"-9223372036854775.808us", std::numeric_limits<std::int64_t>::min(),
     "-2562047h47m16.854775808s"},
    {"0.100000000000000000000h", 360000000000, "6m0s"},
    {"0.830103483285477580700h", 2988372539827, "49m48.372539827s"},
    {"720h0m0s", 2592000000000000, "720h0m0s"},
    {"1h15m30.5s", 4530500000000, "1h15m30.5s"},
    {"90", std::nullopt, "time: missing unit in duration \"90\""},
    {"", std::nullopt, "time: invalid duration \"\""},
    {"3", std::nullopt, "time: missing unit in duration \"3\""},
    {"-", std::nullopt, "time: invalid duration \"-\""},
    {"s", std::nullopt, "time: invalid duration \"s\""},
    {".", std::nullopt, "time: invalid duration \".\""},
    {"-.", std::nullopt, "time: invalid duration \"-.\""},
    {".s", std::nullopt, "time: invalid duration \".s\""},
    {"+.s", std::nullopt, "time: invalid duration \"+.s\""},
    {"1d", std::nullopt, "time: unknown unit \"d\" in duration \"1d\""},
    {"\205\205", std::nullopt, "time: invalid duration \"\\x85\\x85\""},
    {"\377ff", std::nullopt, "time: invalid duration \"\\xffff\""},
    {"hello \377ff world", std::nullopt, "time: invalid duration \"hello \\xffff world\""},
    {"9223372036854775810ns", std::nullopt, "time: invalid duration \"9223372036854775810ns\""},
    {"9223372036854775808ns", std::nullopt, "time: invalid duration \"9223372036854775808ns\""},
    {"-9223372036854775809ns", std::nullopt, "time: invalid duration \"-9223372036854775809ns\""},
    {"9223372036854776us", std::nullopt, "time: invalid duration \"9223372036854776us\""},
    {"3000000h", std::nullopt, "time: invalid duration \"3000000h\""},
    {"1h-5m", std::nullopt, "time: unknown unit \"h-\" in duration \"1h-5m\""},
    {"1 h", std::nullopt, "time: unknown unit \" h\" in duration \"1 h\""},
    {"1H", std::nullopt, "time: unknown unit \"H\" in duration \"1H\""},
    {"a\"b", std::nullopt, "time: invalid duration \"a\\\"b\""},
};

TEST(GoDuration, IsReadAndWrittenAsGoDoes) {
  for (const ParseCase& c : kParseCases) {
    SCOPED_TRACE(c.text);
    const auto parsed = parse_go_duration(c.text);
    ASSERT_EQ(parsed.has_value(), c.nanoseconds.has_value());
    if (!parsed) {
      EXPECT_EQ(parsed.error().message(), c.answer);
      EXPECT_TRUE(parsed.error().is(Code::InvalidArgument));
      continue;
    }
    EXPECT_EQ(parsed->count(), *c.nanoseconds);
    EXPECT_EQ(format_go_duration(*parsed), c.answer);
  }
}

// What k8s.io/apimachinery 0.31 answers.
struct AgeCase {
  std::string_view text;
  std::string_view human;
  std::string_view short_human;
};

const AgeCase kAgeCases[] = {
    {"-2s", "<invalid>", "<invalid>"},
    {"-1.5s", "0s", "0s"},
    {"-1s", "0s", "0s"},
    {"-0.5s", "0s", "0s"},
    {"0s", "0s", "0s"},
    {"1s", "1s", "1s"},
    {"59s", "59s", "59s"},
    {"60s", "60s", "1m"},
    {"119s", "119s", "1m"},
    {"2m", "2m", "2m"},
    {"2m1s", "2m1s", "2m"},
    {"9m59s", "9m59s", "9m"},
    {"10m", "10m", "10m"},
    {"179m59s", "179m", "2h"},
    {"3h", "3h", "3h"},
    {"3h1m", "3h1m", "3h"},
    {"7h59m", "7h59m", "7h"},
    {"8h", "8h", "8h"},
    {"47h59m", "47h", "1d"},
    {"48h", "2d", "2d"},
    {"49h", "2d1h", "2d"},
    {"191h", "7d23h", "7d"},
    {"192h", "8d", "8d"},
    {"17519h", "729d", "1y"},
    {"17520h", "2y", "2y"},
    {"17544h", "2y1d", "2y"},
    {"70079h", "7y364d", "7y"},
    {"70080h", "8y", "8y"},
    {"90000h", "10y", "10y"},
    {"719h59m59s", "29d", "29d"},
    {"8760h", "365d", "1y"},
    {"8759h", "364d", "364d"},
};

TEST(GoDuration, IsShownToPeopleAsKubectlShowsAges) {
  for (const AgeCase& c : kAgeCases) {
    SCOPED_TRACE(c.text);
    const auto parsed = parse_go_duration(c.text);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(human_duration(*parsed), c.human);
    EXPECT_EQ(short_human_duration(*parsed), c.short_human);
  }
}

}  // namespace
}  // namespace lateen
