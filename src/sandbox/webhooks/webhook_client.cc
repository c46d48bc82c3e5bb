#include "sandbox/webhooks/webhook_client.h"

#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/text.h"

namespace lateen::sandbox::webhooks {

namespace {

constexpr ByteCount kMostAnswer = 16_MiB;
constexpr std::size_t kMostClients = 32;

Result<Json> decode_patch(const Json& response) {
  if (string_at(response, "patchType") != "JSONPatch") {
    return Error(Code::InvalidArgument, "invalid patch type: {}",
                 quote_go(string_at(response, "patchType")));
  }
  const auto text = base64_decode(string_at(response, "patch"));
  if (!text) return Error(Code::InvalidArgument, "the patch is not base64");
  return parse_json(*text).wrap("the patch");
}

Json review_of(const Json& request) {
  return {{"kind", "AdmissionReview"}, {"apiVersion", "admission.k8s.io/v1"}, {"request", request}};
}

}  // namespace

Result<Verdict> parse_verdict(const Json& review, std::string_view uid) {
  const std::string_view version = string_at(review, "apiVersion");
  if (version != "admission.k8s.io/v1" || string_at(review, "kind") != "AdmissionReview") {
    return Error(Code::InvalidArgument,
                 "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got "
                 "{}, Kind={}",
                 version, string_at(review, "kind"));
  }
  const Json* response = find(review, "response");
  if (response == nullptr || !response->is_object())
    return Error(Code::InvalidArgument, "webhook response was absent");
  if (string_at(*response, "uid") != uid) {
    return Error(Code::InvalidArgument, "expected response.uid={}, got {}", quote_go(uid),
                 quote_go(string_at(*response, "uid")));
  }
  Verdict verdict;
  verdict.allowed = bool_at(*response, "allowed").value_or(false);
  if (const Json* status = find(*response, "status")) verdict.status = *status;
  if (const JsonArray* warnings = array_at(*response, "warnings")) {
    for (const Json& warning : *warnings)
      verdict.warnings.emplace_back(as_text(&warning));
  }
  if (!string_at(*response, "patch").empty()) verdict.patch = TRY(decode_patch(*response));
  return verdict;
}

Result<WebhookClient::Address> WebhookClient::address_of(const Webhook& webhook) const {
  const std::string timeout = fmt::format("timeout={}s", webhook.timeout.count());
  if (!webhook.service) {
    const std::string url = fmt::format(
        "{}{}{}", webhook.url, webhook.url.find('?') != std::string::npos ? "&" : "?", timeout);
    return Address{.url = url, .shown = url, .server_name = {}};
  }
  const ServiceTarget& service = *webhook.service;
  const std::string name = fmt::format("{}.{}.svc", service.name, service.ns);
  const std::string path = service.path.starts_with('/') ? service.path : "/" + service.path;
  const std::string authority = TRY(resolver_(service));
  return Address{.url = fmt::format("https://{}{}?{}", authority, path, timeout),
                 .shown = fmt::format("https://{}:{}{}?{}", name, service.port, path, timeout),
                 .server_name = name};
}

Result<std::shared_ptr<net::HttpClient>> WebhookClient::client_for(const std::string& ca_pem,
                                                                   const std::string& server_name) {
  const std::string key = server_name + "\n" + ca_pem;
  const Lock lock(mu_);
  const auto found = clients_.find(key);
  if (found != clients_.end()) return found->second;
  if (clients_.size() >= kMostClients) clients_.clear();
  net::HttpClientOptions options;
  options.tls.ca_pem = ca_pem;
  options.tls.server_name = server_name;
  options.user_agent = "kube-apiserver-admission";
  std::shared_ptr<net::HttpClient> client = TRY(net::HttpClient::open(std::move(options)));
  clients_[key] = client;
  return client;
}

Result<Verdict> WebhookClient::ask(const Webhook& webhook, const Json& request) {
  const Address address = TRY(address_of(webhook));
  const auto client = TRY(client_for(webhook.ca_pem, address.server_name));
  net::HttpRequest call;
  call.method = "POST";
  call.url = address.url;
  call.headers.add("Content-Type", "application/json");
  call.headers.add("Accept", "application/json, */*");
  call.body = write_json_unsorted(review_of(request));
  call.deadline = Deadline::after(webhook.timeout);
  call.max_response = kMostAnswer;
  auto answer = client->send(call, {});
  if (!answer) {
    const bool late = answer.error().is(Code::DeadlineExceeded);
    return Error(answer.error().code(), "failed to call webhook: Post {}: {}",
                 quote_go(address.shown),
                 late ? "context deadline exceeded" : answer.error().message());
  }
  if (answer->status != 200) {
    return Error(Code::Unavailable,
                 "failed to call webhook: an error on the server ({}) has "
                 "prevented the request from succeeding",
                 quote_go(trim(answer->body.substr(0, 1024))));
  }
  auto review = parse_json(answer->body);
  if (!review) {
    return Error(Code::InvalidArgument,
                 "failed to call webhook: could not decode the webhook's answer: {}",
                 review.error().message());
  }
  auto verdict = parse_verdict(*review, string_at(request, "uid"));
  if (!verdict) return std::move(verdict.error()).wrap("received invalid webhook response");
  return verdict;
}

ApiError denial(const Webhook& webhook, const Json& status) {
  const std::string denied =
      fmt::format("admission webhook {} denied the request", quote_go(webhook.name));
  const std::string_view message = string_at(status, "message");
  const std::string_view reason = string_at(status, "reason");
  std::string text = denied + " without explanation";
  if (!message.empty()) {
    text = fmt::format("{}: {}", denied, message);
  } else if (!reason.empty()) {
    text = fmt::format("{}: {}", denied, reason);
  }
  const std::int64_t code = int_at(status, "code").value_or(400);
  StatusDetails details;
  details.name = string_at(status, "details.name");
  details.group = string_at(status, "details.group");
  details.kind = string_at(status, "details.kind");
  const Json* given = find(status, "details");
  return {Error(Code::Forbidden, "{}", text), code < 400 ? 400 : static_cast<int>(code),
          std::string(reason), std::move(details), given != nullptr};
}

}  // namespace lateen::sandbox::webhooks
