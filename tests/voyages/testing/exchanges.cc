#include "voyages/testing/exchanges.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/text.h"
#include "base/thread.h"

namespace lateen::voyages {

namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kPause = std::chrono::milliseconds(50);

using Differences = std::vector<std::string>;

bool same_text(std::string_view wanted, std::string_view got) {
  if (wanted.starts_with('~')) return glob_match(wanted.substr(1), got);
  return wanted == got;
}

std::string shown(const Json& value) {
  return write_json(value).substr(0, 400);
}

void compare(const Json& wanted, const Json& got, const std::string& at, Differences& out) {
  if (wanted.is_object()) {
    if (!got.is_object()) {
      out.push_back(fmt::format("{} is {}, not an object", at, shown(got)));
      return;
    }
    for (const auto& [key, value] : wanted.as_object()) {
      const Json* member = find(got, JsonKey{key});
      if (member == nullptr) {
        out.push_back(fmt::format("{}.{} is missing", at, std::string_view(key)));
      } else {
        compare(value, *member, fmt::format("{}.{}", at, std::string_view(key)), out);
      }
    }
    return;
  }
  if (wanted.is_array()) {
    const JsonArray& items = wanted.as_array();
    if (!got.is_array() || got.as_array().size() != items.size()) {
      out.push_back(fmt::format("{} is {}, not {} items", at, shown(got), items.size()));
      return;
    }
    for (std::size_t i = 0; i < items.size(); ++i)
      compare(items[i], got.as_array()[i], fmt::format("{}[{}]", at, i), out);
    return;
  }
  const bool equal = wanted.is_string() && got.is_string()
                         ? same_text(as_text(&wanted), as_text(&got))
                         : wanted == got;
  if (!equal) out.push_back(fmt::format("{} is {}, not {}", at, shown(got), shown(wanted)));
}

void compare_lines(const JsonArray& wanted, const std::vector<Json>& lines, Differences& out) {
  JsonArray got(lines.begin(), lines.end());
  compare(Json(wanted), Json(std::move(got)), "lines", out);
}

void check_paths(const Json& exchange, const Json& body, Differences& out) {
  if (const JsonArray* has = array_at(exchange, "has")) {
    for (const Json& path : *has) {
      if (find(body, as_text(&path)) == nullptr)
        out.push_back(fmt::format("{} is missing", as_text(&path)));
    }
  }
  if (const JsonArray* lacks = array_at(exchange, "lacks")) {
    for (const Json& path : *lacks) {
      if (find(body, as_text(&path)) != nullptr)
        out.push_back(fmt::format("{} should not be there", as_text(&path)));
    }
  }
}

std::vector<Json> watch_lines(std::string_view text) {
  std::vector<Json> lines;
  for (const std::string_view line : split(text, '\n')) {
    if (auto event = parse_json(line)) lines.push_back(std::move(*event));
  }
  return lines;
}

}  // namespace

Differences differences(const Json& exchange, const Answer& answer) {
  Differences out;
  if (const auto status = int_at(exchange, "status"); status && *status != answer.status)
    out.push_back(fmt::format("status is {}, not {}", answer.status, *status));
  if (const JsonObject* headers = object_at(exchange, "headers")) {
    for (const auto& [name, value] : *headers) {
      const std::string_view got = answer.headers.get(name);
      if (!same_text(as_text(&value), got))
        out.push_back(
            fmt::format("{} is \"{}\", not \"{}\"", std::string_view(name), got, as_text(&value)));
    }
  }
  if (const Json* text = find(exchange, "text"); text != nullptr && answer.text != as_text(text))
    out.push_back(fmt::format("the body is \"{}\", not \"{}\"", answer.text, as_text(text)));
  const std::string_view part = string_at(exchange, "contains");
  if (answer.text.find(part) == std::string::npos)
    out.push_back(fmt::format("the body lacks \"{}\"", part));
  if (const Json* body = find(exchange, "body")) compare(*body, answer.json, "body", out);
  if (const JsonArray* lines = array_at(exchange, "lines"))
    compare_lines(*lines, answer.lines, out);
  check_paths(exchange, answer.json, out);
  if (!out.empty()) out.push_back("the answer was: " + answer.text.substr(0, 1500));
  return out;
}

