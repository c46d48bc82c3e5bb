#include "agent/throttle.h"

namespace lateen::agent {

Throttle::Throttle(LimitPlan plan, ByteCount memory, const Clock& clock, const Log& log)
    : plan_(std::move(plan)),
      memory_(memory),
      keeper_([this, &clock, log](const std::stop_token& stop) {
        keep_limits(plan_, clock, line_, pace_, log, stop);
      }) {}

}  // namespace lateen::agent
