// Tells of what happens: as Events on the objects, and through the notifier. Nothing waits for it.
#pragma once

#include <memory>
#include <string_view>

#include "kube/informer.h"
#include "server/context.h"
#include "server/notifications.h"
#include "server/occurrences.h"

namespace lateen::server {

// Thread-safe.
class Announcer {
 public:
  // The context and the notifier (null: none) must outlive it.
  static std::unique_ptr<Announcer> start(const ServerContext& context, Notifier* notifier);
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;
  virtual ~Announcer() = default;

  // An informer's change of an object of which it kept status.phase: told if it changed to one that
  // is worth it.
  virtual void changed(std::string_view plural, const kube::Change& change) = 0;

  virtual void tell(Occurrence occurrence) = 0;

 protected:
  Announcer() = default;
};

}  // namespace lateen::server
