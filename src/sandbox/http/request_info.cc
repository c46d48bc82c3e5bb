#include "sandbox/http/request_info.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "net/url.h"

namespace lateen::sandbox {

namespace {

// The path's segments, unescaped; empty when one does not unescape.
std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> out;
  while (path.starts_with('/'))
    path.remove_prefix(1);
  while (path.ends_with('/'))
    path.remove_suffix(1);
  for (const std::string_view part : split(path, '/')) {
    auto plain = net::path_unescape(part);
    if (!plain) return {};
    out.push_back(std::move(*plain));
  }
  return out;
}

ApiResult<std::int64_t> number_of(std::string_view key, std::string_view text) {
  const auto number = parse_int(text);
  if (!number) return bad_request(fmt::format("invalid value for {}: {}", key, quote_go(text)));
  return *number;
}

// kubectl/v1.32.4 (linux/amd64) ... → kubectl
std::string program_of(std::string_view user_agent) {
  return std::string(user_agent.substr(0, user_agent.find('/')).substr(0, 128));
}

ApiResult<bool> parse_dry_run(const std::vector<std::string_view>& values) {
  bool dry_run = false;
  for (const std::string_view value : values) {
    if (value == "All") {
      dry_run = true;
    } else if (!value.empty()) {
      return invalid("meta.k8s.io", "CreateOptions", "",
                     {{.reason = "FieldValueNotSupported",
                       .message = fmt::format("Unsupported value: {}: supported values: \"All\"",
                                              quote_go(value)),
                       .field = "dryRun"}});
    }
  }
  return dry_run;
}

}  // namespace

bool parse_request_path(std::string_view path, RequestInfo& info) {
  const std::vector<std::string> parts = segments_of(path);
  if (parts.empty()) return false;
  std::size_t at = 0;
  if (parts[0] == "api") {
    if (parts.size() < 3) return false;
    info.gvr.version = parts[1];
    at = 2;
  } else if (parts[0] == "apis") {
    if (parts.size() < 4) return false;
    info.gvr.group = parts[1];
    info.gvr.version = parts[2];
    at = 3;
  } else {
    return false;
  }
  // A namespace's own subresources are status and finalize; anything else after its name is a
  // resource in it.
  const bool in_namespace = parts[at] == "namespaces" && parts.size() >= at + 3 &&
                            parts[at + 2] != "status" && parts[at + 2] != "finalize";
  if (in_namespace) {
    info.ns = parts[at + 1];
    at += 2;
  }
  info.gvr.resource = parts[at];
  if (parts.size() > at + 1) info.name = parts[at + 1];
  if (parts.size() > at + 2) info.subresource = parts[at + 2];
  for (std::size_t i = at + 3; i < parts.size(); ++i)
    info.rest.append("/").append(parts[i]);
  return true;
}

bool query_flag(const net::QueryValues& query, std::string_view key) {
  if (!query.contains(key)) return false;
  const std::string_view text = query.get(key);
  return text != "false" && text != "0" && text != "False";
}

ApiResult<ListOptions> list_options(const RequestInfo& info, const net::QueryValues& query) {
  ListOptions options;
  options.ns = info.ns;
  options.label_selector = query.get("labelSelector");
  options.field_selector = query.get("fieldSelector");
  options.continue_token = query.get("continue");
  options.resource_version = query.get("resourceVersion");
  options.resource_version_match = query.get("resourceVersionMatch");
  const std::string_view limit = query.get("limit");
  if (!limit.empty()) options.limit = TRY(number_of("limit", limit));
  // Clients that page with an old server's rules send "0" along with the token.
  if (!options.continue_token.empty() && options.resource_version == "0")
    options.resource_version.clear();
  return options;
}

