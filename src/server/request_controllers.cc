#include "server/request_controllers.h"

#include "base/environment.h"
#include "base/version.h"
#include "model/backup.h"
#include "model/document_annotation.h"
#include "model/requests.h"
#include "model/restore.h"
#include "server/listing.h"
#include "server/server_plugins.h"

namespace lateen::server {
namespace {

using model::DownloadRequest;
using model::DownloadTargetKind;
using model::RequestPhase;
using model::ServerStatusRequest;

constexpr std::chrono::minutes kLinkLife{10};
constexpr std::chrono::minutes kStatusLife{1};

class DownloadController final : public Controller {
 public:
  DownloadController(const ServerContext& context, const DownloadServer& downloads)
      : context_(context), downloads_(downloads) {}

  std::string_view name() const override { return "download-request"; }

  Duration period() const override { return std::chrono::minutes(1); }

  void reconcile(std::stop_token stop) override {
    auto requests = list_all<DownloadRequest>(context_, stop);
    if (!requests) return;
    for (const DownloadRequest& request : *requests) {
      const Status done = look_at(request, stop);
      if (done || stop.stop_requested() || was_overtaken(done.error())) continue;
      context_.log.error("Could not process a DownloadRequest",
                         {{"downloadRequest", request.metadata.name}, {"error", done.error()}});
    }
  }

 private:
  Status look_at(const DownloadRequest& request, std::stop_token stop) {
    const TimePoint now = context_.clock.now();
    if (request.status.expiration && now >= *request.status.expiration) {
      return context_.cluster.remove<DownloadRequest>(request.metadata.name, stop);
    }
    if (request.status.phase == RequestPhase::Processed || request.status.expiration) return {};
    DownloadRequest after = request;
    after.status.expiration = now + kLinkLife;
    auto url = link_for(request, stop);
    if (url) {
      if (downloads_.is_local(*url)) {
        after.metadata.annotations[std::string(model::annotations::kServedBy)] = own_pod();
      }
      after.status.download_url = std::move(*url);
      after.status.phase = RequestPhase::Processed;
    } else {
      // It expires unanswered, as in Velero; the log says why.
      context_.log.warning("No link for a DownloadRequest",
                           {{"downloadRequest", request.metadata.name}, {"error", url.error()}});
    }
    TRY(context_.cluster.update(request, after, stop));
    return {};
  }

  static bool is_via_server(const DownloadRequest& request) {
    const auto via = request.metadata.annotations.find(model::annotations::kDownloadVia);
    return via != request.metadata.annotations.end() && via->second == "server";
  }

  // "" where the server runs outside of the cluster.
  static std::string own_pod() {
    return env("KUBERNETES_SERVICE_HOST") ? env("HOSTNAME").value_or("") : "";
  }

  static DownloadTargetKind kind_of(const DownloadRequest& request) {
    const auto own = request.metadata.annotations.find(model::annotations::kDocument);
    if (own == request.metadata.annotations.end()) return request.spec.target.kind.value();
    return model::parse_enum<DownloadTargetKind>(own->second);
  }

  Result<std::string> link_for(const DownloadRequest& request, std::stop_token stop) const {
    const DownloadTargetKind kind = kind_of(request);
    const std::string& target = request.spec.target.name;
    std::string backup_name = target;
    if (model::is_of_restore(kind)) {
      const auto restore = TRY(context_.cluster.get<model::Restore>(target, stop));
      backup_name = restore.spec.backup_name;
    }
    const auto backup = TRY(context_.cluster.get<model::Backup>(backup_name, stop));
    const std::string& location = backup.spec.storage_location;
    if (is_via_server(request)) return downloads_.local_link(location, kind, target, kLinkLife);
    auto store = TRY(open_store(context_, location, stop));
    auto url = store->download_url(kind, target, kLinkLife, stop);
    if (url || !url.error().is(Code::Unsupported)) return url;
    return downloads_.link(location, kind, target, kLinkLife);
  }

  const ServerContext context_;
  const DownloadServer& downloads_;
};

class StatusController final : public Controller {
 public:
  explicit StatusController(const ServerContext& context) : context_(context) {}

  std::string_view name() const override { return "server-status-request"; }

  Duration period() const override { return std::chrono::minutes(1); }

  void reconcile(std::stop_token stop) override {
    auto requests = list_all<ServerStatusRequest>(context_, stop);
    if (!requests) return;
    for (const ServerStatusRequest& request : *requests) {
      const Status done = look_at(request, stop);
      if (done || stop.stop_requested() || was_overtaken(done.error())) continue;
      context_.log.error("Could not process a ServerStatusRequest",
                         {{"serverStatusRequest", request.metadata.name}, {"error", done.error()}});
    }
  }

 private:
  Status look_at(const ServerStatusRequest& request, std::stop_token stop) {
    const TimePoint now = context_.clock.now();
    if (request.status.phase == RequestPhase::Processed) {
      const auto when = request.status.processed_timestamp;
      if (when && now < *when + kStatusLife) return {};
      return context_.cluster.remove<ServerStatusRequest>(request.metadata.name, stop);
    }
    ServerStatusRequest after = request;
    after.status.phase = RequestPhase::Processed;
    after.status.processed_timestamp = now;
    after.status.server_version = kVersion;
    if (context_.plugins != nullptr) after.status.plugins = context_.plugins->describe();
    TRY(context_.cluster.update(request, after, stop));
    return {};
  }

  const ServerContext context_;
};

}  // namespace

std::unique_ptr<Controller> make_download_controller(const ServerContext& context,
                                                     const DownloadServer& downloads) {
  return std::make_unique<DownloadController>(context, downloads);
}

std::unique_ptr<Controller> make_status_controller(const ServerContext& context) {
  return std::make_unique<StatusController>(context);
}

}  // namespace lateen::server
