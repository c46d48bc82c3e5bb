// Cluster IPs and node ports: given out once each, remembered per Service.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "base/json.h"
#include "base/random.h"
#include "base/thread.h"
#include "sandbox/schema/validation.h"
#include "sandbox/store/store.h"

namespace lateen::sandbox {

// 10.96.0.0/12 and 30000-32767, as kubeadm sets them. Thread-safe.
class ServiceAllocator {
 public:
  // Takes note of the Services there are.
  void load(const Store& store);

  // Gives the Service (with its defaults) what it lacks, and checks what it asks for; `old_service`
  // keeps what it has. What was taken for it is its own until settle() or forget().
  schema::FieldErrors allocate(const Json* old_service, Json& service, Rng& rng);

  // The Service was written: it holds exactly what stands in it.
  void settle(const Json& service);
  // It is gone, or was never written.
  void forget(const std::string& key);

 private:
  schema::FieldErrors take_cluster_ip(const std::string& key,
                                      const Json* old_service,
                                      Json& service,
                                      Rng& rng) LATEEN_REQUIRES(mu_);
  schema::FieldErrors take_node_ports(const std::string& key,
                                      const Json* old_service,
                                      Json& service,
                                      Rng& rng) LATEEN_REQUIRES(mu_);
  std::int64_t free_port(const std::string& key, Rng& rng) LATEEN_REQUIRES(mu_);
  void release(const std::string& key) LATEEN_REQUIRES(mu_);
  void note(const std::string& key, const Json& service) LATEEN_REQUIRES(mu_);
  void give_address(const std::string& address, const std::string& key) LATEEN_REQUIRES(mu_);
  // Whose the port is now: another Service's if that had it before.
  std::string give_port(std::int64_t port, const std::string& key) LATEEN_REQUIRES(mu_);

  struct Held {
    std::set<std::string> addresses;
    std::set<std::int64_t> ports;
  };

  Mutex mu_;
  // By Service, so that a release does not look through everybody's.
  std::map<std::string, Held> held_ LATEEN_GUARDED_BY(mu_);
  std::map<std::string, std::string> address_owner_ LATEEN_GUARDED_BY(mu_);
  std::map<std::int64_t, std::string> port_owner_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::sandbox
