#include "kube/client.h"

#include <fmt/format.h>

#include "kube/client_transport.h"
#include "net/url.h"

namespace lateen::kube {
namespace {

constexpr std::string_view kJson = "application/json";

Result<Json> parse_answer(Result<Bytes> body) {
  if (!body) return std::move(body).error();
  return parse_json(*body).wrap("reading the API server's answer");
}

void add_unless_empty(Query& query, std::string_view key, std::string_view value) {
  if (!value.empty()) query.emplace_back(key, value);
}

// As API servers derive it from the User-Agent: "velero/v1.18 (linux)" is "velero".
std::string manager_of(std::string_view user_agent) {
  return std::string(user_agent.substr(0, user_agent.find_first_of("/ ")));
}

Json delete_options_body(const DeleteOptions& options) {
  JsonObject body;
  body["kind"] = "DeleteOptions";
  body["apiVersion"] = "v1";
  switch (options.propagation) {
    case Propagation::Default:
      break;
    case Propagation::Orphan:
      body["propagationPolicy"] = "Orphan";
      break;
    case Propagation::Background:
      body["propagationPolicy"] = "Background";
      break;
    case Propagation::Foreground:
      body["propagationPolicy"] = "Foreground";
      break;
  }
  JsonObject preconditions;
  if (!options.uid.empty()) preconditions["uid"] = options.uid;
  if (!options.resource_version.empty())
    preconditions["resourceVersion"] = options.resource_version;
  if (!preconditions.empty()) body["preconditions"] = std::move(preconditions);
  if (options.grace_period_seconds) body["gracePeriodSeconds"] = *options.grace_period_seconds;
  if (options.dry_run) body["dryRun"] = JsonArray{"All"};
  return body;
}

}  // namespace

std::string encode_query(const Query& query) {
  std::string out;
  for (const auto& [key, value] : query) {
    if (!out.empty()) out += '&';
    out += net::query_escape(key) + '=' + net::query_escape(value);
  }
  return out;
}

Query list_query(const ListOptions& options) {
  Query query;
  add_unless_empty(query, "labelSelector", options.label_selector);
  add_unless_empty(query, "fieldSelector", options.field_selector);
  if (options.limit > 0) query.emplace_back("limit", std::to_string(options.limit));
  add_unless_empty(query, "continue", options.continue_token);
  // The token names its version; a server refuses both together.
  if (options.continue_token.empty()) {
    add_unless_empty(query, "resourceVersion", options.resource_version);
    add_unless_empty(query, "resourceVersionMatch", options.resource_version_match);
  }
  return query;
}

Client::Client(Key,
               ClusterConfig cluster,
               ClientOptions options,
               std::unique_ptr<ClientTransport> transport)
    : cluster_(std::move(cluster)),
      options_(std::move(options)),
      field_manager_(manager_of(options_.user_agent)),
      transport_(std::move(transport)) {}

Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::open(ClusterConfig cluster, ClientOptions options) {
  auto transport = TRY(ClientTransport::open(cluster, options));
  return std::make_unique<Client>(Key{}, std::move(cluster), std::move(options),
                                  std::move(transport));
}

AdaptiveLimiter& Client::limiter() {
  return transport_->limiter();
}

Deadline Client::deadline_of(const std::optional<Deadline>& given) const {
  return given.value_or(Deadline::after(options_.request_timeout));
}

Result<Bytes> Client::read(std::string url_path,
                           Query query,
                           const GetOptions& options,
                           std::stop_token stop) {
  ApiCall call;
  call.url_path = std::move(url_path);
  call.query = std::move(query);
  add_unless_empty(call.query, "resourceVersion", options.resource_version);
  call.query.insert(call.query.end(), options.query.begin(), options.query.end());
  call.accept = options.accept;
  call.deadline = deadline_of(options.deadline);
  call.report = options.report;
  net::HttpResponse response = TRY(transport_->send(call, stop));
  return std::move(response.body);
}

Result<Bytes> Client::get_raw(const ObjectPath& path,
                              const GetOptions& options,
                              std::stop_token stop) {
  return read(path.url_path(), {}, options, stop);
}

Result<Json> Client::get(const ObjectPath& path, const GetOptions& options, std::stop_token stop) {
  return parse_answer(get_raw(path, options, stop));
}

Result<Bytes> Client::get_path(std::string_view url_path,
                               const GetOptions& options,
                               std::stop_token stop) {
  return read(std::string(url_path), {}, options, stop);
}

Result<Bytes> Client::list_raw(const ObjectPath& collection,
                               const ListOptions& options,
                               std::stop_token stop) {
  const GetOptions get_options{.resource_version = {},
                               .accept = options.accept,
                               .query = {},
                               .deadline = options.deadline,
                               .report = options.report};
  return read(collection.collection().url_path(), list_query(options), get_options, stop);
}

Result<Json> Client::list(const ObjectPath& collection,
                          const ListOptions& options,
                          std::stop_token stop) {
  return parse_answer(list_raw(collection, options, stop));
}

Result<Bytes> Client::write(ApiCall call, const WriteOptions& options, std::stop_token stop) {
  add_unless_empty(call.query, "fieldManager", options.field_manager);
  add_unless_empty(call.query, "fieldValidation", options.field_validation);
  if (options.dry_run) call.query.emplace_back("dryRun", "All");
  if (options.force) call.query.emplace_back("force", "true");
  call.deadline = deadline_of(options.deadline);
  call.report = options.report;
  net::HttpResponse response = TRY(transport_->send(call, stop));
  return std::move(response.body);
}

Result<Bytes> Client::create_raw(const ObjectPath& collection,
                                 BytesView object,
                                 const WriteOptions& options,
                                 std::stop_token stop) {
  // A name belongs into the URL only where a subresource of it is created.
  const ObjectPath& where = collection.subresource.empty() ? collection.collection() : collection;
  ApiCall call;
  call.method = "POST";
  call.url_path = where.url_path();
  call.content_type = kJson;
  call.body = Bytes(object);
  return write(std::move(call), options, stop);
}

Result<Json> Client::create(const ObjectPath& collection,
                            const Json& object,
                            const WriteOptions& options,
                            std::stop_token stop) {
  return parse_answer(create_raw(collection, write_json_unsorted(object), options, stop));
}

Result<Json> Client::update(const ObjectPath& path,
                            const Json& object,
                            const WriteOptions& options,
                            std::stop_token stop) {
  ApiCall call;
  call.method = "PUT";
  call.url_path = path.url_path();
  call.content_type = kJson;
  call.body = write_json_unsorted(object);
  return parse_answer(write(std::move(call), options, stop));
}

Result<Json> Client::patch(const ObjectPath& path,
                           PatchType type,
                           const Json& patch,
                           const WriteOptions& options,
                           std::stop_token stop) {
  ApiCall call;
  call.method = "PATCH";
  call.url_path = path.url_path();
  call.content_type = content_type(type);
  call.body = write_json_unsorted(patch);
  if (type != PatchType::Apply || !options.field_manager.empty()) {
    return parse_answer(write(std::move(call), options, stop));
  }
  WriteOptions named = options;
  named.field_manager = field_manager_;  // an apply without a manager is refused
  return parse_answer(write(std::move(call), named, stop));
}

Result<Json> Client::remove_at(const ObjectPath& path,
                               Query query,
                               const DeleteOptions& options,
                               std::stop_token stop) {
  ApiCall call;
  call.method = "DELETE";
  call.url_path = path.url_path();
  call.query = std::move(query);
  call.content_type = kJson;
  call.body = write_json_unsorted(delete_options_body(options));
  call.deadline = deadline_of(options.deadline);
  call.report = options.report;
  net::HttpResponse response = TRY(transport_->send(call, stop));
  return parse_answer(std::move(response.body));
}

Result<Json> Client::remove(const ObjectPath& path,
                            const DeleteOptions& options,
                            std::stop_token stop) {
  // Without a name this would be the whole collection: that must be asked for by its own name.
  if (path.name.empty()) {
    return Error(Code::InvalidArgument, "cannot delete {}: no name is given", path.describe());
  }
  return remove_at(path, {}, options, stop);
}

Result<Json> Client::remove_all(const ObjectPath& collection,
                                const ListOptions& selection,
                                const DeleteOptions& options,
                                std::stop_token stop) {
  return remove_at(collection.collection(), list_query(selection), options, stop);
}

Result<std::unique_ptr<net::HttpStream>> Client::open_stream(std::string_view url_path,
                                                             const GetOptions& options,
                                                             std::stop_token stop) {
  ApiCall call;
  call.url_path = url_path;
  add_unless_empty(call.query, "resourceVersion", options.resource_version);
  call.query.insert(call.query.end(), options.query.begin(), options.query.end());
  call.accept = options.accept;
  call.deadline = deadline_of(options.deadline);
  call.report = options.report;
  return transport_->open_stream(call, stop);
}

Result<Client::UpgradeTarget> Client::upgrade_target(std::string_view url_path,
                                                     const Query& query,
                                                     Deadline deadline,
                                                     std::stop_token stop) {
  UpgradeTarget target = TRY(transport_->upgrade_target(deadline, stop));
  target.url = fmt::format("{}{}", cluster_.server, url_path);
  if (!query.empty()) target.url += "?" + encode_query(query);
  return target;
}

void Client::refuse_credential(std::uint64_t generation) {
  transport_->refuse(generation);
}

Result<Json> Client::server_version(const GetOptions& options, std::stop_token stop) {
  return parse_answer(get_path("/version", options, stop));
}

}  // namespace lateen::kube
