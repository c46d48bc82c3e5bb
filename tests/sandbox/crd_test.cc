#include <gtest/gtest.h>

#include "sandbox/crd/definition.h"
#include "sandbox/crd/format.h"
#include "sandbox/crd/pattern.h"
#include "sandbox/crd/structural.h"
#include "sandbox/crd/validation.h"

namespace lateen::sandbox {
namespace {

Json from(std::string_view text) {
  auto parsed = parse_json(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? std::move(*parsed) : Json();
}

std::vector<std::string> problems(std::string_view schema, std::string_view object) {
  std::vector<std::string> out;
  for (const auto& error : validate_custom_resource(from(schema), from(object)))
    out.push_back(error.message());
  return out;
}

using Texts = std::vector<std::string>;

TEST(CrdValidation, WordsTypesAsTheApiServerDoes) {
  EXPECT_EQ(
      problems(R"({"properties":{"spec":{"type":"object","properties":{"n":{"type":"integer"}}}}})",
               R"({"spec":{"n":"x"}})"),
      Texts{
          R"(spec.n: Invalid value: "string": spec.n in body must be of type integer: "string")"});
}

TEST(CrdValidation, WordsLimitsAsTheApiServerDoes) {
  EXPECT_EQ(
      problems(
          R"({"properties":{"a":{"type":"integer","minimum":1},"b":{"type":"string","enum":["x","y"]},
                         "c":{"type":"array","minItems":2,"items":{"type":"string"}}}})",
          R"({"a":0,"b":"z","c":["only"]})"),
      (Texts{"a: Invalid value: 0: a in body should be greater than or equal to 1",
             R"(b: Unsupported value: "z": supported values: "x", "y")",
             R"(c: Invalid value: ["only"]: c in body should have at least 2 items)"}));
}

TEST(CrdValidation, KnowsListsThatAreSetsAndMaps) {
  EXPECT_EQ(
      problems(
          R"({"properties":{"s":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}}}})",
          R"({"s":["a","b","a"]})"),
      Texts{R"(s[2]: Duplicate value: "a")"});
}

TEST(CrdValidation, TakesNullsAndIntOrStringsWhereTheSchemaDoes) {
  const std::string_view schema =
      R"({"properties":{"n":{"type":"string","nullable":true},"p":{"x-kubernetes-int-or-string":true}}})";
  EXPECT_EQ(problems(schema, R"({"n":null,"p":"10%"})"), Texts{});
  EXPECT_EQ(problems(schema, R"({"p":1.5})").size(), 1U);
}

TEST(CrdStructure, PrunesWhatIsUnknownAndNamesIt) {
  Json object =
      from(R"({"apiVersion":"v1","kind":"X","metadata":{"name":"a"},"spec":{"known":1,"odd":2,
    "list":[{"odd":1}],"free":{"any":{"thing":1}}}})");
  const auto dropped = prune_unknown_fields(
      from(
          R"({"type":"object","properties":{"spec":{"type":"object","properties":{"known":{"type":"integer"},
        "list":{"type":"array","items":{"type":"object","properties":{}}},
        "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}})"),
      object);
  EXPECT_EQ(dropped, (Texts{"spec.odd", "spec.list[0].odd"})) << "in order of the document";
  EXPECT_EQ(write_json(*find(object, "spec")),
            R"({"free":{"any":{"thing":1}},"known":1,"list":[{}]})");
  EXPECT_EQ(string_at(object, "metadata.name"), "a");
}

TEST(CrdStructure, FillsDefaultsInsideWhatIsThere) {
  Json object = from(R"({"spec":{"list":[{}],"nothing":null}})");
  apply_schema_defaults(
      from(
          R"({"properties":{"spec":{"properties":{"a":{"default":{"b":1}},"nothing":{"type":"string","default":"x"},
        "list":{"items":{"properties":{"c":{"default":true}}}}}},"status":{"properties":{"d":{"default":1}}}}})"),
      object);
  EXPECT_EQ(write_json(object), R"({"spec":{"a":{"b":1},"list":[{"c":true}],"nothing":"x"}})");
}

// Go writes an absent *string as null: Velero's own Backups have apiGroup: null in the bucket.
TEST(CrdStructure, TakesNullsThatAreNotAllowedForAbsent) {
  const Json schema = from(
      R"({"properties":{"spec":{"properties":{"a":{"type":"string"},"b":{"nullable":true},
          "c":{"default":1},"m":{"additionalProperties":{"type":"string"}}}}}})");
  Json object = from(R"({"spec":{"a":null,"b":null,"c":null,"m":{"x":null,"y":"z"}}})");
  apply_schema_defaults(schema, object);
  EXPECT_EQ(write_json(object), R"({"spec":{"b":null,"c":1,"m":{"y":"z"}}})");
}

TEST(CrdVersions, AreOrderedByStability) {
  EXPECT_TRUE(is_better_version("v2", "v1"));
  EXPECT_TRUE(is_better_version("v1", "v2beta1"));
  EXPECT_TRUE(is_better_version("v10beta3", "v2beta9"));
  EXPECT_TRUE(is_better_version("v1beta1", "v1alpha2"));
  EXPECT_TRUE(is_better_version("v1alpha1", "foo"));
  EXPECT_FALSE(is_better_version("foo", "v1"));
}

struct PatternCase {
  std::string_view name;
  std::string_view pattern;
  std::string_view text;
  bool matches;
};

class CrdPattern : public ::testing::TestWithParam<PatternCase> {};

TEST_P(CrdPattern, MatchesAsGoDoes) {
  const Pattern* pattern = cached_pattern(GetParam().pattern);
  ASSERT_NE(pattern, nullptr);
  EXPECT_EQ(pattern->found_in(GetParam().text), GetParam().matches);
}

INSTANTIATE_TEST_SUITE_P(
    ,
    CrdPattern,
    ::testing::Values(PatternCase{"Digits", R"(^\d+$)", "123", true},
                      PatternCase{"DigitsOnly", R"(^\d+$)", "12a", false},
                      PatternCase{"Anywhere", "b", "abc", true},
                      PatternCase{"Group", "^(?:ab)+$", "abab", true},
                      PatternCase{"EscapedDot", R"(^a\.b$)", "axb", false},
                      PatternCase{"WordsInABracket", R"(^[\w.-]+$)", "a.b-c_1", true},
                      PatternCase{"DashFirst", "^[-a]+$", "a-", true},
                      PatternCase{"EscapedBracket", R"(^[\]\[]+$)", "[]", true},
                      PatternCase{"Lazy", "^a+?$", "aaa", true}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(CrdFormat, ChecksTheKnownOnes) {
  EXPECT_TRUE(has_format("date-time", "2026-11-22T10:00:00Z"));
  EXPECT_FALSE(has_format("date-time", "yesterday"));
  EXPECT_TRUE(has_format("ipv4", "10.0.0.1"));
  EXPECT_FALSE(has_format("cidr", "10.0.0.0/33"));
  EXPECT_TRUE(has_format("never-heard-of", "anything"));
}

}  // namespace
}  // namespace lateen::sandbox
