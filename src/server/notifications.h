// What happens, told to others: CloudEvents 1.0 to a webhook, and a dead man's switch that is asked
// for as long as all is well.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "server/context.h"
#include "server/occurrences.h"

namespace lateen::server {

// A CloudEvent in its structured form: the body of a POST. `source` names the server.
std::string cloud_event(const Occurrence& occurrence, std::string_view source);

// "sha256=<hex>" of the body's HMAC: what the header X-Lateen-Signature-256 says.
std::string webhook_signature(std::string_view body, const Secret& key);

// Whether the globs of --notification-events want it; none want everything.
bool is_wanted(const std::vector<std::string>& events, std::string_view type);

struct NotifierOptions {
  Duration first_pause = std::chrono::seconds(1);  // before a message is sent again; then doubled
  Duration give_up = std::chrono::hours(1);
  Duration at_the_end = std::chrono::seconds(5);  // for what is left when the server stops
  std::size_t most_waiting = 1'000;               // then the oldest is dropped, and counted
};

// Sends in the order of telling, from a thread of its own: nothing waits for it. A message is
// repeated until a 2xx answers it; one that is refused (4xx) or too old is given up, logged and
// counted. Its id stays the same, so that a receiver can tell a repetition. Thread-safe.
class Notifier {
 public:
  // Nothing when there is nobody to tell. The context must outlive it.
  static Result<std::unique_ptr<Notifier>> start(const ServerContext& context,
                                                 const NotifierOptions& options = {});
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  // Sends what is left, each once, within a short time.
  virtual ~Notifier() = default;

  // Never waits.
  virtual void tell(const Occurrence& occurrence) = 0;

  // Asks for the dead man's switch, if there is one and its period has passed.
  virtual void ping(std::stop_token stop) = 0;

 protected:
  Notifier() = default;
};

}  // namespace lateen::server
