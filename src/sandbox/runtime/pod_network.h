// How pods are reached on a machine whose network they all share: each has a loopback address of
// its own (all of 127/8 is the machine itself), and the names of services stand in its /etc/hosts.
// A program that listens on its pod's address leaves the port free to other pods; one that listens
// on 0.0.0.0 takes it from all of them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/thread.h"
#include "sandbox/object_cache.h"

namespace lateen::sandbox {

inline constexpr std::string_view kHostIp = "127.0.0.1";

// Gives out 127.10.0.0/16. Thread-safe.
class PodAddresses {
 public:
  // The pod's address: `wanted` if that is free (after a restart the pod keeps its own), else one
  // that follows from its uid.
  std::string assign(const std::string& uid, std::string_view wanted);
  void release(const std::string& uid);

 private:
  Mutex mu_;
  std::map<std::string, std::string> by_uid_ LATEEN_GUARDED_BY(mu_);
  std::set<std::string> taken_ LATEEN_GUARDED_BY(mu_);
};

// Where a service is reached by pods: a cluster IP that is a loopback address is used as it is (the
// service proxy listens there); another one stands for the loopback address with the same last two
// numbers. "" for a headless service.
std::string service_address(const Json& service);

// The lines of /etc/hosts that name all services as a pod in `ns` may say them, and the pods behind
// headless ones.
std::string service_host_lines(const ObjectCache& services,
                               const ObjectCache& endpoints,
                               std::string_view ns);

// The whole file.
std::string hosts_file(const Json& pod, std::string_view pod_ip, std::string_view service_lines);

}  // namespace lateen::sandbox
