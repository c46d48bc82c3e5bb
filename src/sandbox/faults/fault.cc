#include "sandbox/faults/fault.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/duration.h"
#include "base/text.h"
#include "base/yaml.h"

namespace lateen::sandbox {

namespace {

constexpr std::array kKinds = {
    FaultKind::Latency,       FaultKind::Throttle,         FaultKind::Error,
    FaultKind::Reset,         FaultKind::Conflict,         FaultKind::Gone,
    FaultKind::WatchDrop,     FaultKind::SnapshotDelay,    FaultKind::SnapshotFailure,
    FaultKind::ProvisionHang, FaultKind::ProvisionFailure, FaultKind::NodeLost};

constexpr std::string_view kRequestTarget = "verbs resources namespaces names userAgents paths ";
constexpr std::string_view kStorageTarget = "namespaces names classes ";
constexpr std::string_view kHowOften = "skip every probability count seed ";

bool is_of_requests(FaultKind kind) {
  return kind <= FaultKind::WatchDrop;
}

// The members that a fault of this kind may have, besides kind and name; each with a blank after
// it.
std::string members_of(FaultKind kind) {
  if (kind == FaultKind::NodeLost) return "";
  std::string own;
  switch (kind) {
    case FaultKind::Latency:
      own = "delay jitter ";
      break;
    case FaultKind::Throttle:
      own = "retryAfter ";
      break;
    case FaultKind::Error:
      own = "status message retryAfter ";
      break;
    case FaultKind::Reset:
      own = "when ";
      break;
    case FaultKind::Gone:
      own = "events ";
      break;
    case FaultKind::WatchDrop:
      own = "delay events ";
      break;
    case FaultKind::SnapshotDelay:
      own = "delay ";
      break;
    case FaultKind::SnapshotFailure:
    case FaultKind::ProvisionFailure:
      own = "message verbs ";
      break;
    case FaultKind::Conflict:
    case FaultKind::ProvisionHang:
    case FaultKind::NodeLost:
      break;
  }
  return fmt::format("{}{}{}", is_of_requests(kind) ? kRequestTarget : kStorageTarget, kHowOften,
                     own);
}

// The verbs that a kind can happen to; empty: all.
std::vector<std::string_view> possible_verbs(FaultKind kind) {
  if (kind == FaultKind::Conflict) return {"update", "patch"};
  if (kind == FaultKind::Gone) return {"list", "watch"};
  if (kind == FaultKind::WatchDrop) return {"watch"};
  if (kind == FaultKind::SnapshotFailure || kind == FaultKind::ProvisionFailure)
    return {"create", "delete"};
  return {};
}

std::string_view to_string(ResetTime when) {
  switch (when) {
    case ResetTime::Before:
      return "before";
    case ResetTime::During:
      return "during";
    case ResetTime::After:
      return "after";
  }
  return "";
}

template <typename... Args>
Error wrong(std::string_view member, fmt::format_string<Args...> text, Args&&... args) {
  return {Code::InvalidArgument, "{}: {}", member, fmt::format(text, std::forward<Args>(args)...)};
}

// Reads the members of one fault. Each says what it wants where it is given something else.
class Reader {
 public:
  explicit Reader(const JsonObject& json) : json_(json) {}

  Status text(std::string_view key, std::string& into) const {
    const Json* const value = json_.if_contains(key);
    if (value == nullptr) return {};
    if (!value->is_string()) return wrong(key, "must be a text");
    into = std::string(value->get_string());
    return {};
  }

  // A list of texts, or one text.
  Status texts(std::string_view key, std::vector<std::string>& into) const {
    const Json* const value = json_.if_contains(key);
    if (value == nullptr) return {};
    if (value->is_string()) {
      into = {std::string(value->get_string())};
      return {};
    }
    if (!value->is_array()) return wrong(key, "must be a list of patterns");
    for (const Json& one : value->get_array()) {
      if (!one.is_string()) return wrong(key, "must be a list of patterns");
      into.emplace_back(one.get_string());
    }
    return {};
  }

  Status number(std::string_view key, std::uint64_t least, std::uint64_t& into) const {
    const Json* const value = json_.if_contains(key);
    if (value == nullptr) return {};
    boost::system::error_code problem;
    const auto number = value->to_number<std::uint64_t>(problem);
    if (problem || number < least) return wrong(key, "must be a whole number from {}", least);
    into = number;
    return {};
  }

  Status number(std::string_view key,
                std::uint64_t least,
                std::optional<std::uint64_t>& into) const {
    if (!json_.contains(key)) return {};
    std::uint64_t found = 0;
    TRY(number(key, least, found));
    into = found;
    return {};
  }

