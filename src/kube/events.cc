#include "kube/events.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "base/time.h"
#include "kube/client.h"
#include "kube/object.h"

namespace lateen::kube {
namespace {

using std::chrono::minutes;

constexpr std::size_t kMaxRemembered = 4096;

// client-go's numbers. More than so many different messages of one kind within the time become one
// event.
constexpr std::size_t kMaxSimilar = 10;
constexpr minutes kSimilarWithin{10};
constexpr std::string_view kCombined = "(combined from similar events): ";

// A bucket for each object: so many at once, then one in so long.
constexpr double kBurst = 25;
constexpr minutes kRefill{5};

constexpr std::size_t kMaxMessage = 1024;  // the API server refuses longer ones

const GroupVersionResource& event_type() {
  static const GroupVersionResource kEvents{.group = "", .version = "v1", .resource = "events"};
  return kEvents;
}

std::string_view word_of(EventSeverity severity) {
  return severity == EventSeverity::Warning ? "Warning" : "Normal";
}

// Keeps the most recently used entries. Not thread-safe.
template <typename Value>
class Recent {
 public:
  Value& at(const std::string& key) {
    const auto it = index_.find(key);
    if (it != index_.end()) {
      entries_.splice(entries_.begin(), entries_, it->second);
      return it->second->second;
    }
    if (entries_.size() >= kMaxRemembered) {
      index_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, Value());
    index_[key] = entries_.begin();
    return entries_.front().second;
  }

 private:
  using Entries = std::list<std::pair<std::string, Value>>;
  Entries entries_;
  std::unordered_map<std::string, typename Entries::iterator> index_;
};

std::string cut_message(std::string_view message) {
  return std::string(message.substr(0, kMaxMessage));
}

}  // namespace

// What was said before. Thread-safe.
class EventRecorder::Memory {
 public:
  // What an event becomes.
  struct Decision {
    bool say = false;
    std::string key;
    std::string message;
    std::int64_t count = 1;
    std::string name;  // of the Event that is there already; empty: make one
    std::string ns;
  };

  Decision decide(const std::string& object,
                  const std::string& kind,
                  std::string_view message,
                  TimePoint now) {
    const Lock lock(mu_);
    Decision decision;
    if (!take_token(tokens_.at(object), now)) return decision;
    decision.say = true;
    decision.message = cut_message(message);
    decision.key = fmt::format("{}|{}|{}", object, kind, message);
    Similar& similar = similar_.at(fmt::format("{}|{}", object, kind));
    if (now - similar.last > kSimilarWithin) similar.messages.clear();
    similar.last = now;
    if (similar.messages.size() <= kMaxSimilar) similar.messages.emplace(message);
    if (similar.messages.size() > kMaxSimilar) {
      decision.key = fmt::format("{}|{}|combined", object, kind);
      decision.message = cut_message(fmt::format("{}{}", kCombined, message));
    }
    Said& said = said_.at(decision.key);
    decision.count = ++said.count;
    decision.name = said.name;
    decision.ns = said.ns;
    return decision;
  }

  void remember(const std::string& key, const Json& event) {
    const Lock lock(mu_);
    Said& said = said_.at(key);
    said.name = name_of(event);
    said.ns = namespace_of(event);
  }

  void forget(const std::string& key) {
    const Lock lock(mu_);
    said_.at(key) = {};
  }

 private:
  struct Tokens {
    double left = kBurst;
    TimePoint at{};
  };

  struct Similar {
    std::set<std::string, std::less<>> messages;
    TimePoint last{};
  };

  struct Said {
    std::int64_t count = 0;
    std::string name;
    std::string ns;
  };

  static bool take_token(Tokens& tokens, TimePoint now) {
    if (tokens.at != TimePoint()) {
      const double refilled =
          std::chrono::duration<double>(now - tokens.at) / std::chrono::duration<double>(kRefill);
      tokens.left = std::min(kBurst, tokens.left + refilled);
    }
    tokens.at = now;
    if (tokens.left < 1) return false;
    tokens.left -= 1;
    return true;
  }

  Mutex mu_;
  Recent<Tokens> tokens_ LATEEN_GUARDED_BY(mu_);
  Recent<Similar> similar_ LATEEN_GUARDED_BY(mu_);
  Recent<Said> said_ LATEEN_GUARDED_BY(mu_);
};

EventRecorder::EventRecorder(Client& client, std::string component, const Clock& clock)
    : client_(client),
      component_(std::move(component)),
      clock_(clock),
      memory_(std::make_unique<Memory>()) {}

EventRecorder::~EventRecorder() = default;

Status EventRecorder::record(const Json& object,
                             EventSeverity severity,
                             std::string_view reason,
                             std::string_view message,
                             std::stop_token stop) {
  const TimePoint now = clock_.now();
  const std::string who =
      fmt::format("{}|{}|{}", kind_of(object), object_key(object), uid_of(object));
  const std::string kind = fmt::format("{}|{}", word_of(severity), reason);
  const Memory::Decision decision = memory_->decide(who, kind, message, now);
  if (!decision.say) return {};
  if (!decision.name.empty()) {
    JsonObject patch;
    patch["count"] = decision.count;
    patch["lastTimestamp"] = format_rfc3339(now);
    patch["message"] = decision.message;
    auto patched = client_.patch(
        {.gvr = event_type(), .ns = decision.ns, .name = decision.name, .subresource = {}},
        PatchType::Merge, patch, {}, stop);
    if (patched) return {};
    // Events live for an hour: then a new one begins.
    if (!patched.error().is(Code::NotFound))
      return std::move(patched).error().wrap("recording an event");
    memory_->forget(decision.key);
  }
  const Json event = make_event(object, severity, reason, decision.message, component_, now);
  auto created = client_.create(
      {.gvr = event_type(), .ns = std::string(namespace_of(event)), .name = {}, .subresource = {}},
      event, {}, stop);
  if (!created) return std::move(created).error().wrap("recording an event");
  memory_->remember(decision.key, *created);
  return {};
}

Json object_reference(const Json& object) {
  JsonObject reference;
  const auto put = [&](const char* key, std::string_view value) {
    if (!value.empty()) reference[key] = value;
  };
  put("kind", kind_of(object));
  put("namespace", namespace_of(object));
  put("name", name_of(object));
  put("uid", uid_of(object));
  put("apiVersion", api_version_of(object));
  put("resourceVersion", resource_version_of(object));
  return reference;
}

Json make_event(const Json& object,
                EventSeverity severity,
                std::string_view reason,
                std::string_view message,
                std::string_view component,
                TimePoint now) {
  const std::string_view ns = namespace_of(object);
  JsonObject metadata;
  metadata["name"] = fmt::format("{}.{:x}", name_of(object), now.time_since_epoch().count());
  metadata["namespace"] = ns.empty() ? "default" : ns;
  JsonObject source;
  source["component"] = component;
  JsonObject event;
  event["apiVersion"] = "v1";
  event["kind"] = "Event";
  event["metadata"] = std::move(metadata);
  event["involvedObject"] = object_reference(object);
  event["reason"] = reason;
  event["message"] = cut_message(message);
  event["source"] = std::move(source);
  event["firstTimestamp"] = format_rfc3339(now);
  event["lastTimestamp"] = format_rfc3339(now);
  event["count"] = 1;
  event["type"] = word_of(severity);
  event["eventTime"] = nullptr;
  event["reportingComponent"] = component;
  event["reportingInstance"] = "";
  return event;
}

}  // namespace lateen::kube
