// The objects that the benchmarks load: the mix of a busy cluster (30% ConfigMaps of which one in
// fifty has 100 KiB and one in 1,500 a MiB, 20% Secrets, 8% Services, 6% Deployments of no
// replicas, 6% Pods, 5% ServiceAccounts, 5% Roles and RoleBindings, 20% custom resources) over
// twenty namespaces. The same number always gives the same object.
#pragma once

#include <cstddef>
#include <string>

#include "base/bytes.h"
#include "kube/resource.h"

namespace lateen::bench {

inline constexpr std::size_t kNamespaces = 20;

struct BenchObject {
  kube::ObjectPath collection;  // where it is POSTed
  Bytes json;
};

std::string namespace_name(std::size_t index);

BenchObject make_object(std::size_t index);

// A Secret of half a KiB, for a cluster of nothing else.
BenchObject make_secret(std::size_t index);

// The CustomResourceDefinition that the custom resources need.
Bytes widget_definition();

}  // namespace lateen::bench