class Replayer::Private {};

Replayer::Replayer(const Private& /*ours*/,
                   std::unique_ptr<net::HttpClient> client,
                   const kube::ClusterConfig& cluster)
    : client_(std::move(client)),
      server_(cluster.server),
      authorization_(cluster.identity.token.empty()
                         ? std::string()
                         : "Bearer " + std::string(cluster.identity.token.reveal())) {}

Result<std::unique_ptr<Replayer>> Replayer::open(const kube::ClusterConfig& cluster) {
  net::HttpClientOptions options;
  options.tls.ca_pem = cluster.ca_pem;
  options.tls.insecure_skip_verify = cluster.insecure_skip_tls_verify;
  options.tls.server_name = cluster.tls_server_name;
  options.tls.client_certificate_pem = cluster.identity.client_certificate_pem.reveal();
  options.tls.client_key_pem = cluster.identity.client_key_pem;
  options.user_agent = "lateen-conformance";
  auto client = TRY(net::HttpClient::open(std::move(options)));
  return std::make_unique<Replayer>(Private{}, std::move(client), cluster);
}

std::string Replayer::filled_in(std::string_view text) const {
  std::string out(text);
  for (const auto& [name, value] : variables_)
    out = replace_all(out, "$" + name, value);
  return out;
}

Json Replayer::filled_in(const Json& value) const {
  if (value.is_string()) return Json(filled_in(as_text(&value)));
  if (value.is_array()) {
    JsonArray out;
    for (const Json& item : value.as_array())
      out.push_back(filled_in(item));
    return out;
  }
  if (!value.is_object()) return value;
  JsonObject out;
  for (const auto& [key, member] : value.as_object())
    out[filled_in(std::string_view(key))] = filled_in(member);
  return out;
}

Result<Answer> Replayer::send(const Json& exchange) {
  const std::string line = filled_in(string_at(exchange, "request"));
  const Cut parts = cut(line, " ");
  net::HttpRequest request;
  request.method = parts.before;
  request.url = server_ + std::string(parts.after);
  if (!authorization_.empty()) request.headers.add("Authorization", authorization_);
  const std::string_view accept = string_at(exchange, "accept");
  request.headers.add("Accept", accept.empty() ? "application/json" : accept);
  if (const JsonObject* with = object_at(exchange, "with")) {
    for (const auto& [name, value] : *with)
      request.headers.add(name, filled_in(as_text(&value)));
  }
  if (const Json* body = find(exchange, "send")) {
    request.body = body->is_string() ? filled_in(as_text(body)) : write_json(filled_in(*body));
  } else if (const std::string_view packed = string_at(exchange, "sendBase64"); !packed.empty()) {
    request.body = TRY(base64_decode(packed));
  }
  const std::string_view type = string_at(exchange, "type");
  if (!request.body.empty())
    request.headers.add("Content-Type", type.empty() ? "application/json" : type);
  request.deadline = Deadline::after(std::chrono::seconds(60));
  net::HttpResponse response = TRY(client_->send(request, {}));
  Answer answer{.status = response.status,
                .headers = std::move(response.headers),
                .text = std::string(response.body)};
  if (find(exchange, "lines") != nullptr) answer.lines = watch_lines(answer.text);
  if (auto json = parse_json(answer.text)) answer.json = std::move(*json);
  return answer;
}

void Replayer::keep(const Json& exchange, const Answer& answer) {
  const JsonObject* names = object_at(exchange, "keep");
  if (names == nullptr) return;
  for (const auto& [name, path] : *names) {
    const Json* value = find(answer.json, as_text(&path));
    if (value == nullptr) continue;
    variables_[name] = value->is_string() ? std::string(as_text(value)) : write_json(*value);
  }
}

Result<Differences> Replayer::replay(const Json& exchange) {
  const bool again = bool_at(exchange, "until").value_or(false);
  const Deadline end = Deadline::after(kPatience);
  while (true) {
    const Answer answer = TRY(send(exchange));
    Differences found = differences(filled_in(exchange), answer);
    if (found.empty()) keep(exchange, answer);
    if (found.empty() || !again || end.expired()) return found;
    sleep_unless_stopped(kPause, {});
  }
}

}  // namespace lateen::voyages
