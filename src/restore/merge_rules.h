// How the lists of Kubernetes' own kinds are merged by a strategic patch: what their Go types say
// in tags (k8s.io/api, v0.33), for the fields that people write. Pure.
#pragma once

#include <string>
#include <string_view>

#include "kube/patch.h"

namespace lateen::restore {

// Whether strategic patches are known for the kind at all: for Kubernetes' own, and not for custom
// resources.
bool has_merge_rules(std::string_view group_resource);

// Immutable.
class BuiltInMergeSchema final : public kube::MergeSchema {
 public:
  explicit BuiltInMergeSchema(std::string_view group_resource) : kind_(group_resource) {}

  kube::MergeRule rule(std::span<const std::string_view> path) const override;

 private:
  const std::string kind_;
};

}  // namespace lateen::restore
