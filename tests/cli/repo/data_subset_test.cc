#include "cli/repo/data_subset.h"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "base/random.h"

namespace lateen::cli::repo {
namespace {

std::vector<SizedPack> packs(std::size_t count) {
  std::vector<SizedPack> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back({.name = fmt::format("{:064x}", i * 0x9e3779b97f4a7c15U), .size = 100});
  return all;
}

std::size_t chosen(const std::string& subset, std::size_t of) {
  SystemRng rng;
  const std::vector<SizedPack> all = packs(of);
  const auto choose = parse_data_subset(subset, all, rng);
  if (!choose) return 999;
  return static_cast<std::size_t>(
      std::ranges::count_if(all, [&](const SizedPack& pack) { return (*choose)(pack.name); }));
}

TEST(DataSubset, APercentageIsThatManyPacksAndOneAtLeast) {
  EXPECT_EQ(chosen("50%", 10), 5U);
  EXPECT_EQ(chosen("100%", 10), 10U);
  EXPECT_EQ(chosen("2.5%", 4), 1U);
  EXPECT_EQ(chosen("50%", 0), 0U);
}

TEST(DataSubset, ASizeIsAsManyPacksAsHaveIt) {
  EXPECT_EQ(chosen("250", 10), 3U);
  EXPECT_EQ(chosen("1", 10), 1U);
  EXPECT_EQ(chosen("1G", 10), 10U);
}

TEST(DataSubset, AllPartsTogetherAreAllPacks) {
  std::size_t sum = 0;
  for (int part = 1; part <= 7; ++part)
    sum += chosen(fmt::format("{}/7", part), 300);
  EXPECT_EQ(sum, 300U);
}

TEST(DataSubset, WhatIsNoSubsetIsRefused) {
  for (const char* text : {"", "0/2", "3/2", "1/300", "0%", "101%", "x%", "0", "-1", "many"})
    EXPECT_EQ(chosen(text, 3), 999U) << text;
}

}  // namespace
}  // namespace lateen::cli::repo
