#include "sandbox/faults/fault_gate.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "sandbox/api/served_bytes.h"
#include "sandbox/faults/faulty_exchange.h"
#include "sandbox/http/answer.h"
#include "sandbox/http/body.h"
#include "sandbox/http/request_info.h"

namespace lateen::sandbox {

namespace {

using std::chrono::seconds;

constexpr std::string_view kPage = "/sandbox/faults";
constexpr seconds kWatchLife{1};  // of a watch that is to be dropped, when nothing else is said

// Those that decide a request's answer: the first one that strikes does.
constexpr std::array kAnswering = {FaultKind::Throttle, FaultKind::Error, FaultKind::Reset,
                                   FaultKind::Conflict, FaultKind::Gone,  FaultKind::WatchDrop};

std::string resource_of(const RequestInfo& info) {
  if (info.gvr.group.empty()) return info.gvr.resource;
  return fmt::format("{}.{}", info.gvr.resource, info.gvr.group);
}

std::string_view request_verb(const net::ServerRequest& request, const RequestInfo& info) {
  const std::string& method = request.method;
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return info.name.empty() ? "deletecollection" : "delete";
  if (!info.name.empty() || info.gvr.resource.empty()) return "get";
  return query_flag(request.query, "watch") ? "watch" : "list";
}

// A created object's name stands in its body.
void add_name_of_body(const net::ServerRequest& request, RequestInfo& info) {
  if (request.method != "POST" || !info.name.empty() || !request.body.starts_with('{')) return;
  const auto body = parse_json(request.body);
  if (body) info.name = string_at(*body, "metadata.name");
}

// Whether the version that a request continues from could have expired.
bool continues(const net::ServerRequest& request, std::string_view verb) {
  if (verb == "list") {
    return !request.query.get("continue").empty() ||
           request.query.get("resourceVersionMatch") == "Exact";
  }
  const std::string_view version = request.query.get("resourceVersion");
  return verb == "watch" && !version.empty() && version != "0";
}

std::vector<FaultKind> possible_kinds(const net::ServerRequest& request, std::string_view verb) {
  std::vector<FaultKind> kinds = {FaultKind::Latency, FaultKind::Throttle, FaultKind::Error,
                                  FaultKind::Reset};
  if (verb == "update" || verb == "patch") kinds.push_back(FaultKind::Conflict);
  if (continues(request, verb)) kinds.push_back(FaultKind::Gone);
  if (verb == "watch") kinds.push_back(FaultKind::WatchDrop);
  return kinds;
}

ApiError error_answer(const Fault& fault) {
  const auto text = [&fault](std::string_view otherwise) {
    return fault.message.empty() ? std::string(otherwise) : fault.message;
  };
  StatusDetails details;
  details.retry_after_seconds =
      fault.status < 500 || fault.status == 500
          ? 0
          : std::chrono::duration_cast<seconds>(fault.retry_after).count();
  const auto made = [&](Code code, std::string_view reason, std::string_view message) {
    return ApiError(Error(code, "{}", message), fault.status, std::string(reason), details);
  };
  switch (fault.status) {
    case 401:
      return made(Code::Unauthenticated, "Unauthorized", text("Unauthorized"));
    case 403:
      return made(Code::Forbidden, "Forbidden", text("forbidden by a fault on request"));
    case 500: {
      const std::string why = text("etcdserver: a fault on request");
      details.causes.push_back({.message = why});
      return made(Code::Internal, "InternalError", "Internal error occurred: " + why);
    }
    case 503:
      return made(Code::Unavailable, "ServiceUnavailable",
                  text("the server is currently unable to handle the request"));
    case 504:
      return made(Code::DeadlineExceeded, "Timeout",
                  text("Timeout: request did not complete within the allotted timeout"));
    default:
      return made(Code::Internal, "", text("a fault on request"));
  }
}

// As the API server's priority and fairness turns requests away: no Status.
void throttle(net::ServerExchange& exchange, const Fault& fault) {
  net::HttpResponse response;
  response.status = 429;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.headers.add("X-Content-Type-Options", "nosniff");
  const auto wait = std::chrono::ceil<seconds>(fault.retry_after).count();
  if (wait > 0) response.headers.add("Retry-After", std::to_string(wait));
  response.body = "Too many requests, please try again later.\n";
  (void)exchange.respond(std::move(response));  // a peer that has gone needs no answer
}

void answer_gone(net::ServerExchange& exchange, std::string_view verb) {
  if (verb == "list") {
    return answer_error(exchange,
                        expired("The provided continue parameter is too old to display a "
                                "consistent list result. You must start a new list without the "
                                "continue parameter."));
  }
  const ApiError error = expired(fmt::format("too old resource version: {} (expired on request)",
                                             exchange.request().query.get("resourceVersion")));
  net::Headers headers;
  headers.add("Cache-Control", "no-cache, private");
  headers.add("Content-Type", "application/json");
  if (!exchange.begin_stream(200, std::move(headers))) return;
  if (exchange.write(watch_line("ERROR", write_json_unsorted(error.to_status()))))
    (void)exchange.finish();  // a peer that has gone needs no end
}

bool is_administrator(const Caller& caller) {
  return std::ranges::find(caller.groups, "system:masters") != caller.groups.end();
}

Json to_json(const FaultRecord& record) {
  Json json = to_json(*record.fault);
  json.as_object()["matched"] = record.matched;
  json.as_object()["struck"] = record.struck;
  return json;
}

// How a watch that is struck goes on.
ExchangePlan watch_plan(const Fault& fault, const net::ServerRequest& request) {
  ExchangePlan plan{.events = fault.events, .gone = fault.kind == FaultKind::Gone};
  if (plan.gone || (plan.events && fault.delay == Duration::zero())) return plan;
  const seconds life =
      fault.delay == Duration::zero() ? kWatchLife : std::chrono::ceil<seconds>(fault.delay);
  const auto asked = parse_int(request.query.get("timeoutSeconds"));
  if (!asked || *asked <= 0 || *asked > life.count()) plan.lifetime = life;
  return plan;
}

}  // namespace

// Keeps a watch in the list of those that are open.
class FaultGate::Registration {
 public:
  Registration(FaultGate& gate, const FaultSubject& subject) : gate_(gate) {
    const Lock lock(gate_.mu_);
    at_ =
        gate_.watches_.insert(gate_.watches_.end(), {.resource = std::string(subject.resource),
                                                     .ns = std::string(subject.ns),
                                                     .user_agent = std::string(subject.user_agent),
                                                     .path = std::string(subject.path),
                                                     .drop = drop_});
  }

  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  ~Registration() {
    const Lock lock(gate_.mu_);
    gate_.watches_.erase(at_);
  }

