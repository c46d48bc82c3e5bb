#include "sandbox/http/pod_handler.h"

#include <chrono>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "base/time.h"
#include "kube/object.h"
#include "sandbox/http/answer.h"
#include "sandbox/http/body.h"
#include "sandbox/http/exec_session_server.h"
#include "sandbox/http/port_forward.h"
#include "sandbox/http/port_forward_websocket.h"

namespace lateen::sandbox {

namespace {

const GroupVersionResource kPods{.group = "", .version = "v1", .resource = "pods"};

// How long one read of a log waits before the client is looked at again.
constexpr auto kLogWait = std::chrono::seconds(10);

std::vector<std::string> container_names(const Json& pod) {
  std::vector<std::string> names;
  for (const std::string_view which :
       {"spec.containers", "spec.initContainers", "spec.ephemeralContainers"}) {
    const JsonArray* containers = array_at(pod, which);
    if (containers == nullptr) continue;
    for (const Json& container : *containers)
      names.emplace_back(string_at(container, "name"));
  }
  return names;
}

ApiResult<std::optional<std::int64_t>> optional_number(const net::QueryValues& query,
                                                       std::string_view key) {
  const std::string_view text = query.get(key);
  if (text.empty()) return std::optional<std::int64_t>();
  const auto number = parse_int(text);
  if (!number || *number < 0) {
    return invalid("", "PodLogOptions", "",
                   {{.reason = "FieldValueInvalid",
                     .message = fmt::format("Invalid value: {}: must be greater than or equal to 0",
                                            quote_go(text)),
                     .field = std::string(key)}});
  }
  return std::optional<std::int64_t>(*number);
}

// What the runtime refuses, as the API server passes on what a kubelet says.
ApiError from_runtime(Error error, std::string_view pod) {
  if (error.is(Code::NotFound)) return not_found("", "pods", pod);
  if (error.is(Code::InvalidArgument)) return bad_request(error.message());
  return error;
}

ApiResult<LogOptions> log_options(const net::QueryValues& query, TimePoint now) {
  LogOptions options;
  options.follow = query_flag(query, "follow");
  options.previous = query_flag(query, "previous");
  options.timestamps = query_flag(query, "timestamps");
  options.tail_lines = TRY(optional_number(query, "tailLines"));
  options.limit_bytes = TRY(optional_number(query, "limitBytes"));
  if (const auto seconds = TRY(optional_number(query, "sinceSeconds"))) {
    options.since = now - std::chrono::seconds(*seconds);
  }
  if (const std::string_view since = query.get("sinceTime"); !since.empty()) {
    const auto time = parse_rfc3339(since);
    if (!time) return bad_request(time.error().message());
    options.since = *time;
  }
  return options;
}

ApiStatus check_expiration(std::int64_t seconds) {
  constexpr std::int64_t kLeast = 600;
  constexpr std::int64_t kMost = std::int64_t{1} << 32;
  if (seconds >= kLeast && seconds <= kMost) return {};
  return invalid("authentication.k8s.io", "TokenRequest", "",
                 {{.reason = "FieldValueInvalid",
                   .message = fmt::format(
                       "Invalid value: {}: may not specify a duration {}", seconds,
                       seconds < kLeast ? "less than 10 minutes" : "larger than 2^32 seconds"),
                   .field = "spec.expirationSeconds"}});
}

}  // namespace

bool PodHandler::serve(net::ServerExchange& exchange,
                       const ServedType& type,
                       const RequestInfo& info) {
  const std::string& sub = info.subresource;
  const bool pod = type.is("", "pods") &&
                   (sub == "log" || sub == "exec" || sub == "attach" || sub == "eviction" ||
                    sub == "binding" || sub == "portforward" || sub == "proxy");
  const bool token = type.is("", "serviceaccounts") && sub == "token";
  if (!pod && !token && sub != "proxy") return false;
  if (auto done = answer(exchange, type, info); !done) answer_error(exchange, done.error());
  return true;
}

ApiStatus PodHandler::answer(net::ServerExchange& exchange,
                             const ServedType& type,
                             const RequestInfo& info) {
  const std::string& sub = info.subresource;
  if (sub == "log") return logs(exchange, info);
  if (sub == "exec" || sub == "attach") return run(exchange, info);
  if (sub == "portforward") return forward(exchange, info);
  if (sub == "eviction") return evict(exchange, info);
  if (sub == "binding") return bind(exchange, info);
  if (sub == "token") return issue_token(exchange, type, info);
  return Error(Code::Unsupported, "the sandbox does not serve {}/{}", info.gvr.resource, sub);
}

ApiResult<ContainerRef> PodHandler::find_container(const RequestInfo& info,
                                                   std::string_view wanted) {
  const Json pod = TRY(api_.get(kPods, info.ns, info.name));
  const std::vector<std::string> names = container_names(pod);
  ContainerRef ref{.ns = info.ns, .pod = info.name, .container = std::string(wanted)};
  if (wanted.empty()) {
    const JsonArray* main = array_at(pod, "spec.containers");
    const std::string_view chosen =
        kube::annotation_of(pod, "kubectl.kubernetes.io/default-container");
    if (!chosen.empty()) {
      ref.container = chosen;
    } else if (main != nullptr && main->size() == 1) {
      ref.container = names.front();
    } else {
      return bad_request(
          fmt::format("a container name must be specified for pod {}, choose one of: [{}]",
                      info.name, join(names, " ")));
    }
  }
  if (std::ranges::find(names, ref.container) == names.end()) {
    return bad_request(
        fmt::format("container {} is not valid for pod {}", ref.container, info.name));
  }
  if (string_at(pod, "spec.nodeName").empty()) {
    return bad_request(fmt::format("pod {} does not have a host assigned", info.name));
  }
  return ref;
}

ApiStatus PodHandler::logs(net::ServerExchange& exchange, const RequestInfo& info) {
  const net::QueryValues& query = exchange.request().query;
  const ContainerRef container = TRY(find_container(info, query.get("container")));
  const LogOptions options = TRY(log_options(query, api_.context().clock.now()));
  PodRuntime* runtime = runtime_;
  if (runtime == nullptr) return Error(Code::Unavailable, "nothing runs pods in this sandbox yet");
  auto opened = runtime->logs(container, options);
  if (!opened) return from_runtime(std::move(opened.error()), info.name);
  net::Headers headers;
  headers.add("Cache-Control", "no-cache, private");
  headers.add("Content-Type", "text/plain");
  if (!exchange.begin_stream(200, std::move(headers))) return {};
  const std::stop_token stop = exchange.stop();
  while (!stop.stop_requested()) {
    auto bytes = (*opened)->read(Deadline::after(kLogWait), stop);
    if (!bytes && bytes.error().is(Code::DeadlineExceeded)) continue;
    // What was begun cannot become an error: the stream ends here.
    if (!bytes || !*bytes) break;
    if (!(*bytes)->empty() && !exchange.write(**bytes)) return {};
  }
  (void)exchange.finish();  // a peer that has gone needs no end
  return {};
}

ApiStatus PodHandler::run(net::ServerExchange& exchange, const RequestInfo& info) {
  const net::QueryValues& query = exchange.request().query;
  const ContainerRef container = TRY(find_container(info, query.get("container")));
  ExecOptions options;
  for (const std::string_view word : query.all("command"))
    options.command.emplace_back(word);
  options.stdin_open = query_flag(query, "stdin");
  options.stdout_open = query_flag(query, "stdout");
  options.stderr_open = query_flag(query, "stderr");
  options.tty = query_flag(query, "tty");
  const bool is_exec = info.subresource == "exec";
  if (is_exec && options.command.empty())
    return bad_request("you must specify at least 1 command for the container");
  if (!options.stdin_open && !options.stdout_open && !options.stderr_open) {
    return bad_request("you must specify at least 1 of stdin, stdout, stderr");
  }
  PodRuntime* runtime = runtime_;
  if (runtime == nullptr) return Error(Code::Unavailable, "nothing runs pods in this sandbox yet");
  const auto start = [&] {
    return is_exec ? runtime->exec(container, options) : runtime->attach(container, options);
  };
  return serve_exec(exchange, options, start);
}

ApiStatus PodHandler::forward(net::ServerExchange& exchange, const RequestInfo& info) {
  const Json pod = TRY(api_.get(kPods, info.ns, info.name));
  if (string_at(pod, "spec.nodeName").empty())
    return bad_request(fmt::format("pod {} does not have a host assigned", info.name));
  PodRuntime* runtime = runtime_;
  if (runtime == nullptr) return Error(Code::Unavailable, "nothing runs pods in this sandbox yet");
  const PortConnector connect = [&](std::uint16_t port) {
    return runtime->connect(info.ns, info.name, port);
  };
  return exchange.is_websocket_upgrade()
             ? serve_websocket_forward(exchange, exchange.request().query, connect)
             : serve_port_forward(exchange, connect);
}

ApiStatus PodHandler::bind(net::ServerExchange& exchange, const RequestInfo& info) {
  if (exchange.request().method != "POST")
    return method_not_allowed("", "pods", exchange.request().method);
  const RequestBody body = TRY(read_body(exchange.request()));
  const std::string node(string_at(body.object, "target.name"));
  if (node.empty()) return bad_request("the binding names no node");
  WriteOptions options = TRY(write_options(info, exchange.request()));
  bool taken = false;
  TRY(api_.modify(
      kPods, info.ns, info.name,
      [&](Json& pod) -> Result<bool> {
        taken = !string_at(pod, "spec.nodeName").empty();
        if (taken) return false;
        ensure(pod, "spec.nodeName") = node;
        return true;
      },
      options));
  if (taken)
    return conflict("", "pods/binding", info.name,
                    fmt::format("pod {} is already assigned to node", info.name));
  answer_json(exchange, 201,
              R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201})");
  return {};
}

