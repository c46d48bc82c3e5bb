// Kubernetes' rules for names, labels and ports: each function answers what is wrong with a text,
// in the API server's words; nothing when all is well. Internal to this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lateen::sandbox::schema {

using Complaints = std::vector<std::string>;

Complaints check_dns_subdomain(std::string_view text);
Complaints check_dns_label(std::string_view text);
Complaints check_dns1035_label(std::string_view text);
Complaints check_path_segment(std::string_view text);
Complaints check_qualified_name(std::string_view text);  // label and annotation keys
Complaints check_label_value(std::string_view text);
Complaints check_config_key(std::string_view text);  // keys of ConfigMaps and Secrets
Complaints check_port_name(std::string_view text);
Complaints check_env_name(std::string_view text);

}  // namespace lateen::sandbox::schema
