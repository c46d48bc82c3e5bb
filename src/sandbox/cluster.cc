#include "sandbox/cluster.h"

#include <utility>

namespace lateen::sandbox {

struct Cluster::Parts {
  Api& api;
};

Cluster::Cluster(Api& api,
                 const TokenAuthority& /*tokens*/,
                 const Clock& /*clock*/,
                 Log /*log*/,
                 ClusterOptions /*options*/)
    : parts_(std::make_unique<Parts>(Parts{.api = api})) {}

Cluster::~Cluster() = default;

Status Cluster::start() {
  return {};
}

void Cluster::stop() {}

PodRuntime* Cluster::pod_runtime() {
  return nullptr;
}

std::string Cluster::runtime_mode() const {
  return "records only";
}

}  // namespace lateen::sandbox
