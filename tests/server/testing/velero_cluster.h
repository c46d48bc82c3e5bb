// An API server with velero.io's kinds, and a bucket in a directory: what controllers work on.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include <gtest/gtest.h>

#include "base/copy.h"
#include "base/file.h"
#include "base/random.h"
#include "base/temp.h"
#include "base/testing/fake_clock.h"
#include "model/crds.h"
#include "model/locations.h"
#include "objects/backup_store.h"
#include "objects/store_factory.h"
#include "sandbox/testing/rest_api.h"
#include "server/context.h"
#include "server/metrics.h"

namespace lateen::server::samples {

// Fails the test when something cannot be set up. Not thread-safe.
class VeleroCluster {
 public:
  VeleroCluster() {
    api.create_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: velero}}");
    for (const Json& crd : model::crd_manifests())
      api.create(crd);
    (void)make_dirs(bucket());
    model::BackupStorageLocation location;
    location.metadata.name = "default";
    location.metadata.ns = "velero";
    location.spec.provider = "filesystem";
    location.spec.config = {{"path", dir.path().string()}};
    location.spec.object_storage.emplace();
    location.spec.object_storage->bucket = "bucket";
    location.spec.is_default = true;
    location.status.phase = model::LocationPhase::Available;
    create(location);
  }

  FilePath bucket() const { return dir.path() / "bucket"; }

  // What the real Velero wrote.
  void fill_bucket() {
    const auto copied = copy_tree(FilePath(LATEEN_TESTDATA) / "velero-bucket" / "bucket", bucket(),
                                  std::stop_token());
    EXPECT_TRUE(copied) << (copied ? "" : copied.error().message());
  }

  std::unique_ptr<objects::BackupStore> store() {
    return open_store(context, "default", {}).value();
  }

  template <typename T>
  T create(T object) {
    object.metadata.ns = "velero";
    auto made = context.cluster.create(object);
    EXPECT_TRUE(made) << (made ? "" : made.error().describe());
    return made ? std::move(*made) : T();
  }

  template <typename T>
  T get(std::string_view name) {
    auto object = context.cluster.get<T>(name);
    EXPECT_TRUE(object) << (object ? "" : object.error().describe());
    return object ? std::move(*object) : T();
  }

  template <typename T>
  bool has(std::string_view name) {
    return context.cluster.get<T>(name).has_value();
  }

  template <typename T>
  std::vector<T> list() {
    return context.cluster.list<T>().value();
  }

  FakeClock clock;
  sandbox::testing::RestApi api{&clock};
  TempDir dir = std::move(*TempDir::create("lateen-server-test"));
  ServerConfig config;
  SystemRng rng;
  objects::StoreFactory stores = objects::StoreFactory::with_built_in();
  volumes::SnapshotterFactory snapshotters;
  Metrics metrics;
  const ServerContext context{.config = config,
                              .cluster = Cluster(api.client(), "velero"),
                              .clock = clock,
                              .rng = rng,
                              .log = Log(),
                              .stores = stores,
                              .snapshotters = snapshotters,
                              .metrics = metrics};
};

}  // namespace lateen::server::samples
