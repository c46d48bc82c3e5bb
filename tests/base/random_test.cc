#include "base/random.h"

#include <set>

#include <gtest/gtest.h>

#include "base/testing/counting_rng.h"

namespace lateen {
namespace {

TEST(Random, MakesUuidsOfVersion4) {
  CountingRng rng;
  EXPECT_EQ(uuid4(rng), "00010203-0405-4607-8809-0a0b0c0d0e0f");
}

TEST(Random, MakesSuffixesOfKubernetesAlphabet) {
  SystemRng rng;
  std::set<char> seen;
  for (int i = 0; i < 500; ++i) {
    const std::string suffix = random_suffix(rng);
    ASSERT_EQ(suffix.size(), 5U);
    seen.insert(suffix.begin(), suffix.end());
  }
  EXPECT_EQ(std::string(seen.begin(), seen.end()), "2456789bcdfghjklmnpqrstvwxz");
}

TEST(Random, StaysBelowItsBound) {
  SystemRng rng;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 200; ++i)
    seen.insert(random_below(rng, 3));
  EXPECT_EQ(seen, (std::set<std::uint64_t>{0, 1, 2}));
  EXPECT_EQ(random_below(rng, 1), 0U);
}

}  // namespace
}  // namespace lateen
