// Spans to an OpenTelemetry collector: OTLP 1.x as JSON over HTTP, from a thread of its own behind
// a bounded queue. Nobody waits for it; what it has no room for, and what the collector does not
// take, is lost and counted.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/trace.h"
#include "net/http.h"

namespace lateen::net {

struct OtlpOptions {
  std::string url = {};  // of the traces themselves; empty: nothing is exported
  Headers headers = {};
  std::vector<LogField> resource = {};  // service.name first
  std::size_t most_waiting = 4096;      // spans of about 1 KiB
  std::size_t batch = 512;
  Duration pause = std::chrono::seconds(1);  // between batches that are not full
  Duration timeout = std::chrono::seconds(10);
};

// `endpoint`, else what the environment says in OpenTelemetry's own names: the endpoint, headers,
// timeout, service name, attributes, and OTEL_SDK_DISABLED. InvalidArgument names the variable that
// is wrong.
Result<OtlpOptions> otlp_options(const std::string& endpoint, std::string_view service);

// What is posted for these spans.
Bytes write_otlp(const std::vector<SpanRecord>& spans, const std::vector<LogField>& resource);

// Null for options without a URL. Its end sends what waits, for as long as the timeout.
Result<std::shared_ptr<SpanSink>> start_otlp_exporter(OtlpOptions options, const Log& log);

}  // namespace lateen::net
