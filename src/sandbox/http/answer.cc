#include "sandbox/http/answer.h"

#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "base/yaml.h"

namespace lateen::sandbox {

namespace {

// A quoted string of RFC 9110: no control characters, quotes and backslashes escaped.
std::string warning_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

Bytes rendered(const net::ServerRequest& request, Bytes json, bool yaml) {
  const bool indented = wants_indentation(request);
  if (!yaml && !indented) return json;
  const auto tree = parse_json(json);
  if (!tree) return json;
  return yaml ? write_yaml(*tree) : write_json_pretty(*tree) + "\n";
}

}  // namespace

bool wants_indentation(const net::ServerRequest& request) {
  if (request.query.contains("pretty")) {
    const std::string_view value = request.query.get("pretty");
    return value != "false" && value != "0";
  }
  const std::string_view agent = request.headers.get("User-Agent");
  return agent.starts_with("curl") || agent.starts_with("Wget") || agent.starts_with("Mozilla/5.0");
}

void answer_json(net::ServerExchange& exchange,
                 int status,
                 Bytes json,
                 bool yaml,
                 const std::vector<std::string>& warnings) {
  net::HttpResponse response;
  response.status = status;
  response.headers.add("Cache-Control", "no-cache, private");
  response.headers.add("Content-Type", yaml ? "application/yaml" : "application/json");
  for (const std::string& warning : warnings) {
    response.headers.add("Warning", fmt::format("299 - \"{}\"", warning_text(warning)));
  }
  response.body = rendered(exchange.request(), std::move(json), yaml);
  net::compress_if_accepted(exchange.request(), response);
  (void)exchange.respond(std::move(response));  // a peer that has gone needs no answer
}

void answer_error(net::ServerExchange& exchange, const ApiError& error) {
  net::HttpResponse response;
  response.status = error.http_code();
  response.headers.add("Cache-Control", "no-cache, private");
  response.headers.add("Content-Type", "application/json");
  if (error.details().retry_after_seconds != 0) {
    response.headers.add("Retry-After", std::to_string(error.details().retry_after_seconds));
  }
  response.body = rendered(exchange.request(), write_json_unsorted(error.to_status()), false);
  (void)exchange.respond(std::move(response));  // as above
}

void answer_text(net::ServerExchange& exchange, int status, std::string_view text) {
  net::HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.body = text;
  (void)exchange.respond(std::move(response));  // as above
}

void answer_no_page(net::ServerExchange& exchange) {
  answer_text(exchange, 404, "404 page not found\n");
}

}  // namespace lateen::sandbox
