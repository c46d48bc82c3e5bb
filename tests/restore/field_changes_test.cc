#include "restore/field_changes.h"

#include <gtest/gtest.h>

#include "base/yaml.h"

namespace lateen::restore {
namespace {

using Changes = std::vector<FieldChange>;

Changes between(std::string_view before, std::string_view after, bool is_secret = false) {
  const auto one = parse_yaml(before);
  const auto other = parse_yaml(after);
  EXPECT_TRUE(one && other) << before << after;
  return field_changes(*one, *other, is_secret);
}

TEST(FieldChanges, NamesEachFieldThatDiffers) {
  EXPECT_EQ(between("{spec: {replicas: 1, paused: true}}", "{spec: {replicas: 2, cluster: a}}"),
            (Changes{{"spec.cluster", "", "\"a\""},
                     {"spec.paused", "true", ""},
                     {"spec.replicas", "1", "2"}}));
  EXPECT_EQ(between("{a: 1, gone: null}", "{a: 1}"), Changes{});
}

TEST(FieldChanges, MatchesTheItemsOfAListByTheirNames) {
  EXPECT_EQ(between("{c: [{name: web, image: 'a:1'}, {name: old, image: x}]}",
                    "{c: [{name: side, image: z}, {name: web, image: 'a:2'}]}"),
            (Changes{{"c[web].image", "\"a:1\"", "\"a:2\""},
                     {"c[old]", R"({"image":"x","name":"old"})", ""},
                     {"c[side]", "", R"({"image":"z","name":"side"})"}}));
}

TEST(FieldChanges, MatchesTheItemsOfOtherListsByTheirPlaces) {
  EXPECT_EQ(between("{args: [a, b]}", "{args: [a, c]}"), (Changes{{"args[1]", "\"b\"", "\"c\""}}));
  EXPECT_EQ(between("{args: [a]}", "{args: [a, c]}"),
            (Changes{{"args", "[\"a\"]", "[\"a\",\"c\"]"}}));
}

TEST(FieldChanges, ShowsAnotherOrderOfNamesAsTheListsThemselves) {
  EXPECT_EQ(between("{c: [{name: a}, {name: b}]}", "{c: [{name: b}, {name: a}]}"),
            (Changes{{"c", R"([{"name":"a"},{"name":"b"}])", R"([{"name":"b"},{"name":"a"}])"}}));
}

TEST(FieldChanges, PassesOverTheLabelsOfARestore) {
  EXPECT_EQ(
      between("{metadata: {}}", "{metadata: {labels: {velero.io/restore-name: r, app.io/x: '1'}}}"),
      (Changes{{"metadata.labels.[app.io/x]", "", "\"1\""}}));
}

TEST(FieldChanges, NeverShowsWhatASecretHolds) {
  const Changes changes =
      between("{type: Opaque, data: {password: b2xk}}",
              "{type: tls, data: {password: bmV3}, metadata: {annotations: {note: hidden}}}", true);
  EXPECT_EQ(changes, (Changes{{"data.password", "***", "***"},
                              {"metadata.annotations", "", "***"},
                              {"type", "\"Opaque\"", "\"tls\""}}));
}

TEST(FieldChanges, ShortensLongValues) {
  const Changes changes = between("{a: x}", "{a: " + std::string(500, 'y') + "}");
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_LT(changes[0].after.size(), 130U);
}

}  // namespace
}  // namespace lateen::restore
