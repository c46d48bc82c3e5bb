// What the API server's HTTP front asks before it answers: every request passes through here, and
// the faults on request happen to it on the way.
//
//   gate.pass(exchange, caller, [&](net::ServerExchange& within) { answer(within, caller); });
//
// The gate also serves /sandbox/faults: GET lists them, POST adds one, DELETE (of one by
// /sandbox/faults/<name>) clears. That is for cluster administrators (system:masters) alone, and no
// fault happens to it.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <stop_token>

#include "base/thread.h"
#include "net/http_server.h"
#include "sandbox/api/api_error.h"
#include "sandbox/api/token_authority.h"
#include "sandbox/faults/fault_book.h"

namespace lateen::sandbox {

// Thread-safe.
class FaultGate {
 public:
  // The book must outlive it.
  explicit FaultGate(FaultBook& book) : book_(book) {}

  using Answer = std::function<void(net::ServerExchange& within)>;

  // Answers the exchange: by `answer`, unless a fault does.
  void pass(net::ServerExchange& exchange, const Caller& caller, const Answer& answer);

 private:
  // A watch that is being served.
  struct OpenWatch {
    std::string resource;
    std::string ns;
    std::string user_agent;
    std::string path;
    std::stop_source drop;
  };

  class Registration;

  // Whether the strikes have decided the answer, and given it.
  static bool strike_request(net::ServerExchange& exchange,
                             const FaultSubject& subject,
                             const std::vector<Strike>& strikes,
                             const Answer& answer);
  void pass_watch(net::ServerExchange& exchange,
                  const FaultSubject& subject,
                  const std::vector<Strike>& strikes,
                  const Answer& answer);
  ApiStatus serve_page(net::ServerExchange& exchange, const Caller& caller);
  // Those watches that are open already. The fault counts them as it does later ones.
  void drop_open_watches();

  FaultBook& book_;
  Mutex mu_;
  std::list<OpenWatch> watches_ LATEEN_GUARDED_BY(mu_);
};

}  // namespace lateen::sandbox
