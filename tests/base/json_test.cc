#include "base/json.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace lateen {
namespace {

using std::string_literals::operator""s;

// Every expected text here was printed by encoding/json of Go 1.26.
struct NumberCase {
  std::string name;
  std::string read;
  std::string written;
};

class GoNumbers : public ::testing::TestWithParam<NumberCase> {};

TEST_P(GoNumbers, AreWrittenAsGoWritesThem) {
  const auto value = parse_json(GetParam().read);
  ASSERT_TRUE(value) << value.error().message();
  EXPECT_EQ(write_json(*value), GetParam().written);
}

INSTANTIATE_TEST_SUITE_P(,
                         GoNumbers,
                         ::testing::ValuesIn(std::vector<NumberCase>{
                             {"Zero", "0", "0"},
                             {"NegativeZero", "-0.0", "-0"},
                             {"WholeDouble", "1.0", "1"},
                             {"Fraction", "-2.25", "-2.25"},
                             {"LargestPlain", "1e20", "100000000000000000000"},
                             {"FirstWithExponent", "1e21", "1e+21"},
                             {"DigitsBeforeExponent", "1.5e21", "1.5e+21"},
                             {"BeyondUint64", "123456789012345680000", "123456789012345680000"},
                             {"SmallestPlain", "1e-6", "0.000001"},
                             {"SmallExponent", "1e-7", "1e-7"},
                             {"SmallWithDigits", "1.25e-7", "1.25e-7"},
                             {"TwoDigitExponent", "1.234e-10", "1.234e-10"},
                             {"Tenth", "0.1", "0.1"},
                             {"Pi", "3.141592653589793", "3.141592653589793"},
                             {"Denormal", "5e-324", "5e-324"},
                             {"Underflow", "1e-400", "0"},
                             {"Largest", "1.7976931348623157e308", "1.7976931348623157e+308"},
                             {"Ordinary", "123456.789", "123456.789"},
                             {"SmallPlain", "0.000001234", "0.000001234"},
                             {"ExactHalfway", "4.35", "4.35"},
                             {"LargestInt64", "9223372036854775807", "9223372036854775807"},
                             {"SmallestInt64", "-9223372036854775808", "-9223372036854775808"},
                             {"LargestUint64", "18446744073709551615", "18446744073709551615"},
                             {"ThreeDigitExponent", "1e-100", "1e-100"},
                         }),
                         [](const auto& c) { return c.param.name; });

TEST(Json, ReadsDoublesToTheLastBit) {
  // Boost 1.81's own conversion is off by an ulp on such numbers.
  for (const char* text : {"0.3", "2.2250738585072014e-308", "9007199254740993.0", "8.41e21",
                           "7.2057594037927933e16", "1.448997445238699", "123456789.123456789"}) {
    const auto value = parse_json(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(value->as_double(), std::strtod(text, nullptr)) << text;
  }
}

TEST(Json, EscapesWhatGoEscapes) {
  const Json value{{"s",
                    "\x00\x01\b\f\n\r\t\x1f \"\\/<>&\x7f\xe2\x80\xa8\xe2\x80\xa9é漢😀"
                    "\xff\xc3(\xed\xa0\x80"s}};
  EXPECT_EQ(write_json(value),
            "{\"s\":\"\\u0000\\u0001\\b\\f\\n\\r\\t\\u001f \\\"\\\\/\\u003c\\u003e\\u0026\x7f"
            "\\u2028\\u2029é漢😀\\ufffd\\ufffd(\\ufffd\\ufffd\\ufffd\"}");
}

TEST(Json, IsIndentedAsGoIndents) {
  const auto value = parse_json(R"({"b":[1,[],{},{"x":null}],"a":{"z":"<","y":true}})");
  ASSERT_TRUE(value);
  EXPECT_EQ(write_json_pretty(*value), R"({
  "a": {
    "y": true,
    "z": "\u003c"
  },
  "b": [
    1,
    [],
    {},
    {
      "x": null
    }
  ]
})");
}

TEST(Json, KeepsItsOwnOrderWhenAskedTo) {
  const auto value = parse_json(R"({"b":1,"a":2})");
  ASSERT_TRUE(value);
  EXPECT_EQ(write_json_unsorted(*value), R"({"b":1,"a":2})");
  EXPECT_EQ(write_json(*value), R"({"a":2,"b":1})");
}

TEST(Json, TakesTheLastOfDuplicateKeys) {
  std::string many = "{\"k\":1";
  for (int i = 0; i < 40; ++i)
    many += ",\"x" + std::to_string(i) + "\":0";  // past the small table
  for (const std::string& text :
       {std::string(R"({"k":1,"k":{"a":2})"), many + ",\"k\":{\"a\":2}"}) {
    const auto value = parse_json(text + "}");
    ASSERT_TRUE(value);
    EXPECT_EQ(int_at(*value, "k.a"), 2);
  }
}

TEST(Json, ReadsDeepDocumentsAndRefusesAttacks) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_json(nested(500)));
  const auto refused = parse_json(nested(100'000));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::InvalidArgument);
}

TEST(Json, SaysAtWhichByteItBroke) {
  const auto broken = parse_json(R"({"a": tru})");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code(), Code::InvalidArgument);
  EXPECT_TRUE(broken.error().message().starts_with("not valid JSON at byte "))
      << broken.error().message();
  for (const char* text :
       {"", " ", "{", "[1,]", "{\"a\":1} x", "1e400", "\"\xff\"", "nul", "01", "'a'"}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
  EXPECT_TRUE(parse_json(" {\"a\":1}\n"));
}

TEST(Json, LooksIntoTrees) {
  const auto value = parse_json(
      R"({"metadata":{"name":"db","annotations":{"velero.io/x":"y"},"generation":3.0},"list":[1],"yes":true})");
  ASSERT_TRUE(value);
  EXPECT_EQ(string_at(*value, "metadata.name"), "db");
  EXPECT_EQ(as_text(find(find(*value, "metadata.annotations"), JsonKey{"velero.io/x"})), "y");
  EXPECT_EQ(int_at(*value, "metadata.generation"), 3);
  EXPECT_EQ(bool_at(*value, "yes"), true);
  EXPECT_EQ(array_at(*value, "list")->size(), 1U);
  EXPECT_EQ(object_at(*value, "list"), nullptr);
  EXPECT_EQ(find(*value, "list.x.y"), nullptr);
  EXPECT_EQ(string_at(*value, "metadata.generation"), "");
}

TEST(Json, MakesAndRemovesPaths) {
  Json value = JsonObject();
  ensure(value, "metadata.labels") = JsonObject{{"a", "1"}, {"b", "2"}, {"c", "3"}};
  EXPECT_TRUE(erase(value, "metadata.labels.a"));
  EXPECT_FALSE(erase(value, "metadata.labels.a"));
  EXPECT_FALSE(erase(value, "spec.labels.a"));
  EXPECT_EQ(write_json_unsorted(value), R"({"metadata":{"labels":{"b":"2","c":"3"}}})");
}

}  // namespace
}  // namespace lateen
