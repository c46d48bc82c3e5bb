// Which node agents are no more: what was theirs falls to the others.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <utility>

#include "agent/data_work.h"
#include "base/clock.h"

namespace lateen::agent {

// Not thread-safe.
class LostAgents {
 public:
  explicit LostAgents(const AgentContext& context) : context_(context) {}

  // Asks now and then; an agent that cannot be asked for is taken to be there.
  bool is_lost(const std::string& node, std::stop_token stop);

 private:
  const AgentContext context_;
  std::map<std::string, std::pair<TimePoint, bool>> known_;
};

}  // namespace lateen::agent
