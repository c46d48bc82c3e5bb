// Kubernetes Events about an object, as client-go's recorder makes them: a repeated one raises its
// count instead of becoming another, and a flood about one object is cut to one every five minutes
// past the first 25.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "base/thread.h"

namespace lateen::kube {

class Client;

enum class EventSeverity { Normal, Warning };

// Thread-safe.
class EventRecorder {
 public:
  // `component` is the source ("velero", "lateen-server"). `client` and `clock` must outlive it.
  EventRecorder(Client& client, std::string component, const Clock& clock);
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;
  ~EventRecorder();

  // Says `reason` ("BackupCompleted") and `message` about `object`. An Event that can't be written
  // is no reason to fail: callers log the Status at most.
  Status record(const Json& object,
                EventSeverity severity,
                std::string_view reason,
                std::string_view message,
                std::stop_token stop = {});

 private:
  struct Remembered;
  class Memory;

  Client& client_;
  const std::string component_;
  const Clock& clock_;
  std::unique_ptr<Memory> memory_;  // bounded: the last 4,096 kinds of events
};

// The ObjectReference of an object: involvedObject of Events.
Json object_reference(const Json& object);

// A new Event, as client-go's makeEvent: "<name>.<hex nanoseconds>" in the object's namespace, or
// default.
Json make_event(const Json& object,
                EventSeverity severity,
                std::string_view reason,
                std::string_view message,
                std::string_view component,
                TimePoint now);

}  // namespace lateen::kube
