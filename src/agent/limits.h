// How fast a node agent may be, by the hour: bytes a second to and from buckets, and processors.
// The ConfigMap's key `lateen`, which Velero passes over, and the agent's flags say so.
#pragma once

#include <string>
#include <vector>

#include "agent/config.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "base/zone.h"
#include "kube/selector.h"

namespace lateen {
class CpuPace;
class Log;
}  // namespace lateen

namespace lateen::objects {
struct Line;
}

namespace lateen::agent {

// Minutes of the day, the end not included; an end before its beginning is on the next day.
struct HoursOfDay {
  int from = 0;
  int to = 24 * 60;

  // "22:00-06:00".
  static Result<HoursOfDay> parse(std::string_view text);
  bool contains(int minute) const;
};

struct LimitRule {
  Json nodes = {};  // a selector; null: all
  HoursOfDay hours = {};
  Zone zone = {};
  WorkLimits limits = {};
};

// Immutable.
class LimitPlan {
 public:
  LimitPlan() = default;

  // Of the ConfigMap's object `lateen`, for a node of these labels. `otherwise` holds when no rule
  // does.
  static Result<LimitPlan> parse(const Json& lateen,
                                 const kube::Labels& node,
                                 WorkLimits otherwise);

  // For one of several processes that have to share what it allows.
  LimitPlan shared_by(std::size_t processes) const;

  // The first rule whose hours these are.
  WorkLimits at(TimePoint now) const;

 private:
  std::vector<LimitRule> rules_;
  WorkLimits otherwise_;
  std::size_t processes_ = 1;
};

// Sets a line and a pace to what the plan says, now and every half minute until it is stopped.
void keep_limits(const LimitPlan& plan,
                 const Clock& clock,
                 objects::Line& line,
                 CpuPace& pace,
                 const Log& log,
                 std::stop_token stop);

// How many volumes can be worked on at once with so much memory, and how much each may have for its
// buffers. Without a limit as many as asked for, and as much as ever (0).
struct MemoryPlan {
  std::size_t volumes = 1;
  ByteCount each = 0;

  static MemoryPlan of(ByteCount limit, std::size_t asked);
};

}  // namespace lateen::agent
