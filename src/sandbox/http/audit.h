// The audit log: a line for every request, as kube-apiserver writes it at level Metadata.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "base/result.h"
#include "base/thread.h"
#include "net/http_server.h"
#include "sandbox/api/caller.h"
#include "sandbox/rbac/policy_rule.h"

namespace lateen::sandbox {

// What is known of one request when it has been answered.
struct AuditEvent {
  TimePoint received = {};
  Caller caller = {};  // without a name where authentication failed
  rbac::AccessRequest access = {};
  bool allowed = false;
};

// Thread-safe.
class AuditLog {
 public:
  // Appends to the file; a new one is private.
  static Result<std::unique_ptr<AuditLog>> open(const FilePath& path, const Clock& clock, Rng& rng);

  class Private;
  AuditLog(const Private&, UniqueFd file, const Clock& clock, Rng& rng);

  TimePoint now() const { return clock_.now(); }

  // One line. A log that cannot be written to stops nothing.
  void write(const net::ServerRequest& request, const AuditEvent& event, int status);

 private:
  const UniqueFd file_;
  const Clock& clock_;
  Rng& rng_;
};

// An exchange that knows what it was answered with.
class AuditedExchange final : public net::ServerExchange {
 public:
  explicit AuditedExchange(net::ServerExchange& within) : within_(within) {}

  // 0 while nothing was answered.
  int status() const { return status_; }

  const net::ServerRequest& request() const override { return within_.request(); }

  Bytes take_body() override { return within_.take_body(); }

  std::stop_token stop() override { return within_.stop(); }

  Status respond(net::HttpResponse response) override {
    status_ = response.status;
    return within_.respond(std::move(response));
  }

  Status begin_stream(int status, net::Headers headers) override {
    status_ = status;
    return within_.begin_stream(status, std::move(headers));
  }

  Status write(BytesView bytes) override { return within_.write(bytes); }

  Status finish() override { return within_.finish(); }

  void abort() override { within_.abort(); }

  bool is_websocket_upgrade() const override { return within_.is_websocket_upgrade(); }

  std::vector<std::string> offered_protocols() const override {
    return within_.offered_protocols();
  }

  Result<net::WebSocket*> accept_websocket(const std::string& protocol) override {
    status_ = kSwitched;
    return within_.accept_websocket(protocol);
  }

  Result<net::ByteStream*> take_over(const net::Headers& headers) override {
    status_ = kSwitched;
    return within_.take_over(headers);
  }

 private:
  static constexpr int kSwitched = 101;

  net::ServerExchange& within_;
  int status_ = 0;
};

}  // namespace lateen::sandbox
