#include "server/local_context.h"

#include "volumes/ebs/ebs_snapshotter.h"

namespace lateen::server {
namespace {

ServerConfig config_of(const std::string& ns) {
  ServerConfig config;
  config.ns = ns;
  return config;
}

}  // namespace

LocalContext::LocalContext(
    kube::Client& client, const std::string& ns, const Clock& clock, Rng& rng, Log log)
    : config_(config_of(ns)),
      context_{.config = config_,
               .cluster = Cluster(client, ns),
               .clock = clock,
               .rng = rng,
               .log = std::move(log),
               .stores = stores_,
               .snapshotters = snapshotters_,
               .metrics = metrics_} {
  volumes::ebs::add_ebs(snapshotters_);
}

}  // namespace lateen::server
