#include "net/otlp_exporter.h"

#include <algorithm>
#include <deque>
#include <thread>

#include "base/json.h"
#include "base/thread.h"
#include "base/version.h"
#include "net/http_client.h"

namespace lateen::net {
namespace {

constexpr int kKindInternal = 1;
constexpr int kStatusOk = 0;  // "unset": nothing went wrong that we know of
constexpr int kStatusError = 2;
// Of what is lost, one line in so long.
constexpr Duration kTellLosses = std::chrono::minutes(1);

Json value_of(const LogField::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value))
    return JsonObject{{"stringValue", *text}};
  // 64-bit numbers are texts in protobuf's JSON.
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return JsonObject{{"intValue", std::to_string(*number)}};
  if (const auto* number = std::get_if<double>(&value)) return JsonObject{{"doubleValue", *number}};
  return JsonObject{{"boolValue", std::get<bool>(value)}};
}

JsonArray attributes_of(const std::vector<LogField>& fields) {
  JsonArray out;
  for (const LogField& field : fields)
    out.push_back(JsonObject{{"key", field.key}, {"value", value_of(field.value)}});
  return out;
}

std::string nanoseconds(TimePoint t) {
  return std::to_string(t.time_since_epoch().count());
}

Json span_of(const SpanRecord& span) {
  JsonObject out{{"traceId", span.trace_id},
                 {"spanId", span.span_id},
                 {"name", span.name},
                 {"kind", kKindInternal},
                 {"startTimeUnixNano", nanoseconds(span.start)},
                 {"endTimeUnixNano", nanoseconds(span.end)},
                 {"attributes", attributes_of(span.attributes)}};
  if (!span.parent_id.empty()) out["parentSpanId"] = span.parent_id;
  if (span.error.empty()) {
    out["status"] = JsonObject{{"code", kStatusOk}};
  } else {
    out["status"] = JsonObject{{"code", kStatusError}, {"message", span.error}};
  }
  return out;
}

// Thread-safe.
class OtlpExporter final : public SpanSink {
 public:
  OtlpExporter(OtlpOptions options, std::unique_ptr<HttpClient> client, const Log& log)
      : options_(std::move(options)),
        client_(std::move(client)),
        log_(log),
        thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

  ~OtlpExporter() override {
    thread_.request_stop();
    thread_.join();
  }

  OtlpExporter(const OtlpExporter&) = delete;
  OtlpExporter& operator=(const OtlpExporter&) = delete;

  void ended(SpanRecord record) override {
    const Lock lock(mu_);
    if (waiting_.size() >= options_.most_waiting) {
      ++lost_;
      return;
    }
    waiting_.push_back(std::move(record));
    if (waiting_.size() >= options_.batch) changed_.notify_one();
  }

 private:
  void run(std::stop_token stop) {
    while (!stop.stop_requested()) {
      wait(stop);
      send_all(Deadline::never(), stop);
    }
    send_all(Deadline::after(options_.timeout), {});
  }

  void wait(std::stop_token stop) {
    Lock lock(mu_);
    changed_.wait(
        mu_, Deadline::after(options_.pause), stop,
        [this]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return waiting_.size() >= options_.batch; });
  }

  std::vector<SpanRecord> take() {
    const Lock lock(mu_);
    const std::size_t n = std::min(waiting_.size(), options_.batch);
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(n);
    std::vector<SpanRecord> batch(std::make_move_iterator(waiting_.begin()),
                                  std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
    return batch;
  }

  void send_all(Deadline deadline, std::stop_token stop) {
    while (!stop.stop_requested() && !deadline.expired()) {
      const std::vector<SpanRecord> batch = take();
      if (batch.empty()) break;
      if (const Status sent = send(batch, stop); !sent) lose(batch.size(), sent.error());
    }
    tell_losses();
  }

  Status send(const std::vector<SpanRecord>& batch, std::stop_token stop) {
    HttpRequest request{.method = "POST",
                        .url = options_.url,
                        .headers = options_.headers,
                        .body = write_otlp(batch, options_.resource),
                        .deadline = Deadline::after(options_.timeout)};
    request.headers.set("Content-Type", "application/json");
    const HttpResponse answer = TRY(client_->send(request, std::move(stop)));
    if (answer.ok()) return {};
    return Error(Code::Unavailable, "the collector answers with {}", answer.status);
  }

  void lose(std::size_t spans, const Error& why) {
    const Lock lock(mu_);
    lost_ += spans;
    why_lost_ = why.message();
  }

  void tell_losses() {
    std::size_t lost = 0;
    std::string why;
    {
      const Lock lock(mu_);
      if (lost_ == 0 || !told_.expired()) return;
      lost = std::exchange(lost_, 0);
      why = why_lost_.empty() ? std::string("more spans than the queue holds") : why_lost_;
      why_lost_.clear();
      told_ = Deadline::after(kTellLosses);
    }
    log_.warning("Spans were lost", {{"spans", lost}, {"error", why}});
  }

  const OtlpOptions options_;
  const std::unique_ptr<HttpClient> client_;
  const Log log_;
  Mutex mu_;
  Condition changed_;
  std::deque<SpanRecord> waiting_ LATEEN_GUARDED_BY(mu_);  // most_waiting of about 1 KiB each
  std::size_t lost_ LATEEN_GUARDED_BY(mu_) = 0;
  std::string why_lost_ LATEEN_GUARDED_BY(mu_);
  Deadline told_ LATEEN_GUARDED_BY(mu_) = Deadline::after({});
  std::jthread thread_;  // uses all above
};

}  // namespace

Bytes write_otlp(const std::vector<SpanRecord>& spans, const std::vector<LogField>& resource) {
  JsonArray written;
  for (const SpanRecord& span : spans)
    written.push_back(span_of(span));
  JsonObject scope{{"scope", JsonObject{{"name", "lateen"}, {"version", kVersion}}},
                   {"spans", std::move(written)}};
  JsonObject all{{"resource", JsonObject{{"attributes", attributes_of(resource)}}},
                 {"scopeSpans", JsonArray{std::move(scope)}}};
  return write_json(JsonObject{{"resourceSpans", JsonArray{std::move(all)}}});
}

Result<std::shared_ptr<SpanSink>> start_otlp_exporter(OtlpOptions options, const Log& log) {
  if (options.url.empty()) return std::shared_ptr<SpanSink>();
  auto client = TRY(HttpClient::open({.max_connections = 1}));
  return std::shared_ptr<SpanSink>(
      std::make_shared<OtlpExporter>(std::move(options), std::move(client), log));
}

}  // namespace lateen::net