// Refused while a budget over this pod has no disruption to spare.
ApiStatus PodHandler::check_disruption(const RequestInfo& info) {
  const Json pod = TRY(api_.get(kPods, info.ns, info.name));
  const GroupVersionResource budgets{
      .group = "policy", .version = "v1", .resource = "poddisruptionbudgets"};
  const auto list = api_.list(budgets, {.ns = info.ns});
  if (!list) return {};
  for (const Json& budget : list->items) {
    const auto selector = kube::LabelSelector::from_json(find(budget, "spec.selector"));
    if (!selector || !selector->matches(kube::labels_of(pod))) continue;
    if (int_at(budget, "status.disruptionsAllowed").value_or(0) > 0) continue;
    ApiError refusal =
        too_many_requests("Cannot evict pod as it would violate the pod's disruption budget.", 0);
    StatusDetails details;
    details.causes.push_back(
        {.reason = "DisruptionBudget",
         .message =
             fmt::format("The disruption budget {} needs {} healthy pods and has {} currently",
                         kube::name_of(budget), int_at(budget, "status.desiredHealthy").value_or(0),
                         int_at(budget, "status.currentHealthy").value_or(0)),
         .field = {}});
    return ApiError(refusal, 429, "TooManyRequests", std::move(details));
  }
  return {};
}

