#include "backup/pod_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/object.h"

namespace lateen::backup {
namespace {

using ::testing::ElementsAre;

Json pod(std::string_view name, const std::vector<std::string>& claims) {
  JsonArray volumes;
  for (const std::string& claim : claims) {
    volumes.emplace_back(
        JsonObject{{"name", claim}, {"persistentVolumeClaim", JsonObject{{"claimName", claim}}}});
  }
  return JsonObject{{"metadata", JsonObject{{"name", name}, {"namespace", "shop"}}},
                    {"spec", JsonObject{{"volumes", std::move(volumes)}}}};
}

std::vector<std::vector<std::string>> names_of(const std::vector<PodBlock>& blocks) {
  std::vector<std::vector<std::string>> names;
  for (const PodBlock& block : blocks) {
    names.emplace_back();
    for (const Json& one : block)
      names.back().emplace_back(kube::name_of(one));
  }
  return names;
}

TEST(PodBlocks, PodsOfOneClaimAreBackedUpTogether) {
  EXPECT_THAT(names_of(group_by_claims({pod("a", {"x"}), pod("b", {"y"}), pod("c", {"x"})})),
              ElementsAre(ElementsAre("a", "c"), ElementsAre("b")));
}

TEST(PodBlocks, AChainOfSharedClaimsIsOneBlock) {
  EXPECT_THAT(names_of(group_by_claims(
                  {pod("a", {"x"}), pod("b", {"y"}), pod("c", {"y", "z"}), pod("d", {"z", "x"})})),
              ElementsAre(ElementsAre("a", "b", "c", "d")));
}

TEST(PodBlocks, PodsWithoutClaimsStandAlone) {
  EXPECT_THAT(names_of(group_by_claims({pod("a", {}), pod("b", {})})),
              ElementsAre(ElementsAre("a"), ElementsAre("b")));
}

TEST(PodBlocks, OrderedPodsAreOneBlockWithThoseThatShareTheirClaims) {
  EXPECT_THAT(names_of(group_by_claims(
                  {pod("b", {"y"}), pod("a", {"x"}), pod("c", {"z"}), pod("d", {"x"})}, 2)),
              ElementsAre(ElementsAre("b", "a", "d"), ElementsAre("c")));
}

TEST(PodBlocks, TheClaimOfAnEphemeralVolumeIsNamedAfterPodAndVolume) {
  Json one = pod("web-0", {"data"});
  ensure(one, "spec.volumes")
      .as_array()
      .push_back(JsonObject{{"name", "scratch"}, {"ephemeral", JsonObject()}});
  EXPECT_THAT(claims_of(one), ElementsAre("shop/data", "shop/web-0-scratch"));
}

// What a plugin's ItemBlockAction says of a pod, as keys that pods share.
TEST(PodBlocks, GroupsByFurtherKeys) {
  const auto keys = [](const Json& one) {
    const std::string_view name = kube::name_of(one);
    return name == "a" ? std::vector<std::string>{"pods shop/a", "pods shop/c"}
                       : std::vector<std::string>{fmt::format("pods shop/{}", name)};
  };
  EXPECT_THAT(
      names_of(group_pods({pod("a", {}), pod("b", {"x"}), pod("c", {}), pod("d", {"x"})}, 0, keys)),
      ElementsAre(ElementsAre("a", "c"), ElementsAre("b", "d")));
}

}  // namespace
}  // namespace lateen::backup
