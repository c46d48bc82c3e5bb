#include "base/environment.h"

#include <gtest/gtest.h>

namespace lateen {
namespace {

using Variables = std::vector<std::string>;

TEST(Environment, OfAChildReplacesVariablesOfTheSameName) {
  EXPECT_EQ(with_variables({"A=1", "AB=2", "C=3"}, {"A=9", "D="}),
            (Variables{"AB=2", "C=3", "A=9", "D="}));
}

TEST(Environment, TellsUnsetFromEmpty) {
  EXPECT_FALSE(env("LATEEN_NO_SUCH_VARIABLE"));
  EXPECT_TRUE(env("PATH"));
  EXPECT_FALSE(home_dir().empty());
}

}  // namespace
}  // namespace lateen
