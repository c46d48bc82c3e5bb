// Spans as a collector gets them: the fields, their forms and the environment's names are those of
// OpenTelemetry's protocol (OTLP 1.x, JSON) and of W3C's Trace Context.
#include "net/otlp_exporter.h"

#include <set>

#include <gmock/gmock.h>

#include "base/environment.h"
#include "base/json.h"
#include "base/log_capture.h"
#include "base/random.h"
#include "base/thread.h"
#include "testing/test_server.h"

namespace lateen::net {
namespace {

using namespace std::literals;
using testing::FixedClock;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using testing::must;
using testing::TestServer;

constexpr std::string_view kUid = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

// What a collector was sent.
class Collector {
 public:
  explicit Collector(int status = 200)
      : status_(status), server_([this](ServerExchange& exchange) { take(exchange); }) {}

  std::string url() const { return server_.url("/v1/traces"); }

  // Spans by their names, once there are so many.
  std::map<std::string, Json> wait_for(std::size_t count) {
    Lock lock(mu_);
    changed_.wait(mu_, Deadline::after(60s), {},
                  [&]() LATEEN_NO_THREAD_SAFETY_ANALYSIS { return spans_.size() >= count; });
    return spans_;
  }

  Json last() {
    const Lock lock(mu_);
    return last_;
  }

  std::string header(const std::string& name) {
    const Lock lock(mu_);
    return std::string(headers_.get(name));
  }

 private:
  void take(ServerExchange& exchange) {
    const Bytes body = exchange.take_body();
    {
      const Lock lock(mu_);
      headers_ = exchange.request().headers;
      last_ = must(parse_json(body));
      const JsonArray* spans = array_at(last_.at_pointer("/resourceSpans/0/scopeSpans/0"), "spans");
      for (const Json& span : *spans)
        spans_[std::string(string_at(span, "name"))] = span;
      changed_.notify_all();
    }
    (void)exchange.respond({.status = status_, .body = "{}"});
  }

  const int status_;
  Mutex mu_;
  Condition changed_;
  std::map<std::string, Json> spans_ LATEEN_GUARDED_BY(mu_);
  Json last_ LATEEN_GUARDED_BY(mu_);
  Headers headers_ LATEEN_GUARDED_BY(mu_);
  TestServer server_;
};

class OtlpExporterTest : public ::testing::Test {
 protected:
  Tracer tracer_to(OtlpOptions options) {
    return {.sink = must(start_otlp_exporter(std::move(options), Log())),
            .clock = &clock_,
            .rng = &rng_};
  }

  FixedClock clock_{TimePoint(1'700'000'000s + 5ns)};
  SystemRng rng_;
};

TEST_F(OtlpExporterTest, ABackupsTreeArrivesWithItsIdsAndTimes) {
  Collector collector;
  OtlpOptions options{
      .url = collector.url(), .resource = {{"service.name", "lateen-server"}}, .pause = 20ms};
  options.headers.set("Authorization", "Bearer abc");
  const Tracer tracer = tracer_to(std::move(options));
  const Trace trace = Trace::of_object(tracer, kUid);
  {
    Span run = trace.span("run", {{"lateen.items", 7}});
    Span page = run.trace().span("list", {{"k8s.resource", "pods"}});
    page.fail(Error(Code::Unavailable, "no answer"));
  }
  trace.note_root({.name = "backup", .start = clock_.now() - 2s, .end = clock_.now()});

  const auto spans = collector.wait_for(3);
  ASSERT_EQ(spans.size(), 3U);
  const Json& root = spans.at("backup");
  const Json& run = spans.at("run");
  const Json& list = spans.at("list");
  EXPECT_EQ(string_at(root, "traceId"), "6ba7b8109dad41d180b400c04fd430c8");
  EXPECT_EQ(find(root, "parentSpanId"), nullptr);
  EXPECT_EQ(string_at(run, "parentSpanId"), string_at(root, "spanId"));
  EXPECT_EQ(string_at(list, "parentSpanId"), string_at(run, "spanId"));
  for (const auto& [name, span] : spans) {
    EXPECT_THAT(std::string(string_at(span, "spanId")), MatchesRegex("[0-9a-f]{16}"));
    EXPECT_EQ(string_at(span, "traceId"), string_at(root, "traceId"));
  }
  EXPECT_EQ(string_at(root, "startTimeUnixNano"), "1699999998000000005");
  EXPECT_EQ(string_at(root, "endTimeUnixNano"), "1700000000000000005");
  EXPECT_EQ(write_json(*find(run, "attributes")),
            R"([{"key":"lateen.items","value":{"intValue":"7"}}])");
  EXPECT_EQ(write_json(*find(list, "status")), R"({"code":2,"message":"no answer"})");
  EXPECT_EQ(collector.header("Authorization"), "Bearer abc");
  EXPECT_EQ(collector.header("Content-Type"), "application/json");
  EXPECT_THAT(write_json(collector.last().at_pointer("/resourceSpans/0/resource")),
              HasSubstr(R"({"key":"service.name","value":{"stringValue":"lateen-server"}})"));
}

TEST_F(OtlpExporterTest, AnEndedServerSendsWhatWaits) {
  Collector collector;
  {
    const Tracer tracer = tracer_to({.url = collector.url(), .pause = 1h});
    Trace::of_object(tracer, kUid).span("short");
  }
  EXPECT_EQ(collector.wait_for(1).count("short"), 1U);
}

TEST_F(OtlpExporterTest, ACollectorThatIsAwayCostsNothingButItsSpans) {
  OtlpOptions options{.url = "http://127.0.0.1:1/v1/traces", .most_waiting = 10, .pause = 1h};
  options.timeout = 1s;
  const Tracer tracer = tracer_to(std::move(options));
  const Trace trace = Trace::of_object(tracer, kUid);
  for (int i = 0; i < 1000; ++i)
    trace.span("lost");
  SUCCEED() << "and its end waits no longer than the timeout";
}

TEST_F(OtlpExporterTest, WithoutACollectorNothingIsRecorded) {
  EXPECT_EQ(must(start_otlp_exporter({}, Log())), nullptr);
  const Trace trace = Trace::of_object({}, kUid);
  Span span = trace.span("nothing");
  span.set({"key", 1});
  EXPECT_EQ(trace.id(), "");
  EXPECT_EQ(span.trace().id(), "");
}

TEST_F(OtlpExporterTest, AnObjectWithoutAUuidHasATraceToo) {
  Collector collector;
  const Tracer tracer = tracer_to({.url = collector.url()});
  EXPECT_THAT(Trace::of_object(tracer, "velero/nightly").id(), MatchesRegex("[0-9a-f]{32}"));
  EXPECT_EQ(Trace::of_object(tracer, "velero/nightly").id(),
            Trace::of_object(tracer, "velero/nightly").id());
}

TEST_F(OtlpExporterTest, TheFlagNamesTheCollectorAndThePathIsTracesOwn) {
  EXPECT_EQ(must(otlp_options("", "lateen-server")).url, "");
  EXPECT_EQ(must(otlp_options("http://collector:4318", "lateen-server")).url,
            "http://collector:4318/v1/traces");
  EXPECT_EQ(must(otlp_options("https://collector/otlp/", "lateen-server")).url,
            "https://collector/otlp/v1/traces");
  EXPECT_FALSE(otlp_options("collector:4318", "lateen-server"));
  EXPECT_FALSE(otlp_options("grpc://collector:4317", "lateen-server"));
}

}  // namespace
}  // namespace lateen::net
