// What has happened to an object, worth telling people: in Kubernetes Events on it, and to the
// webhook. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "kube/events.h"
#include "model/object_meta.h"

namespace lateen::server {

struct Occurrence {
  std::string type = {};  // "backup.failed"
  std::string id = {};    // the same however often the same thing is told
  kube::EventSeverity severity = kube::EventSeverity::Normal;
  std::string reason = {};   // "BackupFailed"
  std::string message = {};  // a sentence for people
  Json object = {};          // whose it is: apiVersion, kind and metadata
  JsonObject data = {};      // more, for programs
  TimePoint time = {};
  bool event_only = false;  // too small for the webhook
};

// Which objects' changes of phase may be worth telling.
bool may_be_told(std::string_view plural, std::string_view before, std::string_view after);

// What the object's phase says has happened, if that is worth telling. `before` is the phase that
// it had.
std::optional<Occurrence> occurrence_of(const Json& object, std::string_view before, TimePoint now);

// The beginnings of one: the object, its name and an id.
Occurrence occurrence_on(const Json& object, TimePoint now);

template <typename T>
Occurrence occurrence_on(const T& object, TimePoint now) {
  return occurrence_on(model::to_json(object), now);
}

}  // namespace lateen::server
