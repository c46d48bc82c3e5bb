// The objects that a cluster has before anyone makes any: namespaces, the node, classes, roles, the
// `kubernetes` Service.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "sandbox/api/api.h"

namespace lateen::sandbox {

struct BootstrapOptions {
  std::string ca_pem;      // what kube-root-ca.crt and clients trust
  std::uint16_t port = 0;  // where the API server listens on 127.0.0.1
  std::string node_name;   // the one Node
  std::string
      csi_driver;  // provisioner of the default StorageClass, driver of the VolumeSnapshotClass
};

// Creates what is missing, leaves what is there; the address of the API server is brought up to
// date.
Status ensure_initial_objects(Api& api, const BootstrapOptions& options);

}  // namespace lateen::sandbox
