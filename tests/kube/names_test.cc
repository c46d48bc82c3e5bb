#include "kube/names.h"

#include <functional>
#include <map>

#include "kube/testing/fixture.h"

namespace lateen::kube {
namespace {

TEST(Names, AreJudgedAsKubernetesJudgesThem) {
  const std::map<std::string, std::function<NameProblems(std::string_view)>> checks = {
      {"dns1123Label", check_dns1123_label},    {"dns1123Subdomain", check_dns1123_subdomain},
      {"dns1035Label", check_dns1035_label},    {"wildcard", check_wildcard_dns1123_subdomain},
      {"qualifiedName", check_qualified_name},  {"labelValue", check_label_value},
      {"configMapKey", check_config_map_key},   {"envVarName", check_env_var_name},
      {"pathSegment", check_path_segment_name}, {"portName", check_port_name}};
  const Json truth = fixture("names.json");
  for (const Json& row : truth.as_array()) {
    NameProblems expected;
    for (const Json& problem : *array_at(row, "problems"))
      expected.emplace_back(as_text(&problem));
    EXPECT_EQ(checks.at(std::string(string_at(row, "check")))(string_at(row, "value")), expected)
        << string_at(row, "check") << " of \"" << string_at(row, "value") << "\"";
  }
}

TEST(Names, PortNumbersReachFromOneTo65535) {
  EXPECT_TRUE(check_port_number(1).empty());
  EXPECT_TRUE(check_port_number(65535).empty());
  EXPECT_EQ(join_problems(check_port_number(0)), "must be between 1 and 65535, inclusive");
}

}  // namespace
}  // namespace lateen::kube
