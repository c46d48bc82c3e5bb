// Kubernetes' rules for names, with the texts of k8s.io/apimachinery's validation. Each check
// answers the problems found, none when the value is valid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lateen::kube {

using NameProblems = std::vector<std::string>;

inline constexpr std::size_t kDns1123LabelMax = 63;
inline constexpr std::size_t kDns1123SubdomainMax = 253;

NameProblems check_dns1123_label(std::string_view value);      // namespaces, containers, ports
NameProblems check_dns1123_subdomain(std::string_view value);  // most objects
NameProblems check_dns1035_label(std::string_view value);      // services
NameProblems check_wildcard_dns1123_subdomain(std::string_view value);
NameProblems check_qualified_name(
    std::string_view value);  // label and annotation keys: "prefix/name"
NameProblems check_label_value(std::string_view value);
NameProblems check_config_map_key(std::string_view value);  // data keys of ConfigMaps and Secrets
NameProblems check_env_var_name(std::string_view value);
NameProblems check_path_segment_name(
    std::string_view value);  // RBAC names: anything that fits in a URL
NameProblems check_port_name(std::string_view value);
NameProblems check_port_number(std::int64_t value);

// The problems in one line, "; " between them; "" when there are none.
std::string join_problems(const NameProblems& problems);

}  // namespace lateen::kube
