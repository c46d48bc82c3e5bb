// What the server says of itself over HTTP: /metrics, /healthz and /readyz at --metrics-address,
// and a profile of the process at --profiler-address.
#pragma once

#include <memory>

#include "base/log.h"
#include "base/result.h"
#include "server/config.h"

namespace lateen::server {

class Metrics;

// Thread-safe.
class Endpoints {
 public:
  // Listens. `metrics` must outlive it.
  static Result<std::unique_ptr<Endpoints>> start(const ServerConfig& config,
                                                  const Metrics& metrics,
                                                  const Log& log);
  Endpoints(const Endpoints&) = delete;
  Endpoints& operator=(const Endpoints&) = delete;
  virtual ~Endpoints() = default;

  // /readyz answers 200 from then on: the server has found its kinds and serves, or waits for the
  // lead. Before it is 503. (/healthz is 200 as long as the process answers at all.)
  virtual void set_ready() = 0;

  // Where they are: 0 for what is not served.
  virtual std::uint16_t metrics_port() const = 0;
  virtual std::uint16_t profiler_port() const = 0;

 protected:
  Endpoints() = default;
};

}  // namespace lateen::server
