#include "kube/selector.h"

#include "kube/object.h"
#include "kube/testing/fixture.h"

namespace lateen::kube {
namespace {

std::vector<bool> match_all(const LabelSelector& selector, const Json& sets) {
  std::vector<bool> out;
  for (const Json& set : sets.as_array()) {
    const bool by_tree = selector.matches(&set.as_object());
    EXPECT_EQ(by_tree, selector.matches(to_labels(&set.as_object())));
    out.push_back(by_tree);
  }
  return out;
}

std::vector<bool> expected_matches(const Json& row) {
  std::vector<bool> out;
  for (const Json& value : *array_at(row, "matches"))
    out.push_back(value.as_bool());
  return out;
}

TEST(LabelSelector, ParsesTextsAsKubernetesDoes) {
  const Json truth = fixture("selectors.json");
  for (const Json& row : *array_at(truth, "texts")) {
    const std::string text(string_at(row, "text"));
    SCOPED_TRACE("\"" + text + "\"");
    const auto selector = LabelSelector::parse(text);
    if (find(row, "error") != nullptr) {
      ASSERT_FALSE(selector) << selector->to_string();
      EXPECT_EQ(selector.error().message(), string_at(row, "error"));
      EXPECT_EQ(selector.error().code(), Code::InvalidArgument);
    } else {
      ASSERT_TRUE(selector) << selector.error().message();
      EXPECT_EQ(selector->to_string(), string_at(row, "canonical"));
      EXPECT_EQ(match_all(*selector, *find(truth, "sets")), expected_matches(row));
    }
  }
}

TEST(LabelSelector, BecomesTheStructThatKubernetesMakesOfAFlag) {
  const Json truth = fixture("selectors.json");
  for (const Json& row : *array_at(truth, "texts")) {
    SCOPED_TRACE(string_at(row, "text"));
    const auto made = parse_to_label_selector(string_at(row, "text"));
    if (find(row, "structError") != nullptr) {
      ASSERT_FALSE(made) << write_json(*made);
      EXPECT_EQ(made.error().message(), string_at(row, "structError"));
    } else {
      ASSERT_TRUE(made) << made.error().message();
      EXPECT_EQ(write_json(*made), write_json(*find(row, "struct")));
      EXPECT_EQ(format_label_selector(&*made), string_at(row, "formatted"));
    }
  }
}

TEST(LabelSelector, ReadsStructsAsKubernetesDoes) {
  const Json truth = fixture("selectors.json");
  for (const Json& row : *array_at(truth, "structs")) {
    const Json* tree = find(row, "selector");
    SCOPED_TRACE(write_json(*tree));
    EXPECT_EQ(format_label_selector(tree), string_at(row, "formatted"));
    const auto selector = LabelSelector::from_json(tree);
    if (find(row, "error") != nullptr) {
      ASSERT_FALSE(selector);
      EXPECT_EQ(selector.error().message(), string_at(row, "error"));
    } else {
      ASSERT_TRUE(selector) << selector.error().message();
      EXPECT_EQ(selector->to_string(), string_at(row, "canonical"));
      EXPECT_EQ(match_all(*selector, *find(truth, "sets")), expected_matches(row));
    }
  }
}

TEST(LabelSelector, AbsentSelectsNothingAndEmptyEverything) {
  EXPECT_TRUE(LabelSelector::from_json(nullptr)->selects_nothing());
  const Json empty = JsonObject();
  EXPECT_TRUE(LabelSelector::from_json(&empty)->selects_everything());
  EXPECT_TRUE(LabelSelector().matches(Labels{}));
}

TEST(LabelSelector, OfALabelSetSelectsWhatCarriesAllOfThem) {
  const LabelSelector selector = LabelSelector::from_labels({{"a", "1"}, {"b", "2"}});
  EXPECT_TRUE(selector.matches(Labels{{"a", "1"}, {"b", "2"}, {"c", "3"}}));
  EXPECT_FALSE(selector.matches(Labels{{"a", "1"}}));
  EXPECT_EQ(selector.to_string(), "a=1,b=2");
}

TEST(FieldSelector, ParsesTextsAsKubernetesDoes) {
  const Json truth = fixture("selectors.json");
  for (const Json& row : *array_at(truth, "fields")) {
    SCOPED_TRACE(string_at(row, "text"));
    const auto selector = FieldSelector::parse(string_at(row, "text"));
    if (find(row, "error") != nullptr) {
      ASSERT_FALSE(selector) << selector->to_string();
      EXPECT_EQ(selector.error().message(), string_at(row, "error"));
    } else {
      ASSERT_TRUE(selector) << selector.error().message();
      EXPECT_EQ(selector->to_string(), string_at(row, "canonical"));
    }
  }
}

TEST(FieldSelector, MatchesDottedPathsOfAnObject) {
  const Json pod = json(
      R"({"metadata":{"name":"db"},"spec":{"nodeName":"n1","hostNetwork":true,"priority":5}})");
  const auto matches = [&](std::string_view text) {
    return FieldSelector::parse(text)->matches(pod);
  };
  EXPECT_TRUE(matches("metadata.name=db"));
  EXPECT_TRUE(matches("metadata.name=db,spec.nodeName!=n2"));
  EXPECT_FALSE(matches("spec.nodeName!=n1"));
  EXPECT_TRUE(matches("spec.hostNetwork=true,spec.priority=5"));
  EXPECT_TRUE(matches("status.phase="));
  EXPECT_FALSE(matches("status.phase=Running"));
  EXPECT_EQ(FieldSelector::parse("a=1,metadata.name=db")->required_value("metadata.name"), "db");
  EXPECT_EQ(FieldSelector::parse("metadata.name!=db")->required_value("metadata.name"),
            std::nullopt);
}

}  // namespace
}  // namespace lateen::kube