ApiResult<WatchOptions> watch_options(const RequestInfo& info, const net::QueryValues& query) {
  WatchOptions options;
  options.ns = info.ns;
  options.label_selector = query.get("labelSelector");
  options.field_selector = query.get("fieldSelector");
  options.resource_version = query.get("resourceVersion");
  options.allow_bookmarks = query_flag(query, "allowWatchBookmarks");
  options.send_initial_events = query_flag(query, "sendInitialEvents");
  const std::string_view match = query.get("resourceVersionMatch");
  const bool says_initial = query.contains("sendInitialEvents");
  if (says_initial && match != "NotOlderThan") {
    return invalid(
        "meta.k8s.io", "ListOptions", "",
        {{.reason = "FieldValueForbidden",
          .message =
              "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
          .field = "resourceVersionMatch"}});
  }
  if (!says_initial && !match.empty()) {
    return invalid("meta.k8s.io", "ListOptions", "",
                   {{.reason = "FieldValueForbidden",
                     .message = "Forbidden: resourceVersionMatch is forbidden for watch unless "
                                "sendInitialEvents is provided",
                     .field = "resourceVersionMatch"}});
  }
  return options;
}

ApiResult<WriteOptions> write_options(const RequestInfo& info, const net::ServerRequest& request) {
  WriteOptions options;
  options.subresource = info.subresource;
  options.caller = &info.caller;
  options.field_manager = request.query.get("fieldManager");
  if (options.field_manager.size() > 128) {
    return invalid("meta.k8s.io", "PatchOptions", "",
                   {{.reason = "FieldValueTooLong",
                     .message = "Too long: may not be more than 128 bytes",
                     .field = "fieldManager"}});
  }
  if (options.field_manager.empty())
    options.field_manager = program_of(request.headers.get("User-Agent"));
  if (options.field_manager.empty()) options.field_manager = "unknown";
  options.force = query_flag(request.query, "force");
  options.dry_run = TRY(parse_dry_run(request.query.all("dryRun")));
  const std::string_view validation = request.query.get("fieldValidation");
  options.field_validation = FieldValidation::Warn;
  if (validation == "Strict") {
    options.field_validation = FieldValidation::Strict;
  } else if (validation == "Ignore") {
    options.field_validation = FieldValidation::Ignore;
  } else if (!validation.empty() && validation != "Warn") {
    return invalid("meta.k8s.io", "CreateOptions", "",
                   {{.reason = "FieldValueNotSupported",
                     .message = fmt::format(
                         "Unsupported value: {}: supported values: \"\", \"Ignore\", \"Strict\", "
                         "\"Warn\"",
                         quote_go(validation)),
                     .field = "fieldValidation"}});
  }
  return options;
}

ApiResult<DeleteOptions> delete_options(const net::QueryValues& query, const Json& body) {
  DeleteOptions options;
  options.propagation_policy = query.get("propagationPolicy");
  options.dry_run = TRY(parse_dry_run(query.all("dryRun")));
  const std::string_view grace = query.get("gracePeriodSeconds");
  if (!grace.empty()) options.grace_period_seconds = TRY(number_of("gracePeriodSeconds", grace));
  std::optional<bool> orphans;
  if (query.contains("orphanDependents")) orphans = query_flag(query, "orphanDependents");
  if (body.is_object()) {
    if (const auto seconds = int_at(body, "gracePeriodSeconds"))
      options.grace_period_seconds = seconds;
    const std::string_view policy = string_at(body, "propagationPolicy");
    if (!policy.empty()) options.propagation_policy = policy;
    options.preconditions.uid = string_at(body, "preconditions.uid");
    options.preconditions.resource_version = string_at(body, "preconditions.resourceVersion");
    if (const auto orphan = bool_at(body, "orphanDependents")) orphans = orphan;
    std::vector<std::string_view> dry;
    if (const JsonArray* values = array_at(body, "dryRun")) {
      for (const Json& value : *values)
        dry.push_back(as_text(&value));
    }
    options.dry_run = TRY(parse_dry_run(dry)) || options.dry_run;
  }
  if (orphans && options.propagation_policy.empty()) {
    options.propagation_policy = *orphans ? "Orphan" : "Background";
  }
  if (options.grace_period_seconds && *options.grace_period_seconds < 0)
    options.grace_period_seconds = 1;
  return options;
}

}  // namespace lateen::sandbox
