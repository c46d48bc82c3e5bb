#include "restore/modifiers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "restore/go_pattern.h"
#include "restore/merge_rules.h"
#include "restore/testing/fixtures.h"

namespace lateen::restore {
namespace {

using samples::yaml;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Modifiers parse(std::string_view rules) {
  auto parsed = Modifiers::parse(fmt::format("version: v1\nresourceModifierRules:\n{}", rules));
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message());
  return parsed ? std::move(*parsed) : Modifiers();
}

Json deployment() {
  return yaml(R"(
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 3
  template:
    spec:
      containers:
      - {name: web, image: "web:1", ports: [{containerPort: 80}], env: [{name: A, value: a}]}
      - {name: proxy, image: "proxy:1"}
)");
}

// Applied to the deployment of namespace shop.
Json modified(std::string_view rules, std::vector<std::string>* errors = nullptr) {
  Json object = deployment();
  auto told = parse(rules).apply("deployments.apps", "shop", object);
  if (errors != nullptr) {
    *errors = std::move(told);
  } else {
    EXPECT_THAT(told, IsEmpty());
  }
  return object;
}

constexpr std::string_view kOneReplica =
    "  patches: [{operation: replace, path: /spec/replicas, value: '1'}]\n";

struct ConditionCase {
  const char* name;
  const char* conditions;
  bool applies;
};

class Conditions : public ::testing::TestWithParam<ConditionCase> {};

TEST_P(Conditions, DecideWhetherARuleApplies) {
  const Json object =
      modified(fmt::format("- conditions: {}\n{}", GetParam().conditions, kOneReplica));
  EXPECT_EQ(int_at(object, "spec.replicas"), GetParam().applies ? 1 : 3);
}

INSTANTIATE_TEST_SUITE_P(
    ,
    Conditions,
    ::testing::ValuesIn(std::vector<ConditionCase>{
        {"TheKind", "{groupResource: deployments.apps}", true},
        {"AnotherKind", "{groupResource: pods}", false},
        {"AStarIsOneWordOfTheKind", "{groupResource: '*'}", false},
        {"AGlobOfBothWords", "{groupResource: '*.apps'}", true},
        {"TwoStarsAreAll", "{groupResource: '**'}", true},
        {"TheNameByPattern", "{groupResource: deployments.apps, resourceNameRegex: '^w'}", true},
        {"APatternIsNotAnchored", "{groupResource: deployments.apps, resourceNameRegex: 'e'}",
         true},
        {"AnotherName", "{groupResource: deployments.apps, resourceNameRegex: '^x'}", false},
        {"GosClassesWork",
         R"({groupResource: deployments.apps, resourceNameRegex: '^(?:web|api)\w*$'})", true},
        {"TheNamespaceInTheBackup", "{groupResource: deployments.apps, namespaces: [shop]}", true},
        {"AnotherNamespace", "{groupResource: deployments.apps, namespaces: [lab]}", false},
        {"TheLabels", "{groupResource: deployments.apps, labelSelector: {matchLabels: {app: web}}}",
         true},
        {"OtherLabels",
         "{groupResource: deployments.apps, labelSelector: {matchLabels: {app: db}}}", false},
        {"AMatchOfANumber",
         "{groupResource: deployments.apps, matches: [{path: /spec/replicas, value: '3'}]}", true},
        {"AMatchOfAnotherNumber",
         "{groupResource: deployments.apps, matches: [{path: /spec/replicas, value: '4'}]}", false},
        {"AMatchOfNothing",
         "{groupResource: deployments.apps, matches: [{path: /spec/none, value: x}]}", false},
    }),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(Modifiers, ValuesAreTypedAsVeleroDoes) {
  const Json object = modified(R"(
- conditions: {groupResource: deployments.apps}
  patches:
  - {operation: add, path: /metadata/labels/quoted, value: '"7"'}
  - {operation: add, path: /metadata/labels/plain, value: x y}
  - {operation: add, path: /metadata/labels/empty, value: ''}
  - {operation: add, path: /spec/number, value: '7'}
  - {operation: add, path: /spec/truth, value: 'true'}
  - {operation: add, path: /spec/nothing, value: 'null'}
  - {operation: add, path: /spec/object, value: '{"a": [1]}'}
)");
  EXPECT_EQ(*find(object, "metadata.labels"),
            yaml("{app: web, quoted: '7', plain: x y, empty: ''}"));
  EXPECT_EQ(int_at(object, "spec.number"), 7);
  EXPECT_EQ(bool_at(object, "spec.truth"), true);
  EXPECT_TRUE(find(object, "spec.nothing")->is_null());
  EXPECT_EQ(*find(object, "spec.object"), yaml("{a: [1]}"));
}

TEST(Modifiers, ATestThatDoesNotHoldIsNoErrorAndUndoesItsRule) {
  const Json object = modified(R"(
- conditions: {groupResource: deployments.apps}
  patches:
  - {operation: replace, path: /spec/replicas, value: '1'}
  - {operation: test, path: /spec/replicas, value: '2'}
)");
  EXPECT_EQ(object, deployment());
}

TEST(Modifiers, ATestMayLookAtWhatItsRuleHasMade) {
  const Json object = modified(R"(
- conditions: {groupResource: deployments.apps}
  patches:
  - {operation: replace, path: /spec/replicas, value: '1'}
  - {operation: test, path: /spec/replicas, value: '1'}
)");
  EXPECT_EQ(int_at(object, "spec.replicas"), 1);
}

TEST(Modifiers, APatchThatDoesNotFitIsAnErrorAndLeavesTheObject) {
  std::vector<std::string> errors;
  const Json object = modified(R"(
- conditions: {groupResource: deployments.apps}
  patches:
  - {operation: replace, path: /spec/replicas, value: '1'}
  - {operation: remove, path: /spec/none/deeper}
)",
                               &errors);
  EXPECT_EQ(object, deployment());
  EXPECT_THAT(errors, ElementsAre(HasSubstr("error in applying JSON Patch")));
}

TEST(Modifiers, ConditionsAreJudgedOnTheObjectAsItCame) {
  const Json object = modified(R"(
- conditions: {groupResource: deployments.apps}
  mergePatches: [{patchData: '{"metadata": {"labels": {"app": "db"}}}'}]
- conditions: {groupResource: deployments.apps, labelSelector: {matchLabels: {app: web}}}
  mergePatches: [{patchData: "spec: {replicas: 1}"}]
)");
  EXPECT_EQ(kube::label_of(object, "app"), "db");
  EXPECT_EQ(int_at(object, "spec.replicas"), 1);
}

// The containers that a strategic patch does not name stay: as `kubectl patch` has it.
TEST(Modifiers, AStrategicPatchMergesListsByTheirKeys) {
  const Json object = modified(R"(
- conditions: {groupResource: deployments.apps}
  strategicPatches:
  - patchData: |
      spec:
        template:
          spec:
            containers:
            - name: web
              image: web:2
              env: [{name: B, value: b}]
)");
  const Json& containers = *find(object, "spec.template.spec.containers");
  ASSERT_EQ(containers.as_array().size(), 2U);
  EXPECT_EQ(string_at(containers.at(0), "image"), "web:2");
  EXPECT_EQ(find(containers.at(0), "ports")->as_array().size(), 1U);
  EXPECT_EQ(find(containers.at(0), "env")->as_array().size(), 2U);
  EXPECT_EQ(string_at(containers.at(1), "image"), "proxy:1");
}

TEST(Modifiers, ACustomResourceTakesNoStrategicPatch) {
  Json book = yaml("{metadata: {name: faust}}");
  const Modifiers modifiers = parse(R"(
- conditions: {groupResource: books.library.example.com}
  strategicPatches: [{patchData: "spec: {title: x}"}]
)");
  EXPECT_THAT(modifiers.apply("books.library.example.com", "shop", book),
              ElementsAre(HasSubstr("is a custom resource")));
  EXPECT_EQ(book, yaml("{metadata: {name: faust}}"));
}

struct RefusalCase {
  const char* name;
  const char* yaml;
  const char* message;
};

class ModifierRefusals : public ::testing::TestWithParam<RefusalCase> {};

TEST_P(ModifierRefusals, SayWhichRuleIsWrong) {
  const auto parsed = Modifiers::parse(GetParam().yaml);
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message(), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    ,
    ModifierRefusals,
    ::testing::ValuesIn(std::vector<RefusalCase>{
        {"AnotherVersion", "version: v2\nresourceModifierRules: []", "unsupported version \"v2\""},
        {"AnUnknownField", "version: v1\nrules: []", "unknown field \"rules\""},
        {"NoConditions", "version: v1\nresourceModifierRules: [{patches: []}]",
         "resourceModifierRules[0] has no conditions"},
        {"NoKind", "version: v1\nresourceModifierRules: [{conditions: {namespaces: [a]}}]",
         "groupResource is empty"},
        {"TwoKindsOfPatches",
         "version: v1\nresourceModifierRules: [{conditions: {groupResource: pods}, patches: [], "
         "mergePatches: []}]",
         "only one of patches, mergePatches, strategicPatches"},
        {"AnUnknownOperation",
         "version: v1\nresourceModifierRules: [{conditions: {groupResource: pods}, patches: "
         "[{operation: drop, path: /a}]}]",
         "unknown patch operation \"drop\""},
        {"ABrokenPattern",
         "version: v1\nresourceModifierRules: [{conditions: {groupResource: pods, "
         "resourceNameRegex: '('}}]",
         "is not a regular expression"},
    }),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(Modifiers, AConfigMapHasOneKey) {
  EXPECT_TRUE(Modifiers::from_config_map(yaml(R"(
metadata: {name: m}
data: {rules.yaml: "version: v1"}
)")));
  const auto two = Modifiers::from_config_map(yaml("{metadata: {name: m}, data: {a: '', b: ''}}"));
  ASSERT_FALSE(two);
  EXPECT_THAT(two.error().message(), HasSubstr("must have exactly one key, and has 2"));
}

// ---- Go's patterns.

struct PatternCase {
  const char* go;
  const char* posix;  // or what the error says
};

TEST(GoPattern, IsWrittenInPosixTerms) {
  for (const PatternCase& one : std::vector<PatternCase>{
           {"^web-.*$", "^web-.*$"},
           {R"(^web-\d+$)", "^web-[0-9]+$"},
           {R"(\w\W\s\D)", "[0-9A-Za-z_][^0-9A-Za-z_][\t\n\f\r ][^0-9]"},
           {R"(a\.b\-c)", R"(a\.b\-c)"},
           {"(?:a|b)c", "(a|b)c"},
           {"(?P<n>a)", "(a)"},
           {"a+?b*?c??d{1,2}?", "a+b*c?d{1,2}"},
           {R"([\w-]+)", "[0-9A-Za-z_-]+"},
           {R"([^\]a\-z])", "[^]az-]"},
           {R"(\Aweb\z)", "^web$"},
           {"[[:alpha:]_]", "[[:alpha:]_]"},
           {"(?i)web", "(?i is not understood"},
           {R"(\pL)", R"(\p is not understood)"},
           {"[a", "a missing closing ] is not understood"},
       }) {
    const auto posix = to_posix_pattern(one.go);
    if (posix) {
      EXPECT_EQ(*posix, one.posix) << one.go;
    } else {
      EXPECT_THAT(posix.error().message(), HasSubstr(one.posix)) << one.go;
    }
  }
}

// ---- Merge keys, as x-kubernetes-patch-merge-key of kube-apiserver's OpenAPI has them.

TEST(MergeRules, AreThoseOfKubernetesTypes) {
  const auto key = [](std::string_view kind, std::vector<std::string_view> path) {
    const kube::MergeRule rule = BuiltInMergeSchema(kind).rule(path);
    return rule.merge ? rule.merge_key : std::string("replace");
  };
  EXPECT_EQ(key("pods", {"spec", "containers"}), "name");
  EXPECT_EQ(key("pods", {"spec", "containers", "ports"}), "containerPort");
  EXPECT_EQ(key("pods", {"spec", "containers", "volumeMounts"}), "mountPath");
  EXPECT_EQ(key("pods", {"spec", "tolerations"}), "replace");
  EXPECT_EQ(key("cronjobs.batch",
                {"spec", "jobTemplate", "spec", "template", "spec", "initContainers", "env"}),
            "name");
  EXPECT_EQ(key("services", {"spec", "ports"}), "port");
  EXPECT_EQ(key("networkpolicies.networking.k8s.io", {"spec", "ingress", "ports"}), "replace");
  EXPECT_EQ(key("serviceaccounts", {"secrets"}), "name");
  EXPECT_EQ(key("configmaps", {"metadata", "ownerReferences"}), "uid");
  EXPECT_FALSE(has_merge_rules("books.library.example.com"));
  EXPECT_FALSE(has_merge_rules("volumesnapshots.snapshot.storage.k8s.io"));
  EXPECT_TRUE(has_merge_rules("storageclasses.storage.k8s.io"));
}

}  // namespace
}  // namespace lateen::restore
