// The right to create and change objects outside of the server's own namespace, held only while a
// restore or a drill is at work: a ClusterRoleBinding, of the name of the ClusterRole that it
// binds, made for the first of them and removed after the last.
#pragma once

#include <stop_token>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "base/thread.h"
#include "kube/client.h"

namespace lateen::server {

struct RestoreRole {
  std::string role = {};     // the ClusterRole; the server may `bind` it
  std::string account = {};  // the server's own ServiceAccount
  std::string ns = {};       // where that is
};

// Thread-safe.
class RestoreRights {
 public:
  RestoreRights(kube::Client& client, RestoreRole role, Log log);
  RestoreRights(const RestoreRights&) = delete;
  RestoreRights& operator=(const RestoreRights&) = delete;

  // Gives the rights back when it goes. Of a server that always has them, nothing. Not thread-safe.
  class Hold {
   public:
    Hold() = default;

    explicit Hold(RestoreRights& rights) : rights_(&rights) {}

    Hold(Hold&& other) noexcept;
    Hold& operator=(Hold&& other) = delete;
    ~Hold();

   private:
    RestoreRights* rights_ = nullptr;
  };

  // Returns once the API server knows of them.
  Result<Hold> acquire(std::stop_token stop);

  // Removes what a server that died, or a removal that failed, has left, unless it is in use.
  Status remove_left(std::stop_token stop);

 private:
  void give_back();
  Status bind(std::stop_token stop);
  Status unbind(std::stop_token stop);
  bool has_effect(std::stop_token stop);

  kube::Client& client_;
  const RestoreRole role_;
  const Log log_;
  // Held for requests, too: who comes second waits until the first has got them.
  Mutex mu_;
  std::size_t holders_ LATEEN_GUARDED_BY(mu_) = 0;
  bool may_be_bound_ LATEEN_GUARDED_BY(mu_) = true;  // by a former server
};

// What a server without a restore role holds anyway: nothing.
Result<RestoreRights::Hold> hold_restore_rights(RestoreRights* rights, std::stop_token stop);

}  // namespace lateen::server
