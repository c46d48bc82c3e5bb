// One look at a container: its liveness, readiness and startup probes, and its lifecycle hooks,
// which are asked the same way.
#pragma once

#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "net/http_client.h"
#include "sandbox/runtime/container_spec.h"

namespace lateen::sandbox {

enum class ProbeKind { Startup, Readiness, Liveness, PostStart, PreStop };

// "Readiness", as kubelet's events say it.
std::string_view to_string(ProbeKind kind);

// The numbers of a probe, with Kubernetes' defaults where the spec is silent.
struct ProbeTiming {
  Duration initial_delay;
  Duration period;
  Duration timeout;
  int success_threshold = 1;
  int failure_threshold = 3;
};

ProbeTiming timing_of(const Json& probe);

// What is asked, of whom.
struct ProbeJob {
  Json action;         // {exec|httpGet|tcpSocket|grpc|sleep: ...}
  Json container;      // for the names of its ports
  ContainerSpec exec;  // joins the container; argv is filled in from the action
  std::string pod_ip;
  Duration timeout = std::chrono::seconds(1);
};

struct ProbeOutcome {
  bool success = false;
  std::string message;  // of a failure, as kubelet's Unhealthy event says it
};

ProbeOutcome run_probe(const std::string& program,
                       net::HttpClient& http,
                       ProbeJob job,
                       std::stop_token stop);

}  // namespace lateen::sandbox
