#include "agent/lost_agents.h"

#include "volumes/node_agent.h"

namespace lateen::agent {
namespace {

constexpr Duration kLookAgainAtNode = std::chrono::seconds(10);

}  // namespace

bool LostAgents::is_lost(const std::string& node, std::stop_token stop) {
  if (node.empty() || node == context_.config.node) return false;
  const TimePoint now = context_.server.clock.now();
  const auto known = known_.find(node);
  if (known != known_.end() && now < known->second.first + kLookAgainAtNode)
    return known->second.second;
  const bool lost = volumes::is_node_agent_lost(context_.client(), context_.config.ns, node,
                                                context_.server.clock, std::move(stop))
                        .value_or(false);
  known_[node] = {now, lost};
  return lost;
}

}  // namespace lateen::agent
