// What lateen_bench can do. Each answers with one JSON object that bench/run.sh reads.
#pragma once

#include <cstddef>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"
#include "kube/client.h"

namespace lateen::bench {

enum class Mix { Everything, Secrets };

// The peer of a restore: the objects POSTed over `connections` connections, nothing else done.
// Also how the cluster gets its objects.
Result<JsonObject> load(kube::Client& client,
                        std::size_t objects,
                        std::size_t connections,
                        Mix mix,
                        std::stop_token stop);

// The peer of a backup: every page of every kind that a backup takes is asked for and dropped,
// `connections` kinds at once.
Result<JsonObject> pages(kube::Client& client, std::size_t connections, std::stop_token stop);

// Where the next page of a list goes on; "" after the last.
std::string continue_token(BytesView page);

struct ClusterLoad {
  std::size_t objects = 0;
  std::size_t connections = 0;
  std::size_t watchers = 0;
};

// The sandbox's API server by itself: that many small objects created durably, listed in pages of
// 500, and followed by that many watchers at once.
Result<JsonObject> cluster(kube::Client& client, const ClusterLoad& load, std::stop_token stop);

// How long each command takes from its start to its end, `runs` times in turn.
Result<JsonObject> startup(const std::vector<std::string>& commands,
                           std::size_t runs,
                           std::stop_token stop);

// What the parts of a backup reach alone, in this process, without a cluster.
Result<JsonObject> micro(std::stop_token stop);

}  // namespace lateen::bench
