#include "sandbox/http/resource_handler.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "kube/object.h"
#include "sandbox/api/object_bytes.h"
#include "sandbox/api/reader.h"
#include "sandbox/api/scale.h"
#include "sandbox/http/answer.h"
#include "sandbox/http/body.h"
#include "sandbox/http/table.h"
#include "sandbox/http/watch_stream.h"

namespace lateen::sandbox {

namespace {

// Kinds whose delete answers with the object even when it has gone (ReturnDeletedObject in
// Kubernetes' storage).
bool returns_deleted_object(const ServedType& type) {
  static constexpr std::array<std::string_view, 6> kKinds = {"pods",
                                                             "podtemplates",
                                                             "resourcequotas",
                                                             "serviceaccounts",
                                                             "persistentvolumes",
                                                             "persistentvolumeclaims"};
  return type.group().empty() && std::ranges::find(kKinds, type.resource()) != kKinds.end();
}

Bytes deleted_status(const ServedType& type, const Json& object) {
  JsonObject details;
  details["name"] = kube::name_of(object);
  if (!type.group().empty()) details["group"] = type.group();
  details["kind"] = type.resource();
  details["uid"] = kube::uid_of(object);
  JsonObject status;
  status["kind"] = "Status";
  status["apiVersion"] = "v1";
  status["metadata"] = JsonObject{};
  status["status"] = "Success";
  status["details"] = std::move(details);
  return write_json_unsorted(status);
}

std::optional<PatchType> patch_type_of(std::string_view content_type) {
  const std::string type = to_lower(trim(cut(content_type, ";").before));
  for (const PatchType one :
       {PatchType::Json, PatchType::Merge, PatchType::StrategicMerge, PatchType::Apply}) {
    if (type == kube::content_type(one)) return one;
  }
  return std::nullopt;
}

ApiError unsupported_patch(const ServedType& type) {
  const std::string_view strategic = type.custom ? "" : "application/strategic-merge-patch+json, ";
  return {Error(Code::Unsupported,
                "the body of the request was in an unknown format - accepted media types include: "
                "application/json-patch+json, application/merge-patch+json, "
                "{}application/apply-patch+yaml",
                strategic),
          415,
          "UnsupportedMediaType",
          {}};
}

}  // namespace

void ResourceHandler::serve(net::ServerExchange& exchange,
                            const ServedType& type,
                            const RequestInfo& info) {
  if (auto done = answer(exchange, type, info); !done) answer_error(exchange, done.error());
}

ApiStatus ResourceHandler::answer(net::ServerExchange& exchange,
                                  const ServedType& type,
                                  const RequestInfo& info) {
  const net::ServerRequest& request = exchange.request();
  const Negotiated wanted = negotiate_object(request.headers.get("Accept"));
  if (!wanted.found) return not_acceptable();
  const std::string& method = request.method;
  // A namespaced object is only reached through its namespace.
  if (type.type.namespaced && info.ns.empty() && (!info.name.empty() || method == "POST"))
    return no_such_resource();
  if (!type.type.namespaced && !info.ns.empty() && info.gvr.resource != "namespaces")
    return no_such_resource();
  if (method == "GET" || method == "HEAD") {
    const bool watching = query_flag(request.query, "watch") && info.name.empty();
    return watching ? watch(exchange, type, info, wanted.format)
                    : read(exchange, type, info, wanted.format);
  }
  if (method == "POST" && info.name.empty()) return create(exchange, type, info, wanted.format);
  if (method == "PUT" && !info.name.empty()) return update(exchange, type, info, wanted.format);
  if (method == "PATCH" && !info.name.empty()) return patch(exchange, type, info, wanted.format);
  if (method == "DELETE" && info.subresource.empty()) {
    return info.name.empty() ? remove_all(exchange, type, info)
                             : remove(exchange, type, info, wanted.format);
  }
  return method_not_allowed(type.group(), type.resource(), method);
}

ApiStatus ResourceHandler::read(net::ServerExchange& exchange,
                                const ServedType& type,
                                const RequestInfo& info,
                                const AnswerFormat& format) {
  const net::QueryValues& query = exchange.request().query;
  const AnswerPrinter printer(type, format, query.get("includeObject"), api_.context().clock.now());
  if (info.name.empty()) {
    if (!type.type.has_verb("list"))
      return method_not_allowed(type.group(), type.resource(), "list");
    const StoredList list = TRY(api_.reader().list(type, TRY(list_options(info, query))));
    answer_json(exchange, 200, printer.list(list), format.yaml);
    return {};
  }
  if (!type.type.has_verb("get")) return method_not_allowed(type.group(), type.resource(), "get");
  const std::uint64_t version = TRY(parse_resource_version(query.get("resourceVersion")));
  const std::uint64_t current = api_.context().store.revision();
  if (version > current) return too_large_resource_version(version, current);
  const StoredPtr stored = TRY(api_.reader().get(type, info.ns, info.name));
  if (info.subresource == "scale") {
    const Json object = TRY(parse_stored(*stored));
    answer_json(exchange, 200, write_json_unsorted(TRY(make_scale(type, object))), format.yaml);
    return {};
  }
  answer_json(exchange, 200, printer.one(*stored), format.yaml);
  return {};
}

ApiStatus ResourceHandler::watch(net::ServerExchange& exchange,
                                 const ServedType& type,
                                 const RequestInfo& info,
                                 const AnswerFormat& format) {
  if (!type.type.has_verb("watch"))
    return method_not_allowed(type.group(), type.resource(), "watch");
  const net::QueryValues& query = exchange.request().query;
  const WatchOptions options = TRY(watch_options(info, query));
  const AnswerPrinter printer(type, format, query.get("includeObject"), api_.context().clock.now());
  WatchStream stream(exchange, printer);
  auto events = api_.reader().watch(type, options);
  if (!events) {
    // A version that is forgotten is told inside the stream.
    if (!events.error().is(Code::Gone)) return std::move(events.error());
    stream.fail(events.error());
    return {};
  }
  std::int64_t seconds = 0;
  if (const auto asked = parse_int(query.get("timeoutSeconds")); asked && *asked > 0)
    seconds = *asked;
  stream.run(**events, seconds);
  return {};
}

ApiStatus ResourceHandler::create(net::ServerExchange& exchange,
                                  const ServedType& type,
                                  const RequestInfo& info,
                                  const AnswerFormat& format) {
  RequestBody body = TRY(read_body(exchange.request()));
  WriteOptions options = TRY(write_options(info, exchange.request()));
  std::vector<std::string> warnings;
  options.warnings = &warnings;
  options.duplicate_fields = std::move(body.duplicate_fields);
  const Written written = TRY(api_.create(type, info.ns, std::move(body.object), options));
  const AnswerPrinter printer(type, format, "", api_.context().clock.now());
  answer_json(exchange, 201, printer.one(written.object), format.yaml, warnings);
  return {};
}

ApiStatus ResourceHandler::update(net::ServerExchange& exchange,
                                  const ServedType& type,
                                  const RequestInfo& info,
                                  const AnswerFormat& format) {
  RequestBody body = TRY(read_body(exchange.request()));
  WriteOptions options = TRY(write_options(info, exchange.request()));
  std::vector<std::string> warnings;
  options.warnings = &warnings;
  options.duplicate_fields = std::move(body.duplicate_fields);
  if (!body.object.is_object())
    return bad_request("the object provided is unrecognized (must be of type " + type.kind() + ")");
  const std::string_view name = kube::name_of(body.object);
  if (!name.empty() && name != info.name) {
    return bad_request(fmt::format(
        "the name of the object ({}) does not match the name on the URL ({})", name, info.name));
  }
  const std::string_view ns = kube::namespace_of(body.object);
  if (type.type.namespaced && !ns.empty() && ns != info.ns) {
    return bad_request(
        "the namespace of the provided object does not match the namespace sent on the request");
  }
  ensure(body.object, "metadata.name") = info.name;
  if (type.type.namespaced) ensure(body.object, "metadata.namespace") = info.ns;
  const Written written = TRY(api_.update(type, std::move(body.object), options));
  const AnswerPrinter printer(type, format, "", api_.context().clock.now());
  answer_json(exchange, 200, printer.one(written.object), format.yaml, warnings);
  return {};
}

ApiStatus ResourceHandler::patch(net::ServerExchange& exchange,
                                 const ServedType& type,
                                 const RequestInfo& info,
                                 const AnswerFormat& format) {
  const auto patch_type = patch_type_of(exchange.request().headers.get("Content-Type"));
  if (!patch_type || (type.custom && *patch_type == PatchType::StrategicMerge))
    return unsupported_patch(type);
  RequestBody body = TRY(read_body(exchange.request()));
  WriteOptions options = TRY(write_options(info, exchange.request()));
  std::vector<std::string> warnings;
  options.warnings = &warnings;
  options.duplicate_fields = std::move(body.duplicate_fields);
  if (*patch_type == PatchType::Apply && exchange.request().query.get("fieldManager").empty()) {
    options.field_manager.clear();
  }
  const Written written =
      TRY(api_.patch(type, info.ns, info.name, *patch_type, body.object, options));
  const AnswerPrinter printer(type, format, "", api_.context().clock.now());
  answer_json(exchange, written.created ? 201 : 200, printer.one(written.object), format.yaml,
              warnings);
  return {};
}

ApiStatus ResourceHandler::remove(net::ServerExchange& exchange,
                                  const ServedType& type,
                                  const RequestInfo& info,
                                  const AnswerFormat& format) {
  const RequestBody body = TRY(read_body(exchange.request()));
  DeleteOptions options = TRY(delete_options(exchange.request().query, body.object));
  std::vector<std::string> warnings;
  options.warnings = &warnings;
  options.caller = &info.caller;
  const DeleteOutcome outcome = TRY(api_.remove(type, info.ns, info.name, options));
  if (outcome.gone && !returns_deleted_object(type)) {
    answer_json(exchange, 200, deleted_status(type, outcome.object), format.yaml, warnings);
    return {};
  }
  const AnswerPrinter printer(type, format, "", api_.context().clock.now());
  answer_json(exchange, 200, printer.one(outcome.object), format.yaml, warnings);
  return {};
}

ApiStatus ResourceHandler::remove_all(net::ServerExchange& exchange,
                                      const ServedType& type,
                                      const RequestInfo& info) {
  // Over all namespaces at once it is not offered, as in Kubernetes.
  if (type.type.namespaced && info.ns.empty()) {
    return method_not_allowed(type.group(), type.resource(), "deletecollection");
  }
  const RequestBody body = TRY(read_body(exchange.request()));
  DeleteOptions options = TRY(delete_options(exchange.request().query, body.object));
  options.caller = &info.caller;
  const ListOptions selected = TRY(list_options(info, exchange.request().query));
  const std::vector<Json> removed = TRY(api_.remove_all(type, selected, options));
  JsonArray items(removed.begin(), removed.end());
  JsonObject list;
  list["kind"] = type.list_kind;
  list["apiVersion"] = type.api_version();
  list["metadata"] = {{"resourceVersion", api_.current_resource_version()}};
  list["items"] = std::move(items);
  answer_json(exchange, 200, write_json_unsorted(list));
  return {};
}

}  // namespace lateen::sandbox
