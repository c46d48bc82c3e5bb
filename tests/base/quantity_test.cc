#include "base/quantity.h"

#include <optional>

#include <gtest/gtest.h>

namespace lateen {
namespace {

// What k8s.io/apimachinery 0.31 answers: String(), Value() and MilliValue(), or the error. Where
// its int64 overflows, and for negative fractions read with too many digits (it says 0 for
// -1.2345678901), we are right instead.
struct QuantityCase {
  std::string_view text;
  std::string_view answer;
  std::optional<std::int64_t> value;
  std::optional<std::int64_t> milli;
};

const QuantityCase kCases[] = {
    {"0", "0", 0, 0},
    {"1", "1", 1, 1000},
    {"-1", "-1", -1, -1000},
    {"+1", "+1", 1, 1000},
    {"100", "100", 100, 100000},
    {"1000", "1k", 1000, 1000000},
    {"1500", "1500", 1500, 1500000},
    {"1k", "1k", 1000, 1000000},
    {"1500m", "1500m", 2, 1500},
    {"1000m", "1", 1, 1000},
    {"100m", "100m", 1, 100},
    {"0.1", "100m", 1, 100},
    {"0.5", "500m", 1, 500},
    {"1.5", "1500m", 2, 1500},
    {"1.500", "1.500", 2, 1500},
    {"2.5Gi", "2560Mi", 2684354560, 2684354560000},
    {"1.5Gi", "1536Mi", 1610612736, 1610612736000},
    {"1Gi", "1Gi", 1073741824, 1073741824000},
    {"10Gi", "10Gi", 10737418240, 10737418240000},
    {"1536Mi", "1536Mi", 1610612736, 1610612736000},
    {"1024Ki", "1Mi", 1048576, 1048576000},
    {"1024Mi", "1Gi", 1073741824, 1073741824000},
    {"1000Ki", "1000Ki", 1024000, 1024000000},
    {"1Ki", "1Ki", 1024, 1024000},
    {"512Ki", "512Ki", 524288, 524288000},
    {"0.5Ki", "512", 512, 512000},
    {"0.5Gi", "512Mi", 536870912, 536870912000},
    {"1.1Gi", "1181116006400m", 1181116007, 1181116006400},
    {"0.1Gi", "107374182400m", 107374183, 107374182400},
    {"100Mi", "100Mi", 104857600, 104857600000},
    {"8Gi", "8Gi", 8589934592, 8589934592000},
    {"5Gi", "5Gi", 5368709120, 5368709120000},
    {"1Ti", "1Ti", 1099511627776, 1099511627776000},
    {"2Ei", "2Ei", 2305843009213693952, std::nullopt},
    {"7.9Ei", "9108079886394091110400m", 9108079886394091111, std::nullopt},
    {"1e3", "1e3", 1000, 1000000},
    {"1E3", "1E3", 1000, 1000000},
    {"1e-3", "1e-3", 1, 1},
    {"12e6", "12e6", 12000000, 12000000000},
    {"1E", "1E", 1000000000000000000, std::nullopt},
    {"9E", "9E", 9000000000000000000, std::nullopt},
    {"1n", "1n", 1, 1},
    {"0.1n", "1n", 1, 1},
    {"1.5n", "2n", 1, 1},
    {"-0.1n", "-1n", -1, -1},
    {"1u", "1u", 1, 1},
    {"100u", "100u", 1, 1},
    {"1m", "1m", 1, 1},
    {"0.001", "1m", 1, 1},
    {"0.0001", "100u", 1, 1},
    {"1.2345678901", "1234567891n", 2, 1235},
    {"-1.2345678901", "-1234567891n", -2, -1235},
    {"123456789012345678", "123456789012345678", 123456789012345678, std::nullopt},
    {"1234567890123456789", "1234567890123456789", 1234567890123456789, std::nullopt},
    {"9223372036854775807", "9223372036854775807", 9223372036854775807, std::nullopt},
    {"01", "01", 1, 1000},
    {"001.50", "1500m", 2, 1500},
    {"1.", "1.", 1, 1000},
    {".5", "500m", 1, 500},
    {"1.G", "1.G", 1000000000, 1000000000000},
    {"Ki", "0", 0, 0},
    {".", "0", 0, 0},
    {"n", "0", 0, 0},
    {"e-10", "unable to parse numeric part of quantity", std::nullopt, std::nullopt},
    {"",
     "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
     std::nullopt, std::nullopt},
    {"1KiB",
     "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
     std::nullopt, std::nullopt},
    {"1 Gi",
     "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
     std::nullopt, std::nullopt},
    {"1gi",
     "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
     std::nullopt, std::nullopt},
    {"1K", "unable to parse quantity's suffix", std::nullopt, std::nullopt},
    {"1Kb",
     "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
     std::nullopt, std::nullopt},
    {"abc",
     "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
     std::nullopt, std::nullopt},
    {"1e", "unable to parse quantity's suffix", std::nullopt, std::nullopt},
    {"1e+3", "1e+3", 1000, 1000000},
    {"--1", "unable to parse quantity's suffix", std::nullopt, std::nullopt},
    {"1.2.3",
     "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
     std::nullopt, std::nullopt},
    {"1i", "unable to parse quantity's suffix", std::nullopt, std::nullopt},
    {"1mi", "unable to parse quantity's suffix", std::nullopt, std::nullopt},
    {"0Ki", "0", 0, 0},
    {"-1Gi", "-1Gi", -1073741824, -1073741824000},
    {"-1.5Gi", "-1536Mi", -1610612736, -1610612736000},
    {"-100m", "-100m", -1, -100},
    {"3.14159G", "3141590k", 3141590000, 3141590000000},
    {"1000000", "1M", 1000000, 1000000000},
    {"1048576", "1048576", 1048576, 1048576000},
    {"1e18", "1e18", 1000000000000000000, std::nullopt},
    {"1000Mi", "1000Mi", 1048576000, 1048576000000},
    {"1e-1000000", "1e-9", 1, 1},
    {"0e5", "0", 0, 0},
    {"0.000", "0", 0, 0},
    {"250m", "250m", 1, 250},
    {"128Mi", "128Mi", 134217728, 134217728000},
    {"1073741824", "1073741824", 1073741824, 1073741824000},
};

Quantity quantity(std::string_view text) {
  return Quantity::parse(text).value();
}

TEST(Quantity, IsReadAndWrittenAsKubernetesDoes) {
  for (const QuantityCase& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto parsed = Quantity::parse(c.text);
    ASSERT_EQ(parsed.has_value(), c.value.has_value());
    if (!parsed) {
      EXPECT_EQ(parsed.error().message(), c.answer);
      continue;
    }
    EXPECT_EQ(parsed->format(), c.answer);
    EXPECT_EQ(parsed->value(), *c.value);
    if (c.milli) {
      EXPECT_EQ(parsed->milli_value(), *c.milli);
    }
  }
}

TEST(Quantity, IsCappedWhereItDoesNotFit) {
  for (const std::string_view text : {"8Ei", "9Ei", "9.5E", "1e1000000", "1e99999999999"}) {
    SCOPED_TRACE(text);
    EXPECT_EQ(quantity(text).value(), 9223372036854775807);
  }
  EXPECT_EQ(quantity("-1e30").value(), -9223372036854775807);
  EXPECT_EQ((quantity("8E") + quantity("8E")).value(), 9223372036854775807);
}

TEST(Quantity, ComparesByValueWhateverTheNotation) {
  EXPECT_EQ(quantity("1"), quantity("1000m"));
  EXPECT_EQ(quantity("1Gi"), quantity("1073741824"));
  EXPECT_LT(quantity("1G"), quantity("1Gi"));
  EXPECT_LT(quantity("-1"), quantity("-500m"));
  EXPECT_GT(quantity("0.5Gi"), quantity("511Mi"));
}

TEST(Quantity, SumKeepsTheNotationOfWhatIsNotZero) {
  EXPECT_EQ((quantity("1Gi") + quantity("512Mi")).format(), "1536Mi");
  EXPECT_EQ((quantity("0") + quantity("5Gi")).format(), "5Gi");
  EXPECT_EQ((quantity("1") - quantity("250m")).format(), "750m");
  EXPECT_EQ((quantity("250m") - quantity("1")).format(), "-750m");
  EXPECT_TRUE((quantity("1Gi") - quantity("1024Mi")).is_zero());
}

TEST(Quantity, MadeOfANumberIsCanonical) {
  EXPECT_EQ(Quantity::from(10737418240, Quantity::Format::BinarySI).format(), "10Gi");
  EXPECT_EQ(Quantity::from(2000).format(), "2k");
  EXPECT_EQ(Quantity().format(), "0");
}

}  // namespace
}  // namespace lateen
