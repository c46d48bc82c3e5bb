#include "restore/namespace_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace lateen::restore {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(NamespaceMapping, WhatIsNotMappedStaysWhereItIs) {
  EXPECT_EQ(target_namespace({{"shop", "copy"}}, "shop"), "copy");
  EXPECT_EQ(target_namespace({{"shop", "copy"}}, "shop2"), "shop2");
  EXPECT_EQ(target_namespace({}, "shop"), "shop");
}

TEST(NamespaceMapping, APatternCarriesItsStarOver) {
  EXPECT_EQ(target_namespace({{"prod-*", "dr-*"}}, "prod-shop"), "dr-shop");
  EXPECT_EQ(target_namespace({{"*-prod", "*-dr-1"}}, "shop-prod"), "shop-dr-1");
  EXPECT_EQ(target_namespace({{"*", "old-*"}}, "shop"), "old-shop");
  EXPECT_EQ(target_namespace({{"a*a", "b*"}}, "a"), "a");  // its two ends may not overlap
}

TEST(NamespaceMapping, ANameGoesBeforePatternsAndTheLongerBeforeTheShorter) {
  const model::StringMap mapping = {
      {"*", "x-*"}, {"prod-*", "dr-*"}, {"prod-db-*", "db-*"}, {"prod-db-1", "here"}};
  EXPECT_EQ(target_namespace(mapping, "prod-db-1"), "here");
  EXPECT_EQ(target_namespace(mapping, "prod-db-2"), "db-2");
  EXPECT_EQ(target_namespace(mapping, "prod-web"), "dr-web");
  EXPECT_EQ(target_namespace(mapping, "test"), "x-test");
}

TEST(NamespaceMapping, SaysWhatIsWrongWithAPair) {
  EXPECT_THAT(validate_namespace_mapping({{"a", "b"}, {"p-*", "q-*"}, {"r-*", "s"}}), IsEmpty());
  EXPECT_THAT(validate_namespace_mapping({{"a", ""}}), ElementsAre(HasSubstr("both sides")));
  EXPECT_THAT(validate_namespace_mapping({{"*-*", "b"}}), ElementsAre(HasSubstr("one *")));
  EXPECT_THAT(validate_namespace_mapping({{"a", "b-*"}}), ElementsAre(HasSubstr("on the left")));
  EXPECT_THAT(validate_namespace_mapping({{"a?", "b"}}), ElementsAre(HasSubstr("only pattern")));
}

// One pattern with a star on both sides never makes one namespace of two.
RC_GTEST_PROP(NamespaceMapping,
              APatternIsOneToOne,
              (const std::string& prefix,
               const std::string& to,
               const std::string& a,
               const std::string& b)) {
  const auto letters = [](const std::string& text) {
    std::string kept;
    for (const char c : text)
      kept += static_cast<char>('a' + static_cast<unsigned char>(c) % 4);
    return kept;
  };
  const model::StringMap mapping = {{letters(prefix) + "*", letters(to) + "-*"}};
  const std::string first = letters(prefix) + letters(a);
  const std::string second = letters(prefix) + letters(b);
  RC_ASSERT((first == second) ==
            (target_namespace(mapping, first) == target_namespace(mapping, second)));
}

}  // namespace
}  // namespace lateen::restore
