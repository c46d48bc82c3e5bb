// OpenTelemetry's own environment variables.
#include "base/environment.h"
#include "base/text.h"
#include "base/version.h"
#include "net/otlp_exporter.h"
#include "net/url.h"

namespace lateen::net {
namespace {

std::string otel(const char* name) {
  return env(name).value_or("");
}

// "key=value,key=value", values escaped as in a URL.
Result<std::vector<std::pair<std::string, std::string>>> otel_pairs(const char* name) {
  std::vector<std::pair<std::string, std::string>> out;
  const std::string text = otel(name);
  for (const std::string_view part : split_trimmed(text, ',')) {
    if (part.empty()) continue;
    const Cut pair = cut(part, "=");
    if (!pair.found || trim(pair.before).empty())
      return Error(Code::InvalidArgument, "{}: \"{}\" is not key=value", name, pair.before);
    out.emplace_back(trim(pair.before), TRY(path_unescape(trim(pair.after)).wrap("{}", name)));
  }
  return out;
}

// As written for traces alone; of what is for all signals, the path for traces below it.
Result<std::string> otel_url(const std::string& flag) {
  const std::string own = otel("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  const std::string base = flag.empty() ? otel("OTEL_EXPORTER_OTLP_ENDPOINT") : flag;
  const bool is_own = flag.empty() && !own.empty();
  const std::string& text = is_own ? own : base;
  if (text.empty()) return std::string();
  Url url = TRY(Url::parse(text).wrap("the endpoint for traces"));
  if (url.scheme != "http" && url.scheme != "https") {
    return Error(Code::InvalidArgument, "the endpoint for traces, {}, is neither http nor https",
                 redact_url(text));
  }
  if (!is_own) {
    while (url.path.ends_with('/'))
      url.path.pop_back();
    url.path += "/v1/traces";
  }
  return url.format();
}

}  // namespace

Result<OtlpOptions> otlp_options(const std::string& endpoint, std::string_view service) {
  OtlpOptions options;
  if (otel("OTEL_SDK_DISABLED") == "true") return options;
  options.url = TRY(otel_url(endpoint));
  if (options.url.empty()) return options;
  for (const char* name : {"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"}) {
    for (const auto& [key, value] : TRY(otel_pairs(name)))
      options.headers.set(key, value);
  }
  if (const std::string limit = otel("OTEL_EXPORTER_OTLP_TIMEOUT"); !limit.empty()) {
    const auto milliseconds = parse_int(limit);
    if (!milliseconds || *milliseconds <= 0)
      return Error(Code::InvalidArgument,
                   "OTEL_EXPORTER_OTLP_TIMEOUT: \"{}\" is no number of "
                   "milliseconds",
                   limit);
    options.timeout = std::chrono::milliseconds(*milliseconds);
  }
  std::string name = otel("OTEL_SERVICE_NAME");
  std::vector<LogField> more;
  for (const auto& [key, value] : TRY(otel_pairs("OTEL_RESOURCE_ATTRIBUTES"))) {
    if (key != "service.name") {
      more.emplace_back(key, value);
    } else if (name.empty()) {
      name = value;
    }
  }
  options.resource.emplace_back("service.name", name.empty() ? std::string(service) : name);
  options.resource.emplace_back("service.version", kVersion);
  options.resource.insert(options.resource.end(), more.begin(), more.end());
  return options;
}

}  // namespace lateen::net
