// Asks one webhook for its answer to one AdmissionReview.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/thread.h"
#include "net/http_client.h"
#include "sandbox/api/api_error.h"
#include "sandbox/webhooks/webhook.h"

namespace lateen::sandbox::webhooks {

struct Verdict {
  bool allowed = false;
  Json status = nullptr;           // why not, in the webhook's words
  std::optional<Json> patch = {};  // JSON Patch operations
  std::vector<std::string> warnings = {};
};

// "127.96.0.7:443" for a Service that is reached there; NotFound and its like otherwise.
using ServiceResolver = std::function<Result<std::string>(const ServiceTarget&)>;

// Thread-safe.
class WebhookClient {
 public:
  explicit WebhookClient(ServiceResolver resolver) : resolver_(std::move(resolver)) {}

  // `request` is the AdmissionReview's request, with its uid. The error says what went wrong with
  // the call, as `failed calling webhook` goes on.
  Result<Verdict> ask(const Webhook& webhook, const Json& request);

 private:
  struct Address {
    std::string url;
    std::string shown;  // in errors: the Service's name rather than its address
    std::string server_name;
  };

  Result<Address> address_of(const Webhook& webhook) const;
  Result<std::shared_ptr<net::HttpClient>> client_for(const std::string& ca_pem,
                                                      const std::string& server_name);

  const ServiceResolver resolver_;
  Mutex mu_;
  // By authority and name; each has a thread. Few: one for each certificate that is trusted.
  std::map<std::string, std::shared_ptr<net::HttpClient>> clients_ LATEEN_GUARDED_BY(mu_);
};

// What an AdmissionReview answers. InvalidArgument for one that is none, or not to this uid.
Result<Verdict> parse_verdict(const Json& review, std::string_view uid);

// The refusal that a client sees: `admission webhook "x" denied the request: ...`.
ApiError denial(const Webhook& webhook, const Json& status);

}  // namespace lateen::sandbox::webhooks
