#include "agent/limits.h"

#include <algorithm>

#include "base/log.h"
#include "base/pace.h"
#include "base/quantity.h"
#include "base/text.h"
#include "objects/limited_store.h"

namespace lateen::agent {
namespace {

constexpr int kHour = 60;
constexpr Duration kLookEvery = std::chrono::seconds(30);

// What a process has besides the buffers of volumes; and what one volume takes at least with the
// threads, windows and packs that it cannot do without.
constexpr ByteCount kOwnMemory = 64_MiB;
constexpr ByteCount kLeastForVolume = 160_MiB;
// Of that, what is not a buffer: threads, compression, lists of files.
constexpr ByteCount kBesideBuffers = 48_MiB;

Result<int> minute_of(std::string_view text) {
  const Cut parts = cut(text, ":");
  const auto hour = parse_int(parts.before);
  const auto minute = parts.found ? parse_int(parts.after) : Result<std::int64_t>(0);
  const bool is_time = hour && minute && *hour >= 0 && *hour <= 24 && *minute >= 0 &&
                       *minute < kHour && (*hour < 24 || *minute == 0);
  if (!is_time) return Error(Code::InvalidArgument, "\"{}\" is no time of day", text);
  return static_cast<int>(*hour * kHour + *minute);
}

Result<Quantity> quantity_at(const Json& rule, std::string_view key) {
  const Json* found = find(rule, key);
  if (found == nullptr || found->is_null()) return Quantity();
  const std::string text = found->is_string() ? std::string(as_text(found)) : write_json(*found);
  const Quantity quantity = TRY(Quantity::parse(text).wrap("{}", key));
  if (quantity < Quantity()) return Error(Code::InvalidArgument, "{} is less than 0", key);
  return quantity;
}

Result<LimitRule> parse_rule(const Json& given) {
  LimitRule rule;
  if (const Json* nodes = find(given, "nodeSelector")) rule.nodes = *nodes;
  TRY(kube::LabelSelector::from_json(&rule.nodes).wrap("nodeSelector"));
  if (const std::string_view hours = string_at(given, "hours"); !hours.empty())
    rule.hours = TRY(HoursOfDay::parse(hours).wrap("hours"));
  rule.zone = TRY(Zone::find(string_at(given, "timeZone")).wrap("timeZone"));
  rule.limits.upload = static_cast<ByteCount>(TRY(quantity_at(given, "upload")).value());
  rule.limits.download = static_cast<ByteCount>(TRY(quantity_at(given, "download")).value());
  rule.limits.processors = TRY(quantity_at(given, "cpu")).as_double();
  return rule;
}

}  // namespace

Result<HoursOfDay> HoursOfDay::parse(std::string_view text) {
  const Cut parts = cut(text, "-");
  if (!parts.found) {
    return Error(Code::InvalidArgument, "\"{}\" is not a range of hours", text)
        .with_hint("Write them as 22:00-06:00.");
  }
  const int begin = TRY(minute_of(trim(parts.before)));
  const int end = TRY(minute_of(trim(parts.after)));
  return HoursOfDay{.from = begin, .to = end};
}

bool HoursOfDay::contains(int minute) const {
  if (from <= to) return minute >= from && minute < to;
  return minute >= from || minute < to;
}

Result<LimitPlan> LimitPlan::parse(const Json& lateen,
                                   const kube::Labels& node,
                                   WorkLimits otherwise) {
  LimitPlan plan;
  plan.otherwise_ = otherwise;
  const JsonArray* rules = array_at(lateen, "limits");
  if (rules == nullptr) return plan;
  for (const Json& given : *rules) {
    LimitRule rule = TRY(parse_rule(given).wrap("lateen.limits[{}]", plan.rules_.size()));
    const auto selector = TRY(kube::LabelSelector::from_json(&rule.nodes));
    const bool is_ours = rule.nodes.is_null() || selector.matches(node);
    if (is_ours) plan.rules_.push_back(std::move(rule));
  }
  return plan;
}

LimitPlan LimitPlan::shared_by(std::size_t processes) const {
  LimitPlan share = *this;
  share.processes_ = std::max<std::size_t>(processes, 1);
  return share;
}

// A share is never 0, which would be none.
WorkLimits LimitPlan::at(TimePoint now) const {
  const auto is_now = [now](const LimitRule& rule) {
    const CivilTime local = rule.zone.to_civil(now);
    return rule.hours.contains(local.hour * kHour + local.minute);
  };
  const auto rule = std::ranges::find_if(rules_, is_now);
  WorkLimits limits = rule == rules_.end() ? otherwise_ : rule->limits;
  for (ByteCount* const rate : {&limits.upload, &limits.download})
    *rate = (*rate + processes_ - 1) / processes_;
  limits.processors /= static_cast<double>(processes_);
  return limits;
}

void keep_limits(const LimitPlan& plan,
                 const Clock& clock,
                 objects::Line& line,
                 CpuPace& pace,
                 const Log& log,
                 std::stop_token stop) {
  WorkLimits set;
  do {
    const WorkLimits now = plan.at(clock.now());
    if (now == set) continue;
    line.up.set(now.upload);
    line.down.set(now.download);
    pace.set(now.processors);
    log.info("Limits of this node agent's work (0 is none)",
             {{"uploadBytesPerSecond", now.upload},
              {"downloadBytesPerSecond", now.download},
              {"processors", fmt::format("{}", now.processors)}});
    set = now;
  } while (sleep_unless_stopped(kLookEvery, stop));
}

MemoryPlan MemoryPlan::of(ByteCount limit, std::size_t asked) {
  if (limit == 0) return {.volumes = asked};
  const ByteCount left = limit - std::min(limit, kOwnMemory);
  const std::size_t volumes =
      std::clamp<std::size_t>(left / kLeastForVolume, 1, std::max<std::size_t>(asked, 1));
  const ByteCount each = left / volumes;
  return {.volumes = volumes, .each = each - std::min(each, kBesideBuffers) + 1};
}

}  // namespace lateen::agent
