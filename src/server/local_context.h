// A ServerContext for programs that are no server: the node agent, and commands that read a
// location's bucket themselves.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "kube/client.h"
#include "objects/store_factory.h"
#include "server/context.h"
#include "server/metrics.h"
#include "volumes/snapshotter_factory.h"

namespace lateen::server {

// With the built-in object stores and snapshotters, and without plugins. Not movable: the context
// refers to it.
class LocalContext {
 public:
  // All references outlive it.
  LocalContext(kube::Client& client, const std::string& ns, const Clock& clock, Rng& rng, Log log);
  LocalContext(const LocalContext&) = delete;
  LocalContext& operator=(const LocalContext&) = delete;

  const ServerContext& get() const { return context_; }

 private:
  ServerConfig config_;
  objects::StoreFactory stores_ = objects::StoreFactory::with_built_in();
  volumes::SnapshotterFactory snapshotters_;
  Metrics metrics_;
  const ServerContext context_;
};

}  // namespace lateen::server