  Status probability(double& into) const {
    const Json* const value = json_.if_contains("probability");
    if (value == nullptr) return {};
    boost::system::error_code problem;
    const auto number = value->to_number<double>(problem);
    if (problem || !(number > 0 && number <= 1))
      return wrong("probability", "must be above 0 and at most 1");
    into = number;
    return {};
  }

  Status duration(std::string_view key, Duration& into) const {
    std::string text_of_it;
    TRY(text(key, text_of_it));
    if (text_of_it.empty()) return {};
    const auto parsed = parse_go_duration(text_of_it);
    if (!parsed || *parsed < Duration::zero())
      return wrong(key, "must be a duration like 200ms or 1m30s, not {}", quote_go(text_of_it));
    into = *parsed;
    return {};
  }

 private:
  const JsonObject& json_;
};

Result<FaultKind> parse_kind(std::string_view text) {
  for (const FaultKind kind : kKinds)
    if (to_string(kind) == text) return kind;
  std::vector<std::string_view> known;
  for (const FaultKind kind : kKinds)
    known.push_back(to_string(kind));
  return wrong("kind", "there is no fault {}; there are {}", quote_go(text),
               fmt::join(known, ", "));
}

Status read_target(const Reader& in, Fault& fault) {
  FaultTarget& target = fault.target;
  TRY(in.texts("verbs", target.verbs));
  TRY(in.texts("resources", target.resources));
  TRY(in.texts("namespaces", target.namespaces));
  TRY(in.texts("names", target.names));
  TRY(in.texts("userAgents", target.user_agents));
  TRY(in.texts("paths", target.paths));
  TRY(in.texts("classes", target.classes));
  const auto possible = possible_verbs(fault.kind);
  for (const std::string& verb : target.verbs) {
    if (possible.empty() || is_glob(verb)) continue;
    if (std::ranges::find(possible, verb) == possible.end())
      return wrong("verbs", "a {} fault happens to {} alone, never to {}", to_string(fault.kind),
                   fmt::join(possible, " and "), verb);
  }
  return {};
}

Status read_measures(const Reader& in, Fault& fault) {
  TRY(in.number("skip", 0, fault.skip));
  TRY(in.number("every", 1, fault.every));
  TRY(in.probability(fault.probability));
  TRY(in.number("count", 1, fault.count));
  TRY(in.number("seed", 0, fault.seed));
  TRY(in.duration("delay", fault.delay));
  TRY(in.duration("jitter", fault.jitter));
  TRY(in.duration("retryAfter", fault.retry_after));
  TRY(in.text("message", fault.message));
  TRY(in.number("events", 0, fault.events));
  std::uint64_t status = 500;
  TRY(in.number("status", 400, status));
  if (status > 599) return wrong("status", "must be from 400 to 599");
  fault.status = static_cast<int>(status);
  std::string when = "before";
  TRY(in.text("when", when));
  for (const ResetTime time : {ResetTime::Before, ResetTime::During, ResetTime::After}) {
    if (to_string(time) != when) continue;
    fault.when = time;
    return {};
  }
  return wrong("when", "must be before, during or after, not {}", quote_go(when));
}

Status check_members(const JsonObject& json, FaultKind kind) {
  const std::string known = members_of(kind);
  for (const auto& [key, value] : json) {
    if (key == "kind" || key == "name") continue;
    const auto members = split(known, ' ');
    if (!key.empty() && std::ranges::find(members, std::string_view(key)) != members.end())
      continue;
    return wrong(key, "a {} fault has no such member; it has {}", to_string(kind),
                 known.empty() ? "none" : trim(known));
  }
  return {};
}

void put(JsonObject& json, std::string_view key, const std::vector<std::string>& texts) {
  if (!texts.empty()) json[key] = JsonArray(texts.begin(), texts.end());
}

void put(JsonObject& json, std::string_view key, Duration duration) {
  json[key] = format_go_duration(duration);
}

bool fits_any(const std::vector<std::string>& patterns, std::string_view text) {
  return patterns.empty() || std::ranges::any_of(patterns, [text](const std::string& pattern) {
           return glob_match(pattern, text);
         });
}

// "deployments", "deployments.apps" and "*" are an object and all below it; "deployments/status" is
// that alone.
bool fits_resource(const std::string& pattern, const FaultSubject& subject) {
  const Cut parts = cut(pattern, "/");
  if (parts.found && !glob_match(parts.after, subject.subresource)) return false;
  const std::string_view plural = cut(subject.resource, ".").before;
  return glob_match(parts.before, subject.resource) || glob_match(parts.before, plural);
}

}  // namespace

std::string_view to_string(FaultKind kind) {
  switch (kind) {
    case FaultKind::Latency:
      return "latency";
    case FaultKind::Throttle:
      return "throttle";
    case FaultKind::Error:
      return "error";
    case FaultKind::Reset:
      return "reset";
    case FaultKind::Conflict:
      return "conflict";
    case FaultKind::Gone:
      return "gone";
    case FaultKind::WatchDrop:
      return "watch-drop";
    case FaultKind::SnapshotDelay:
      return "snapshot-delay";
    case FaultKind::SnapshotFailure:
      return "snapshot-failure";
    case FaultKind::ProvisionHang:
      return "provision-hang";
    case FaultKind::ProvisionFailure:
      return "provision-failure";
    case FaultKind::NodeLost:
      return "node-lost";
  }
  return "";
}

std::span<const FaultKind> all_fault_kinds() {
  return kKinds;
}

Result<Fault> parse_fault(const Json& json) {
  if (!json.is_object()) return Error(Code::InvalidArgument, "a fault is an object of members");
  const Reader in(json.get_object());
  std::string kind;
  TRY(in.text("kind", kind));
  Fault fault;
  fault.kind = TRY(parse_kind(kind));
  TRY(check_members(json.get_object(), fault.kind));
  TRY(in.text("name", fault.name));
  if (fault.name.find('/') != std::string::npos) return wrong("name", "must not hold a /");
  TRY(read_target(in, fault));
  TRY(read_measures(in, fault));
  const bool needs_delay = fault.kind == FaultKind::SnapshotDelay ||
                           (fault.kind == FaultKind::Latency && fault.jitter == Duration::zero());
  if (needs_delay && fault.delay == Duration::zero())
    return wrong("delay", "a {} fault needs one, like 200ms", to_string(fault.kind));
  return fault;
}

Json to_json(const Fault& fault) {
  static const Fault defaults;
  const std::string members = members_of(fault.kind);
  const auto has = [&](std::string_view member) {
    return members.find(fmt::format("{} ", member)) != std::string::npos;
  };
  JsonObject json;
  json["name"] = fault.name;
  json["kind"] = to_string(fault.kind);
  put(json, "verbs", fault.target.verbs);
  put(json, "resources", fault.target.resources);
  put(json, "namespaces", fault.target.namespaces);
  put(json, "names", fault.target.names);
  put(json, "userAgents", fault.target.user_agents);
  put(json, "paths", fault.target.paths);
  put(json, "classes", fault.target.classes);
  if (fault.skip != defaults.skip) json["skip"] = fault.skip;
  if (fault.every != defaults.every) json["every"] = fault.every;
  if (fault.probability != defaults.probability) json["probability"] = fault.probability;
  if (fault.count) json["count"] = *fault.count;
  if (fault.seed) json["seed"] = *fault.seed;
  if (fault.delay != defaults.delay) put(json, "delay", fault.delay);
  if (fault.jitter != defaults.jitter) put(json, "jitter", fault.jitter);
  if (has("retryAfter")) put(json, "retryAfter", fault.retry_after);
  if (has("status")) json["status"] = fault.status;
  if (!fault.message.empty()) json["message"] = fault.message;
  if (has("when")) json["when"] = to_string(fault.when);
  if (fault.events) json["events"] = *fault.events;
  return json;
}

Result<FaultFile> parse_fault_file(std::string_view yaml) {
  const Json json = TRY(parse_yaml(yaml));
  FaultFile file;
  const Json* list = &json;
  if (json.is_object()) {
    for (const auto& [key, value] : json.get_object()) {
      if (key != "seed" && key != "faults")
        return wrong(key, "a file of faults has seed and faults, nothing else");
    }
    TRY(Reader(json.get_object()).number("seed", 0, file.seed));
    list = lateen::find(json, "faults");
  }
  if (list == nullptr || list->is_null()) return file;
  if (!list->is_array()) return wrong("faults", "must be a list");
  for (const Json& one : list->get_array()) {
    file.faults.push_back(TRY(parse_fault(one).wrap("fault {}", file.faults.size() + 1)));
  }
  return file;
}

bool fits(const FaultTarget& target, const FaultSubject& subject) {
  const bool resource =
      target.resources.empty() || std::ranges::any_of(target.resources, [&](const std::string& p) {
        return fits_resource(p, subject);
      });
  return resource && fits_any(target.verbs, subject.verb) &&
         fits_any(target.namespaces, subject.ns) && fits_any(target.names, subject.name) &&
         fits_any(target.user_agents, subject.user_agent) && fits_any(target.paths, subject.path) &&
         fits_any(target.classes, subject.storage_class);
}

}  // namespace lateen::sandbox
