#include "volumes/snapshot_class.h"

#include <gtest/gtest.h>

#include "base/yaml.h"

namespace lateen::volumes {
namespace {

Json yaml(std::string_view text) {
  auto parsed = parse_yaml(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? std::move(*parsed) : Json();
}

struct ClassCase {
  const char* name;
  const char* claim = "{}";
  const char* backup = "{}";
  std::vector<const char*> classes;
  const char* expected;  // the class, or what the error holds
};

class SnapshotClass : public ::testing::TestWithParam<ClassCase> {};

TEST_P(SnapshotClass, IsChosenInVelerosOrder) {
  std::vector<Json> classes;
  for (const char* text : GetParam().classes)
    classes.push_back(yaml(text));
  const auto chosen = choose_snapshot_class("CSI.example", yaml(GetParam().claim),
                                            yaml(GetParam().backup), classes);
  const std::string said = chosen ? *chosen : chosen.error().message();
  EXPECT_NE(said.find(GetParam().expected), std::string::npos) << said;
}

constexpr const char* kA = "{metadata: {name: a}, driver: CSI.example}";
constexpr const char* kB = "{metadata: {name: b}, driver: CSI.example}";
constexpr const char* kOther = "{metadata: {name: other}, driver: else}";
constexpr const char* kLabelled =
    R"({metadata: {name: labelled, labels: {velero.io/csi-volumesnapshot-class: "x"}}, driver: CSI.example})";
constexpr const char* kDefault =
    R"({metadata: {name: default, annotations: {snapshot.storage.kubernetes.io/is-default-class: "true"}}, driver: CSI.example})";
constexpr const char* kClaim = "{metadata: {annotations: {velero.io/csi-volumesnapshot-class: a}}}";
constexpr const char* kBackup =
    "{metadata: {annotations: {velero.io/csi-volumesnapshot-class_csi.example: b}}}";

INSTANTIATE_TEST_SUITE_P(
    ,
    SnapshotClass,
    ::testing::ValuesIn(std::vector<ClassCase>{
        {"TheClaimsWordComesFirst", kClaim, kBackup, {kA, kB, kLabelled}, "a"},
        {"ThenTheBackups", "{}", kBackup, {kA, kB, kLabelled}, "b"},
        {"ThenTheLabelledOne", "{}", "{}", {kA, kDefault, kLabelled}, "labelled"},
        {"ThenTheDriversDefault", "{}", "{}", {kA, kDefault, kB}, "default"},
        {"ThenItsOnlyOne", "{}", "{}", {kOther, kA}, "a"},
        {"NoneOfTheDriver",
         "{}",
         "{}",
         {kOther},
         "there is no VolumeSnapshotClass for CSI driver CSI.example"},
        {"TwoAndNoMark", "{}", "{}", {kA, kB}, "2 VolumeSnapshotClasses, and none is marked"},
        {"ANamedOneThatIsNotThere", kClaim, "{}", {kB}, "does not exist"},
        {"ANamedOneOfAnotherDriver",
         "{metadata: {annotations: {velero.io/csi-volumesnapshot-class: other}}}",
         "{}",
         {kOther},
         "is of driver else and not of CSI.example"},
    }),
    [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace lateen::volumes
