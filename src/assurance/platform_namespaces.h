// Namespaces that belong to the platform rather than to people: what is in them comes with the
// cluster, and restoring it into another one does harm. Pure.
#pragma once

#include <string_view>

namespace lateen::assurance {

struct PlatformNamespace {
  std::string_view pattern;   // "gke-managed-*"
  std::string_view platform;  // "Kubernetes", "EKS", …
  std::string_view why;       // it need not be in a backup
};

// Null: it is people's own.
const PlatformNamespace* platform_namespace(std::string_view ns);

}  // namespace lateen::assurance
