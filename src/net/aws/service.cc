#include "net/aws/service.h"

#include "base/random.h"

namespace lateen::net::aws {
namespace {

double random_share() {
  SystemRng rng;
  return static_cast<double>(random_below(rng, 1'000'000)) / 1e6;
}

}  // namespace

Service::Service(Private /*tag*/,
                 ServiceOptions options,
                 CredentialsProvider* credentials,
                 std::unique_ptr<HttpClient> client)
    : options_(std::move(options)), credentials_(credentials), client_(std::move(client)) {}

Result<std::unique_ptr<Service>> Service::open(ServiceOptions options,
                                               CredentialsProvider* credentials) {
  if (options.endpoint.empty()) {
    options.endpoint = find_endpoint(options.service, options.region, options.environment);
  }
  TRY(Url::parse(options.endpoint).wrap("the endpoint of {}", options.service));
  auto client = TRY(HttpClient::open({.tls = options.tls, .max_connections = 16}));
  return std::make_unique<Service>(Private(), std::move(options), credentials, std::move(client));
}

Result<XmlElement> Service::call(std::string_view action,
                                 const QueryValues& parameters,
                                 std::stop_token stop,
                                 ServiceFault* fault) {
  QueryValues form = parameters;
  form.set("Action", action);
  form.set("Version", options_.api_version);
  HttpRequest request{.method = "POST", .url = options_.endpoint, .body = form.encode()};
  request.headers.set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  const std::string what = fmt::format("{} {}", options_.service, action);
  const HttpResponse response = TRY(send(request, what, std::move(stop), fault));
  return parse_xml(response.body).wrap("the answer to {}", what);
}

Result<Json> Service::call_json(std::string_view target,
                                const Json& parameters,
                                std::stop_token stop,
                                ServiceFault* fault) {
  HttpRequest request{.method = "POST", .url = options_.endpoint, .body = write_json(parameters)};
  request.headers.set("Content-Type", "application/x-amz-json-1.1");
  request.headers.set("X-Amz-Target", target);
  const std::string what = fmt::format("{} {}", options_.service, target);
  const HttpResponse response = TRY(send(request, what, std::move(stop), fault));
  return parse_json(response.body).wrap("the answer to {}", what);
}

Result<HttpResponse> Service::send_once(HttpRequest request,
                                        std::optional<Credentials>& used,
                                        std::stop_token stop) {
  if (credentials_ != nullptr) {
    used = TRY(credentials_->get(stop));
    TRY(sign_request(request,
                     {.credentials = *used,
                      .scope = {.region = signing_region(options_.service, options_.region),
                                .service = options_.service},
                      .time = options_.clock->now() + std::chrono::seconds(skew_seconds_)}));
  }
  return client_->send(request, std::move(stop));
}

bool Service::put_right(const HttpResponse& response,
                        const ServiceFault& fault,
                        const std::optional<Credentials>& used) {
  if (may_be_clock_skew(fault)) {
    const TimePoint ours = options_.clock->now() + std::chrono::seconds(skew_seconds_);
    if (const auto ahead = clock_skew(response, ours)) {
      skew_seconds_ += std::chrono::round<std::chrono::seconds>(*ahead).count();
      return true;
    }
  }
  return used && is_expired_credential(fault) && credentials_->refuse(*used);
}

Result<HttpResponse> Service::send(const HttpRequest& request,
                                   std::string_view what,
                                   std::stop_token stop,
                                   ServiceFault* fault) {
  const Deadline deadline = Deadline::after(options_.timeout);
  HttpRequest attempted = request;
  attempted.deadline = deadline;
  bool corrected = false;
  for (int attempt = 1;; ++attempt) {
    std::optional<Credentials> used;
    Result<HttpResponse> answer = send_once(attempted, used, stop);
    if (answer && answer->ok()) return answer;
    bool again = !answer && answer.error().retryable();
    std::optional<Error> refusal;
    if (answer) {
      const ServiceFault said = read_fault(*answer);
      if (fault != nullptr) *fault = said;
      refusal = error_of_fault(said, what);
      if (!corrected && put_right(*answer, said, used)) {
        corrected = true;
        continue;
      }
      again = refusal->retryable();
    }
    const Duration wait = backoff(options_.retry, attempt, random_share());
    if (!again || attempt >= options_.retry.max_attempts || wait >= deadline.remaining()) {
      return refusal ? *refusal : std::move(answer).wrap("{}", what);
    }
    if (!sleep_unless_stopped(wait, stop)) return Error(Code::Canceled, "{}: stopped", what);
  }
}

}  // namespace lateen::net::aws
