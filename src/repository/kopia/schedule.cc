#include "repository/kopia/schedule.h"

#include <algorithm>

#include "repository/crypto/aead.h"
#include "repository/kopia/go_time.h"

namespace lateen::repository::kopia {
namespace {

constexpr std::size_t kKeptRuns = 50;
constexpr std::string_view kAssociated = "maintenance";

Result<TimePoint> schedule_time(const Json& value, std::string_view path) {
  const std::string_view text = string_at(value, path);
  if (text.empty()) return kNever;
  return parse_go_time(text);
}

JsonObject cycle(bool enabled, Duration interval) {
  JsonObject value;
  value["enabled"] = enabled;
  value["interval"] = interval.count();
  return value;
}

Duration interval_at(const Json& value, std::string_view path, Duration absent) {
  const auto nanoseconds = int_at(value, path);
  return nanoseconds && *nanoseconds > 0 ? Duration(*nanoseconds) : absent;
}

Result<TaskRun> parse_run(const Json& value) {
  TaskRun run{.success = bool_at(value, "success").value_or(false),
              .error = std::string(string_at(value, "error"))};
  run.start = TRY(schedule_time(value, "start"));
  run.end = TRY(schedule_time(value, "end"));
  if (const Json* extra = find(value, "extra")) run.extra = write_json_unsorted(*extra);
  return run;
}

std::string write_run(const TaskRun& run) {
  std::string out = "{\"start\":\"" + format_go_time_json(run.start) + "\",\"end\":\"" +
                    format_go_time_json(run.end) + "\"";
  if (run.success) out += ",\"success\":true";
  if (!run.error.empty()) {
    out += ",\"error\":";
    append_json_string(out, run.error);
  }
  if (!run.extra.empty()) out += ",\"extra\":" + run.extra;
  return out + "}";
}

}  // namespace

Result<MaintenanceParameters> parse_maintenance_parameters(BytesView json) {
  const Json value = TRY(parse_json(json).wrap("the parameters of maintenance"));
  const MaintenanceParameters defaults;
  return MaintenanceParameters{
      .owner = std::string(string_at(value, "owner")),
      .quick_enabled = bool_at(value, "quick.enabled").value_or(false),
      .quick_interval = interval_at(value, "quick.interval", defaults.quick_interval),
      .full_enabled = bool_at(value, "full.enabled").value_or(false),
      .full_interval = interval_at(value, "full.interval", defaults.full_interval)};
}

Bytes write_maintenance_parameters(const MaintenanceParameters& parameters) {
  JsonObject logs;
  logs["maxTotalSize"] = std::int64_t{1} << 30;
  logs["maxCount"] = 10000;
  logs["maxAge"] = Duration(std::chrono::hours(30 * 24)).count();
  JsonObject value;
  value["owner"] = parameters.owner;
  value["quick"] = cycle(parameters.quick_enabled, parameters.quick_interval);
  value["full"] = cycle(parameters.full_enabled, parameters.full_interval);
  value["logRetention"] = std::move(logs);
  value["extendObjectLocks"] = false;
  value["listParallelism"] = 0;
  return write_json_unsorted(value);
}

void Schedule::add(std::string_view name, TaskRun run) {
  std::vector<TaskRun>& history = runs[std::string(name)];
  history.insert(history.begin(), std::move(run));
  if (history.size() > kKeptRuns) history.resize(kKeptRuns);
}

TimePoint Schedule::last_end(std::string_view name) const {
  TimePoint last = kNever;
  const auto history = runs.find(name);
  if (history == runs.end()) return last;
  for (const TaskRun& run : history->second) {
    if (run.success) last = std::max(last, run.end);
  }
  return last;
}

Result<Schedule> parse_schedule(BytesView json) {
  const Json value = TRY(parse_json(json));
  Schedule schedule;
  schedule.next_full = TRY(schedule_time(value, "nextFullMaintenance"));
  schedule.next_quick = TRY(schedule_time(value, "nextQuickMaintenance"));
  const JsonObject* runs = object_at(value, "runs");
  if (runs == nullptr) return schedule;
  for (const auto& [name, history] : *runs) {
    if (!history.is_array()) continue;
    std::vector<TaskRun>& parsed = schedule.runs[std::string(name)];
    for (const Json& run : history.get_array())
      parsed.push_back(TRY(parse_run(run)));
  }
  return schedule;
}

std::string write_schedule(const Schedule& schedule) {
  std::string out = "{\"nextFullMaintenance\":\"" + format_go_time_json(schedule.next_full) +
                    "\",\"nextQuickMaintenance\":\"" + format_go_time_json(schedule.next_quick) +
                    "\",\"runs\":{";
  bool first = true;
  for (const auto& [name, history] : schedule.runs) {
    if (!first) out += ',';
    first = false;
    append_json_string(out, name);
    out += ":[";
    for (std::size_t i = 0; i < history.size(); ++i) {
      if (i > 0) out += ',';
      out += write_run(history[i]);
    }
    out += ']';
  }
  return out + "}}";
}

Result<Schedule> open_schedule(BytesView stored, BytesView key) {
  if (stored.size() < kAeadNonceSize + kAeadTagSize) {
    return Error(Code::Corrupt, "{} is too short", kScheduleBlob);
  }
  Bytes plain(stored.size() - kAeadNonceSize - kAeadTagSize, '\0');
  Aead aead;
  if (!aead.open(AeadCipher::Aes256Gcm, key, stored.substr(0, kAeadNonceSize), kAssociated,
                 stored.substr(kAeadNonceSize), plain.data())) {
    return Error(Code::Corrupt, "{} is not what was written", kScheduleBlob);
  }
  return parse_schedule(plain).wrap("{}", kScheduleBlob);
}

Bytes seal_schedule(const Schedule& schedule, BytesView key, Rng& rng) {
  const std::string plain = write_schedule(schedule);
  Bytes sealed(kAeadNonceSize + plain.size() + kAeadTagSize, '\0');
  rng.fill(std::as_writable_bytes(std::span(sealed)).first(kAeadNonceSize));
  Aead aead;
  aead.seal(AeadCipher::Aes256Gcm, key, BytesView(sealed).substr(0, kAeadNonceSize), kAssociated,
            plain, sealed.data() + kAeadNonceSize);
  return sealed;
}

SafetyMargins SafetyMargins::none() {
  const Duration zero = Duration::zero();
  return {.rewrite_min_age = zero,
          .gc_min_age = zero,
          .between_gc = zero,
          .drop_extra = zero,
          .pack_min_age = zero,
          .session_expiry = zero,
          .rewrite_to_delete = zero,
          .two_gc_runs = false};
}

std::optional<TimePoint> safe_drop_time(const Schedule& schedule,
                                        const SafetyMargins& margins,
                                        TimePoint now) {
  if (!margins.two_gc_runs) return now;
  const auto history = schedule.runs.find(task::kSnapshotGc);
  if (history == schedule.runs.end()) return std::nullopt;
  std::vector<TaskRun> good;
  std::ranges::copy_if(history->second, std::back_inserter(good), &TaskRun::success);
  if (good.size() < 2) return std::nullopt;
  std::ranges::sort(good, std::greater<>(), &TaskRun::start);
  for (std::size_t i = 1; i < good.size(); ++i) {
    if (good.front().start - good[i].end > margins.between_gc) {
      return good[i].start - margins.drop_extra;
    }
  }
  return std::nullopt;
}

bool may_rewrite(const Schedule& schedule, const SafetyMargins& margins) {
  const TimePoint rewritten = schedule.last_end(task::kRewriteFull);
  if (rewritten == kNever || margins.rewrite_to_delete == Duration::zero()) return true;
  const TimePoint deleted =
      std::max(schedule.last_end(task::kDeleteFull), schedule.last_end(task::kDeleteQuick));
  return deleted >= rewritten;
}

bool may_delete_packs(const Schedule& schedule, const SafetyMargins& margins, TimePoint now) {
  const TimePoint rewritten =
      std::max(schedule.last_end(task::kRewriteFull), schedule.last_end(task::kRewriteQuick));
  return rewritten == kNever || now >= rewritten + margins.rewrite_to_delete;
}

}  // namespace lateen::repository::kopia