  const std::stop_source& drop() const { return drop_; }

 private:
  FaultGate& gate_;
  std::stop_source drop_;
  std::list<OpenWatch>::iterator at_;
};

void FaultGate::pass(net::ServerExchange& exchange, const Caller& caller, const Answer& answer) {
  const net::ServerRequest& request = exchange.request();
  if (request.path == kPage || request.path.starts_with(fmt::format("{}/", kPage))) {
    if (auto done = serve_page(exchange, caller); !done) answer_error(exchange, done.error());
    return;
  }
  RequestInfo info;
  (void)parse_request_path(request.path, info);  // what is no resource has a path at least
  const std::string_view verb = request_verb(request, info);
  if (book_.empty() && verb != "watch") return answer(exchange);
  add_name_of_body(request, info);
  const std::string resource = resource_of(info);
  const FaultSubject subject{.verb = verb,
                             .resource = resource,
                             .subresource = info.subresource,
                             .ns = info.ns,
                             .name = info.name,
                             .user_agent = request.headers.get("User-Agent"),
                             .path = request.path};
  const auto strikes = book_.strike_all(possible_kinds(request, verb), kAnswering, subject);
  for (const Strike& strike : strikes) {
    if (strike.fault->kind != FaultKind::Latency) continue;
    const auto more = std::chrono::duration_cast<Duration>(strike.fault->jitter * strike.draw);
    (void)sleep_unless_stopped(strike.fault->delay + more,
                               exchange.stop());  // then answered sooner
  }
  if (verb == "watch") return pass_watch(exchange, subject, strikes, answer);
  if (!strike_request(exchange, subject, strikes, answer)) answer(exchange);
}

bool FaultGate::strike_request(net::ServerExchange& exchange,
                               const FaultSubject& subject,
                               const std::vector<Strike>& strikes,
                               const Answer& answer) {
  if (strikes.empty()) return false;
  const Fault& fault = *strikes.back().fault;
  switch (fault.kind) {
    case FaultKind::Throttle:
      throttle(exchange, fault);
      return true;
    case FaultKind::Error:
      answer_error(exchange, error_answer(fault));
      return true;
    case FaultKind::Conflict: {
      const Cut resource = cut(subject.resource, ".");
      answer_error(exchange, modified(resource.after, resource.before, subject.name));
      return true;
    }
    case FaultKind::Gone:
      answer_gone(exchange, subject.verb);
      return true;
    case FaultKind::Reset: {
      if (fault.when == ResetTime::Before || subject.verb == "watch") {
        exchange.abort();
        return true;
      }
      FaultyExchange within(exchange, {.cut = fault.when}, {});
      answer(within);
      return true;
    }
    case FaultKind::Latency:
    case FaultKind::WatchDrop:
    case FaultKind::SnapshotDelay:
    case FaultKind::SnapshotFailure:
    case FaultKind::ProvisionHang:
    case FaultKind::ProvisionFailure:
    case FaultKind::NodeLost:
      return false;
  }
  return false;
}

void FaultGate::pass_watch(net::ServerExchange& exchange,
                           const FaultSubject& subject,
                           const std::vector<Strike>& strikes,
                           const Answer& answer) {
  const Fault* const fault = strikes.empty() ? nullptr : strikes.back().fault.get();
  const bool midway = fault != nullptr && (fault->kind == FaultKind::WatchDrop ||
                                           (fault->kind == FaultKind::Gone && fault->events));
  if (!midway && strike_request(exchange, subject, strikes, answer)) return;
  const Registration registration(*this, subject);
  FaultyExchange within(exchange, midway ? watch_plan(*fault, exchange.request()) : ExchangePlan(),
                        registration.drop());
  answer(within);
}

void FaultGate::drop_open_watches() {
  static constexpr std::array kDrop = {FaultKind::WatchDrop};
  const Lock lock(mu_);
  for (OpenWatch& watch : watches_) {
    const FaultSubject subject{.verb = "watch",
                               .resource = watch.resource,
                               .ns = watch.ns,
                               .user_agent = watch.user_agent,
                               .path = watch.path};
    if (!book_.strike_all(kDrop, kDrop, subject).empty()) watch.drop.request_stop();
  }
}

ApiStatus FaultGate::serve_page(net::ServerExchange& exchange, const Caller& caller) {
  const net::ServerRequest& request = exchange.request();
  if (!is_administrator(caller)) {
    return ApiError(Error(Code::Forbidden,
                          "forbidden: User \"{}\" cannot {} path \"{}\": faults are for "
                          "cluster administrators (group system:masters)",
                          caller.username, to_lower(request.method), request.path),
                    403, "Forbidden", {});
  }
  const std::string_view below = std::string_view(request.path).substr(kPage.size());
  const std::string name = TRY(net::path_unescape(below.empty() ? below : below.substr(1)));
  if (request.method == "GET" && name.empty()) {
    JsonArray faults;
    for (const FaultRecord& record : book_.list())
      faults.push_back(to_json(record));
    answer_json(exchange, 200, write_json_unsorted(JsonObject{{"faults", std::move(faults)}}));
    return {};
  }
  if (request.method == "POST" && name.empty()) {
    const RequestBody body = TRY(read_body(request));
    Fault fault = TRY(parse_fault(body.object));
    const FaultPtr added = TRY(book_.add(std::move(fault)));
    if (added->kind == FaultKind::WatchDrop) drop_open_watches();
    answer_json(exchange, 201, write_json_unsorted(to_json({.fault = added})));
    return {};
  }
  if (request.method == "DELETE") {
    const std::size_t cleared = TRY(book_.clear(name));
    answer_json(exchange, 200, write_json_unsorted(JsonObject{{"cleared", cleared}}));
    return {};
  }
  return method_not_allowed("", "faults", request.method);
}

}  // namespace lateen::sandbox