ApiStatus PodHandler::evict(net::ServerExchange& exchange, const RequestInfo& info) {
  if (exchange.request().method != "POST")
    return method_not_allowed("", "pods", exchange.request().method);
  const RequestBody body = TRY(read_body(exchange.request()));
  const Json* inside = find(body.object, "deleteOptions");
  DeleteOptions options =
      TRY(delete_options(exchange.request().query, inside != nullptr ? *inside : Json()));
  options.caller = &info.caller;
  TRY(check_disruption(info));
  TRY(api_.remove(kPods, info.ns, info.name, options));
  answer_json(exchange, 201,
              R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201})");
  return {};
}

// To the pod or Secret that the request names, which must be there and the account's own.
ApiStatus PodHandler::bind_token(const Json& request, ServiceAccountToken& wanted) {
  const Json* to = find(request, "spec.boundObjectRef");
  if (to == nullptr || !to->is_object()) return {};
  const std::string_view kind = string_at(*to, "kind");
  const bool pod = kind == "Pod";
  if (!pod && kind != "Secret") {
    return bad_request(fmt::format("cannot bind token to object of type {}, Kind={}",
                                   string_at(*to, "apiVersion"), kind));
  }
  const std::string_view name = string_at(*to, "name");
  const GroupVersionResource secrets{.group = "", .version = "v1", .resource = "secrets"};
  const Json bound = TRY(api_.get(pod ? kPods : secrets, wanted.ns, name));
  if (pod && string_at(bound, "spec.serviceAccountName") != wanted.service_account) {
    return bad_request(
        fmt::format("cannot bind token for serviceaccount {} to pod running with different "
                    "serviceaccount name.",
                    quote_go(wanted.service_account)));
  }
  const std::string_view uid = string_at(*to, "uid");
  if (!uid.empty() && uid != kube::uid_of(bound)) {
    return conflict("", pod ? "pods" : "secrets", name,
                    fmt::format("the UID in the bound object reference ({}) does not match the UID "
                                "in record. The object might have been deleted and then recreated",
                                uid));
  }
  (pod ? wanted.pod_name : wanted.secret_name) = name;
  (pod ? wanted.pod_uid : wanted.secret_uid) = kube::uid_of(bound);
  return {};
}

ApiStatus PodHandler::issue_token(net::ServerExchange& exchange,
                                  const ServedType& type,
                                  const RequestInfo& info) {
  if (exchange.request().method != "POST")
    return method_not_allowed("", "serviceaccounts", exchange.request().method);
  const RequestBody body = TRY(read_body(exchange.request()));
  Json request = body.object.is_object() ? body.object : Json(JsonObject{});
  ServiceAccountToken wanted{.ns = info.ns, .service_account = info.name};
  wanted.expiration_seconds = int_at(request, "spec.expirationSeconds").value_or(3600);
  TRY(check_expiration(wanted.expiration_seconds));
  if (const JsonArray* audiences = array_at(request, "spec.audiences")) {
    for (const Json& audience : *audiences)
      wanted.audiences.emplace_back(as_text(&audience));
  }
  TRY(bind_token(request, wanted));
  auto issued = tokens_.issue(wanted);
  if (!issued) return not_found("", type.resource(), info.name);
  request.as_object()["kind"] = "TokenRequest";
  request.as_object()["apiVersion"] = "authentication.k8s.io/v1";
  ensure(request, "metadata.name") = info.name;
  ensure(request, "metadata.namespace") = info.ns;
  ensure(request, "spec.expirationSeconds") = wanted.expiration_seconds;
  ensure(request, "status.token") = issued->token;
  ensure(request, "status.expirationTimestamp") = format_rfc3339(issued->expires);
  answer_json(exchange, 201, write_json_unsorted(request));
  return {};
}

}  // namespace lateen::sandbox
