// One connection pool to one API server. Typed paths in, trees or raw bytes out, Status errors as
// Errors with the server's own message. Retries what is safe to retry (429 and 503 with
// Retry-After, lost connections of reads), renews a refused credential once, and keeps to a
// concurrency that the server can bear (limiter.h).
//
//   const Json pod = TRY(client.get({.gvr = kPods, .ns = "shop", .name = "db-0"}));
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "kube/api_status.h"
#include "kube/kubeconfig.h"
#include "kube/limiter.h"
#include "kube/patch.h"
#include "kube/resource.h"
#include "net/http_client.h"

namespace lateen::kube {

class ClientTransport;
struct ApiCall;

struct ClientOptions {
  std::string user_agent = "lateen";
  std::chrono::seconds request_timeout{
      60};  // of a call that brings no deadline, all its retries included
  LimiterOptions limiter = {};
};

// What came with an answer besides its object. Borrowed by a call that fills it, whether it
// succeeds or fails.
struct CallReport {
  int http_status = 0;                // 0: no answer
  std::vector<std::string> warnings;  // the texts of Warning: 299 headers
  std::optional<ApiStatus> status;    // of a refusal: causes, retry_after, reason
  net::Headers headers;               // of the last answer (ETag, Content-Type)
};

using Query = std::vector<std::pair<std::string, std::string>>;  // unencoded

struct GetOptions {
  std::string resource_version = {};      // "0": any cached state will do
  std::string accept = {};                // empty: application/json
  Query query = {};                       // anything more
  std::optional<Deadline> deadline = {};  // default: the client's request timeout from now
  CallReport* report = nullptr;
};

struct WriteOptions {
  std::string field_manager = {};  // default: the user agent's first word
  bool dry_run = false;
  std::string field_validation = {};  // "Ignore", "Warn", "Strict"; empty: the server's choice
  bool force = false;                 // of an apply patch: take fields from other managers
  std::optional<Deadline> deadline = {};
  CallReport* report = nullptr;
};

enum class Propagation { Default, Orphan, Background, Foreground };

struct DeleteOptions {
  Propagation propagation = Propagation::Background;
  std::string uid = {};               // precondition: only this very object
  std::string resource_version = {};  // precondition: only if unchanged
  std::optional<std::int64_t> grace_period_seconds = {};
  bool dry_run = false;
  std::optional<Deadline> deadline = {};
  CallReport* report = nullptr;
};

struct ListOptions {
  std::string label_selector = {};
  std::string field_selector = {};
  std::int64_t limit = 0;  // 0: no limit
  std::string continue_token = {};
  std::string resource_version = {};  // "": most recent; "0": any
  std::string resource_version_match = {};
  std::string accept = {};  // empty: application/json
  std::optional<Deadline> deadline = {};
  CallReport* report = nullptr;
};

// Thread-safe.
class Client {
  struct Key {};  // makes the constructor open()'s alone

 public:
  Client(Key,
         ClusterConfig cluster,
         ClientOptions options,
         std::unique_ptr<ClientTransport> transport);

  static Result<std::unique_ptr<Client>> open(ClusterConfig cluster, ClientOptions options = {});

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  Result<Json> get(const ObjectPath& path,
                   const GetOptions& options = {},
                   std::stop_token stop = {});
  Result<Bytes> get_raw(const ObjectPath& path,
                        const GetOptions& options = {},
                        std::stop_token stop = {});

  // Any path of the server: "/version", "/openapi/v3", "/readyz".
  Result<Bytes> get_path(std::string_view url_path,
                         const GetOptions& options = {},
                         std::stop_token stop = {});

  // One page, whole. For more than a page use ListPager.
  Result<Json> list(const ObjectPath& collection,
                    const ListOptions& options = {},
                    std::stop_token stop = {});
  Result<Bytes> list_raw(const ObjectPath& collection,
                         const ListOptions& options = {},
                         std::stop_token stop = {});

  // `collection` says where; the object's name (or generateName) is its own. `path.subresource` and
  // a name make it a POST to a subresource (pods/eviction, serviceaccounts/token).
  Result<Json> create(const ObjectPath& collection,
                      const Json& object,
                      const WriteOptions& options = {},
                      std::stop_token stop = {});

  // The same with bytes in, bytes out: a restore passes objects on unparsed.
  Result<Bytes> create_raw(const ObjectPath& collection,
                           BytesView object,
                           const WriteOptions& options = {},
                           std::stop_token stop = {});

  // PUT: compare-and-swap when the object carries a resourceVersion (Code::Conflict when it is
  // stale).
  Result<Json> update(const ObjectPath& path,
                      const Json& object,
                      const WriteOptions& options = {},
                      std::stop_token stop = {});

  // A merge patch with metadata.resourceVersion in it is a compare-and-swap too.
  Result<Json> patch(const ObjectPath& path,
                     PatchType type,
                     const Json& patch,
                     const WriteOptions& options = {},
                     std::stop_token stop = {});

  // The answer: a Status of success, or the object that stays behind with a deletionTimestamp.
  Result<Json> remove(const ObjectPath& path,
                      const DeleteOptions& options = {},
                      std::stop_token stop = {});

  // DELETE of a collection.
  Result<Json> remove_all(const ObjectPath& collection,
                          const ListOptions& selection,
                          const DeleteOptions& options = {},
                          std::stop_token stop = {});

  // An answer that comes as it happens: logs with follow, watches. No limiter place is held while
  // it runs. An error status is read and returned as the Error. `options.deadline` bounds the wait
  // for the headers only.
  Result<std::unique_ptr<net::HttpStream>> open_stream(std::string_view url_path,
                                                       const GetOptions& options,
                                                       std::stop_token stop);

  // What a WebSocket to this server needs: the URL (wss://…), the headers with the current
  // credential, and TLS.
  struct UpgradeTarget {
    std::string url;
    net::Headers headers;
    net::TlsOptions tls;
    std::string proxy_url;
    std::uint64_t credential_generation = 0;
  };

  Result<UpgradeTarget> upgrade_target(std::string_view url_path,
                                       const Query& query,
                                       Deadline deadline,
                                       std::stop_token stop);

  // A 401 was answered to that credential outside of this client (a WebSocket).
  void refuse_credential(std::uint64_t generation);

  // {major, minor, gitVersion, …}.
  Result<Json> server_version(const GetOptions& options = {}, std::stop_token stop = {});

  const ClusterConfig& cluster() const { return cluster_; }

  const ClientOptions& options() const { return options_; }

  AdaptiveLimiter& limiter();

  // How this client would name its fields in managedFields.
  const std::string& field_manager() const { return field_manager_; }

 private:
  Result<Bytes> read(std::string url_path,
                     Query query,
                     const GetOptions& options,
                     std::stop_token stop);
  Result<Bytes> write(ApiCall call, const WriteOptions& options, std::stop_token stop);
  Result<Json> remove_at(const ObjectPath& path,
                         Query query,
                         const DeleteOptions& options,
                         std::stop_token stop);
  Deadline deadline_of(const std::optional<Deadline>& given) const;

  const ClusterConfig cluster_;
  const ClientOptions options_;
  const std::string field_manager_;
  std::unique_ptr<ClientTransport> transport_;
};

// "a=b&c=d%20e", keys and values encoded as Go's url.Values does (blank is '+'), in the given
// order.
std::string encode_query(const Query& query);

// The query of a list, without empty entries.
Query list_query(const ListOptions& options);

}  // namespace lateen::kube
