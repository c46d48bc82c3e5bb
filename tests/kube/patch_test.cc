#include "kube/patch.h"

#include <map>

#include "kube/testing/fixture.h"

namespace lateen::kube {
namespace {

// The strategies of Kubernetes' own types, read out of their Go tags by the generator.
class TableSchema final : public MergeSchema {
 public:
  explicit TableSchema(const Json& rules) {
    for (const auto& [path, rule] : rules.as_object()) {
      const std::string_view strategy = string_at(rule, "strategy");
      rules_[std::string(path)] = {
          .merge = strategy.find("merge") != std::string_view::npos,
          .replace = strategy.find("replace") != std::string_view::npos,
          .retain_keys = strategy.find("retainKeys") != std::string_view::npos,
          .merge_key = std::string(string_at(rule, "key"))};
    }
  }

  MergeRule rule(std::span<const std::string_view> path) const override {
    std::string key;
    for (const std::string_view part : path)
      key += (key.empty() ? "" : ".") + std::string(part);
    const auto it = rules_.find(key);
    return it == rules_.end() ? MergeRule{} : it->second;
  }

 private:
  std::map<std::string, MergeRule> rules_;
};

TEST(StrategicMerge, AgreesWithKubernetesOnEveryCase) {
  const Json truth = fixture("strategic_merges.json");
  std::map<std::string, std::unique_ptr<TableSchema>> schemas;
  for (const auto& [kind, rules] : *object_at(truth, "rules")) {
    schemas[std::string(kind)] = std::make_unique<TableSchema>(rules);
  }
  for (const Json& row : *array_at(truth, "cases")) {
    SCOPED_TRACE(write_json(*find(row, "patch")) + " on " + write_json(*find(row, "target")));
    const auto result = strategic_merge_patch(*find(row, "target"), *find(row, "patch"),
                                              *schemas.at(std::string(string_at(row, "kind"))));
    if (const Json* expected = find(row, "result")) {
      ASSERT_TRUE(result) << result.error().message();
      EXPECT_EQ(write_json(*result), write_json(*expected));
    } else {
      ASSERT_FALSE(result) << write_json(*result);
      EXPECT_EQ(result.error().message(), string_at(row, "error"));
    }
  }
}

TEST(StrategicMerge, SaysWhetherThePatchOrTheObjectIsAtFault) {
  const NoMergeSchema none;
  const auto malformed =
      strategic_merge_patch(json(R"({"a":{}})"), json(R"({"a":{"$retainKeys":1}})"), none);
  ASSERT_FALSE(malformed);
  EXPECT_EQ(malformed.error().code(), Code::InvalidArgument);
  const auto unknown = strategic_merge_patch(json(R"({})"), json(R"({"$patch":"frob"})"), none);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), Code::Internal);
}

TEST(JsonPatch, AgreesWithKubernetesLibraryOnEveryCase) {
  const Json truth = fixture("json_patches.json");
  for (const Json& row : truth.as_array()) {
    SCOPED_TRACE(write_json(*find(row, "patch")) + " on " + write_json(*find(row, "doc")));
    const auto result = json_patch(*find(row, "doc"), *find(row, "patch"));
    if (const Json* expected = find(row, "result")) {
      ASSERT_TRUE(result) << result.error().message();
      EXPECT_EQ(write_json(*result), write_json(*expected));
    } else {
      ASSERT_FALSE(result) << write_json(*result);
      EXPECT_EQ(result.error().code(), Code::Conflict);
    }
  }
}

TEST(JsonPatch, RefusesMoreThanTenThousandOperations) {
  JsonArray many;
  for (int i = 0; i < 10'001; ++i)
    many.push_back(json(R"({"op":"add","path":"/a","value":1})"));
  const auto result = json_patch(json("{}"), many);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(),
            "The allowed maximum operations in a JSON patch is 10000, got 10001");
}

TEST(JsonPatch, RefusesCopiesThatGrowPastThreeMebibytes) {
  JsonArray bomb;
  bomb.push_back(json(R"({"op":"add","path":"/a","value":[1]})"));
  for (int i = 0; i < 40; ++i)
    bomb.push_back(json(R"({"op":"copy","from":"/a","path":"/a/-"})"));
  const auto result = json_patch(json("{}"), bomb);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::Unsupported);
}

TEST(JsonPatch, RefusesToNestWithoutEnd) {
  JsonArray spiral;
  spiral.push_back(json(R"({"op":"add","path":"/a","value":{}})"));
  std::string path = "/a/a";
  for (int i = 0; i < 12; ++i) {
    spiral.push_back(JsonObject{{"op", "copy"}, {"from", "/a"}, {"path", path}});
    path += path.substr(2);
  }
  const auto result = json_patch(json("{}"), spiral);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(),
            "error while adding value during copy: the patch would nest the object more than 512 "
            "levels deep");
}

TEST(JsonPatch, RefusesADocumentThatIsNoListOfOperations) {
  const auto result = json_patch(json("{}"), json(R"({"op":"add"})"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::InvalidArgument);
}

TEST(MergePatch, AgreesWithKubernetesLibraryOnEveryCase) {
  const Json truth = fixture("merge_patches.json");
  for (const Json& row : truth.as_array()) {
    SCOPED_TRACE(write_json(*find(row, "patch")) + " on " + write_json(*find(row, "doc")));
    EXPECT_EQ(write_json(merge_patch(*find(row, "doc"), *find(row, "patch"))),
              write_json(*find(row, "result")));
  }
}

TEST(MergePatch, DiffAppliedToTheOldGivesTheNew) {
  const Json truth = fixture("merge_patches.json");
  for (const Json& row : truth.as_array()) {
    const Json& from = *find(row, "doc");
    const Json to = merge_patch(JsonObject(), *find(row, "patch"));
    const Json diff = diff_merge_patch(from, to);
    SCOPED_TRACE(write_json(from) + " to " + write_json(to) + " by " + write_json(diff));
    // A null member of the old stays null where it isn't spoken of: a merge patch can't see it.
    EXPECT_EQ(write_json(merge_patch(JsonObject(), merge_patch(from, diff))),
              write_json(merge_patch(JsonObject(), to)));
  }
}

TEST(MergePatch, DiffOfEqualObjectsIsEmpty) {
  const Json a = json(R"({"a":{"b":[1,{"c":null}]},"d":1.5})");
  EXPECT_EQ(write_json(diff_merge_patch(a, a)), "{}");
}

TEST(MergePatch, DiffNamesOnlyWhatChanged) {
  EXPECT_EQ(write_json(diff_merge_patch(json(R"({"a":{"b":1,"c":2,"d":3},"l":[1],"x":1})"),
                                        json(R"({"a":{"b":1,"c":5},"l":[1,2],"x":1})"))),
            R"({"a":{"c":5,"d":null},"l":[1,2]})");
}

TEST(PatchType, HasTheContentTypeThatServersKnow) {
  EXPECT_EQ(content_type(PatchType::Merge), "application/merge-patch+json");
  EXPECT_EQ(content_type(PatchType::Json), "application/json-patch+json");
  EXPECT_EQ(content_type(PatchType::StrategicMerge), "application/strategic-merge-patch+json");
  EXPECT_EQ(content_type(PatchType::Apply), "application/apply-patch+yaml");
}

}  // namespace
}  // namespace lateen::kube
