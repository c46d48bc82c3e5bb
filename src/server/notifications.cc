#include "server/notifications.h"

#include <algorithm>
#include <deque>
#include <thread>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/time.h"
#include "base/version.h"
#include "kube/object.h"
#include "net/http_client.h"
#include "net/url.h"
#include "server/metrics.h"

namespace lateen::server {
namespace {

constexpr std::chrono::seconds kRequestTime{15};
constexpr std::chrono::minutes kLongestPause{5};
constexpr ByteCount kMostOfAnswer = 64_KiB;

// What the Secret and the flags say, now.
struct Receivers {
  std::string webhook_url = {};
  Secret hmac_key = {};
  Secret authorization = {};
  std::string ping_url = {};
  std::map<std::string, std::string> ping_urls = {};  // by schedule
};

Status check_url(std::string_view flag, const std::string& url) {
  if (url.empty()) return {};
  const auto parsed = net::Url::parse(url);
  if (parsed && (parsed->scheme == "http" || parsed->scheme == "https")) return {};
  return Error(Code::InvalidArgument, "{} is no http or https URL", flag);
}

// The answer of a receiver as success or failure; retryable() says whether asking again may help.
Status accepted(const Result<net::HttpResponse>& answer) {
  if (!answer) return Error(answer.error()).with_retryable(true);
  if (answer->ok()) return {};
  const int status = answer->status;
  const bool again = status == 408 || status == 425 || status == 429 || status >= 500;
  return Error(Code::Unavailable, "answered {} {}", status, net::reason_phrase(status))
      .with_retryable(again);
}

// One message, or one ping of a schedule's URL.
struct Letter {
  std::string type;
  std::string body;  // "" asks for the ping URL of `schedule`
  std::string schedule;
};

class HttpNotifier final : public Notifier {
 public:
  HttpNotifier(const ServerContext& context,
               const NotifierOptions& options,
               std::unique_ptr<net::HttpClient> client)
      : context_(context),
        options_(options),
        source_(fmt::format("/lateen/{}", context.cluster.ns())),
        client_(std::move(client)),
        thread_([this](std::stop_token stop) { deliver(stop); }) {}

  ~HttpNotifier() override {
    thread_.request_stop();
    thread_.join();
    deliver_rest();
  }

  void tell(const Occurrence& occurrence) override {
    if (occurrence.event_only) return;
    const auto schedule = occurrence.data.if_contains("schedule");
    if (occurrence.type == "backup.completed" && schedule != nullptr)
      add({.type = occurrence.type, .body = {}, .schedule = std::string(as_text(schedule))});
    if (!is_wanted(context_.config.notifications.events, occurrence.type)) return;
    add({.type = occurrence.type, .body = cloud_event(occurrence, source_), .schedule = {}});
  }

  void ping(std::stop_token stop) override {
    if (!next_ping_.expired()) return;
    next_ping_ = Deadline::after(context_.config.notifications.ping_period);
    const auto receivers = read_receivers(stop);
    if (!receivers || receivers->ping_url.empty()) return;
    const Status pinged = get(receivers->ping_url, stop);
    if (!pinged && !stop.stop_requested()) {
      context_.log.warning(
          "Could not ask for the dead man's switch",
          {{"url", net::redact_url(receivers->ping_url)}, {"error", pinged.error()}});
    }
  }

 private:
  void add(Letter letter) {
    const Lock lock(mu_);
    if (waiting_.size() >= options_.most_waiting) {
      waiting_.pop_front();
      count("dropped");
    }
    waiting_.push_back(std::move(letter));
    changed_.notify_all();
  }

  std::optional<Letter> next(std::stop_token stop) {
    const Lock lock(mu_);
    changed_.wait(mu_, Deadline::never(), stop,
                  [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return !waiting_.empty(); });
    if (stop.stop_requested() || waiting_.empty()) return std::nullopt;
    Letter letter = std::move(waiting_.front());
    waiting_.pop_front();
    return letter;
  }

  void deliver(std::stop_token stop) {
    while (auto letter = next(stop)) {
      const Deadline give_up = Deadline::after(options_.give_up);
      Duration pause = options_.first_pause;
      while (true) {
        const Status sent = send(*letter, stop);
        if (stop.stop_requested() && !sent) {
          const Lock lock(mu_);
          waiting_.push_front(std::move(*letter));
          return;
        }
        if (conclude(*letter, sent, give_up.expired())) break;
        // Stopped or not: the next round sees.
        (void)sleep_unless_stopped(pause, stop);
        pause = std::min<Duration>(pause * 2, kLongestPause);
      }
    }
  }

  // Each once more, while there is time.
  void deliver_rest() {
    const Deadline deadline = Deadline::after(options_.at_the_end);
    std::stop_source late;
    while (true) {
      std::optional<Letter> letter;
      {
        const Lock lock(mu_);
        if (waiting_.empty()) return;
        letter = std::move(waiting_.front());
        waiting_.pop_front();
      }
      if (deadline.expired()) {
        count("dropped");
        continue;
      }
      (void)conclude(*letter, send(*letter, late.get_token(), deadline),
                     true);  // it is the last try
    }
  }

  // Whether there is nothing more to do for it.
  bool conclude(const Letter& letter, const Status& sent, bool is_last) {
    if (sent) {
      if (!letter.body.empty()) count("sent");
      return true;
    }
    if (sent.error().retryable() && !is_last) return false;
    count("failed");
    context_.log.error("Gave up telling what happened",
                       {{"type", letter.type}, {"error", sent.error()}});
    return true;
  }

