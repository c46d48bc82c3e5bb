// A fault on request: what goes wrong, for whom, and how often. Faults come from people's hands (a
// command line, a file), so reading one refuses what it does not know.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace lateen::sandbox {

enum class FaultKind {
  // ---- Of requests to the API server.
  Latency,    // they are answered late
  Throttle,   // 429, with Retry-After
  Error,      // 500, or another status
  Reset,      // their connection is cut: before, during or after the work
  Conflict,   // 409 as from a stale resourceVersion
  Gone,       // 410: continue tokens and resourceVersions have expired
  WatchDrop,  // watches are cut
  // ---- Of storage.
  SnapshotDelay,     // snapshots are ready late
  SnapshotFailure,   // the driver refuses to make (or to delete) them
  ProvisionHang,     // claims are never bound
  ProvisionFailure,  // the driver refuses to make (or to delete) volumes
  // ---- Of the machine.
  NodeLost,  // the node is heard of no more
};

// "latency", "watch-drop", ...
std::string_view to_string(FaultKind kind);
std::span<const FaultKind> all_fault_kinds();

// When a connection is cut, seen from the work that was asked for.
enum class ResetTime {
  Before,  // nothing was done
  During,  // it was done, and half of the answer sent
  After,   // it was done, and nobody hears of it
};

// What a fault is for. Each list is of patterns (base/text.h, glob_match); an empty one fits
// everything.
struct FaultTarget {
  std::vector<std::string> verbs = {};      // get, list, watch, create, update, patch, delete, ...
  std::vector<std::string> resources = {};  // "pods", "deployments.apps", "pods/log", "*.velero.io"
  std::vector<std::string> namespaces = {};
  std::vector<std::string> names = {};
  std::vector<std::string> user_agents = {};
  std::vector<std::string> paths = {};    // "/apis*": what has no resource, too
  std::vector<std::string> classes = {};  // of storage: StorageClass or VolumeSnapshotClass
};

// Immutable once it is in a FaultBook.
struct Fault {
  std::string name = {};  // "latency-1" when nobody gives one
  FaultKind kind = FaultKind::Latency;
  FaultTarget target = {};

  // ---- How often, of what fits. All of them count together.
  std::uint64_t skip = 0;                   // so many pass first
  std::uint64_t every = 1;                  // then each n-th
  double probability = 1;                   // of those
  std::optional<std::uint64_t> count = {};  // at most so many times; none: without end
  std::optional<std::uint64_t> seed = {};   // of the chance; none: the book's

  // ---- What exactly. Each is for the kinds that say so.
  Duration delay = Duration::zero();   // latency, snapshot-delay; watch-drop: how long one lives
  Duration jitter = Duration::zero();  // latency: up to so much more
  Duration retry_after = std::chrono::seconds(1);  // throttle; zero: no such header
  int status = 500;                                // error
  std::string message = {};                        // error, snapshot-failure, provision-failure
  ResetTime when = ResetTime::Before;              // reset
  std::optional<std::uint64_t> events = {};        // watch-drop: how many it sees first
};

// From JSON or YAML: {"kind": "throttle", "resources": ["pods"], "probability": 0.05}.
// InvalidArgument for unknown members, kinds and values, and for members that the kind has no use
// for.
Result<Fault> parse_fault(const Json& json);

// What parse_fault() reads.
Json to_json(const Fault& fault);

// A file of faults: {seed: 7, faults: [...]}; or just the list.
struct FaultFile {
  std::optional<std::uint64_t> seed = {};
  std::vector<Fault> faults = {};
};

Result<FaultFile> parse_fault_file(std::string_view yaml);

// Something that a fault may happen to.
struct FaultSubject {
  std::string_view verb = {};
  std::string_view resource = {};  // "deployments.apps"; "" for what is no resource
  std::string_view subresource = {};
  std::string_view ns = {};
  std::string_view name = {};
  std::string_view user_agent = {};
  std::string_view path = {};
  std::string_view storage_class = {};
};

bool fits(const FaultTarget& target, const FaultSubject& subject);

}  // namespace lateen::sandbox