  Status send(const Letter& letter, std::stop_token stop, Deadline deadline = Deadline::never()) {
    const Receivers receivers = TRY(read_receivers(stop));
    deadline = deadline.earlier_of(Deadline::after(kRequestTime));
    if (letter.body.empty()) {
      const auto url = receivers.ping_urls.find(letter.schedule);
      return url == receivers.ping_urls.end() ? Status() : get(url->second, stop);
    }
    if (receivers.webhook_url.empty()) return {};
    net::HttpRequest request{.method = "POST",
                             .url = receivers.webhook_url,
                             .body = letter.body,
                             .deadline = deadline,
                             .max_response = kMostOfAnswer};
    request.headers.set("Content-Type", "application/cloudevents+json; charset=UTF-8");
    if (!receivers.hmac_key.empty()) {
      request.headers.set("X-Lateen-Signature-256",
                          webhook_signature(letter.body, receivers.hmac_key));
    }
    if (!receivers.authorization.empty())
      request.headers.set("Authorization", receivers.authorization.reveal());
    return accepted(client_->send(request, stop))
        .wrap("webhook {}", net::redact_url(receivers.webhook_url));
  }

  Status get(const std::string& url, std::stop_token stop) const {
    return accepted(client_->send(
        {.url = url, .deadline = Deadline::after(kRequestTime), .max_response = kMostOfAnswer},
        stop));
  }

  // The Secret is read anew each time: a key that was changed counts at once.
  Result<Receivers> read_receivers(std::stop_token stop) const {
    const NotificationConfig& config = context_.config.notifications;
    Receivers receivers{.webhook_url = config.webhook_url, .ping_url = config.ping_url};
    if (config.secret.empty()) return receivers;
    const Json secret = TRY(
        context_.client()
            .get({.gvr = {"", "v1", "secrets"}, .ns = context_.cluster.ns(), .name = config.secret},
                 {}, stop)
            .wrap("--notification-secret"));
    const JsonObject* data = object_at(secret, "data");
    if (data == nullptr) return receivers;
    for (const auto& [key, value] : *data) {
      const Bytes decoded = TRY(base64_decode(as_text(&value)).wrap("secret {}", config.secret));
      take(receivers, key, std::string(trim(decoded)));
    }
    return receivers;
  }

  static void take(Receivers& receivers, std::string_view key, std::string value) {
    constexpr std::string_view kOfSchedule = "ping-url.";
    if (key == "webhook-url") receivers.webhook_url = std::move(value);
    if (key == "webhook-hmac-key") receivers.hmac_key = Secret(std::move(value));
    if (key == "webhook-authorization") receivers.authorization = Secret(std::move(value));
    if (key == "ping-url") receivers.ping_url = std::move(value);
    if (key.starts_with(kOfSchedule))
      receivers.ping_urls[std::string(key.substr(kOfSchedule.size()))] = std::move(value);
  }

  void count(const char* outcome) const {
    context_.metrics.count("lateen_notifications_total",
                           "Messages to the webhook, by what became of them",
                           {{"outcome", outcome}});
  }

  const ServerContext& context_;
  const NotifierOptions options_;
  const std::string source_;
  const std::unique_ptr<net::HttpClient> client_;
  Deadline next_ping_ = Deadline::after(Duration::zero());  // the pinging thread's alone
  Mutex mu_;
  Condition changed_;
  std::deque<Letter> waiting_ LATEEN_GUARDED_BY(mu_);  // most_waiting of about 1 KiB each
  std::jthread thread_;
};

}  // namespace

Status check(const NotificationConfig& config) {
  TRY(check_url("--notification-webhook-url", config.webhook_url));
  return check_url("--notification-ping-url", config.ping_url);
}

std::string cloud_event(const Occurrence& occurrence, std::string_view source) {
  JsonObject event;
  event["specversion"] = "1.0";
  event["id"] = occurrence.id;
  event["source"] = source;
  event["type"] = fmt::format("io.lateen.{}", occurrence.type);
  event["subject"] =
      fmt::format("{}/{}/{}", to_lower(string_at(occurrence.object, "kind")),
                  kube::namespace_of(occurrence.object), kube::name_of(occurrence.object));
  event["time"] = format_rfc3339_nano(occurrence.time);
  event["datacontenttype"] = "application/json";
  JsonObject data = occurrence.data;
  data["message"] = occurrence.message;
  data["severity"] = occurrence.severity == kube::EventSeverity::Warning ? "Warning" : "Normal";
  event["data"] = std::move(data);
  return write_json(event);
}

std::string webhook_signature(std::string_view body, const Secret& key) {
  return "sha256=" + hex_encode(hmac_sha256(key.reveal(), body));
}

bool is_wanted(const std::vector<std::string>& events, std::string_view type) {
  return events.empty() || std::any_of(events.begin(), events.end(), [type](const auto& event) {
           return glob_match(event, type);
         });
}

Result<std::unique_ptr<Notifier>> Notifier::start(const ServerContext& context,
                                                  const NotifierOptions& options) {
  const NotificationConfig& config = context.config.notifications;
  if (config.secret.empty() && config.webhook_url.empty() && config.ping_url.empty())
    return std::unique_ptr<Notifier>();
  net::HttpClientOptions http;
  http.user_agent = fmt::format("lateen/{}", kVersion);
  http.max_connections = 4;
  auto client = TRY(net::HttpClient::open(std::move(http)).wrap("notifications"));
  return std::unique_ptr<Notifier>(
      std::make_unique<HttpNotifier>(context, options, std::move(client)));
}

}  // namespace lateen::server
