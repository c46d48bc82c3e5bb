#include "agent/agent_metrics.h"

#include <deque>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "base/thread.h"
#include "net/http_server.h"
#include "server/listen.h"
#include "server/process_metrics.h"

namespace lateen::agent {
namespace {

using Counters = prometheus::Family<prometheus::Counter>;

const prometheus::Histogram::BucketBoundaries kLatencyBuckets = {60,   300,  600,   900,  1800,
                                                                 3600, 7200, 10800, 14400};
// Each copy has a series of its own; a node that runs for months must not keep them all.
constexpr std::size_t kMostCopies = 500;

std::string_view word(WorkEnd end) {
  switch (end) {
    case WorkEnd::Completed:
      return "success";
    case WorkEnd::Failed:
      return "failure";
    case WorkEnd::Canceled:
      return "cancel";
  }
  return "failure";
}

}  // namespace

struct AgentMetrics::Families {
  struct Copy {
    prometheus::Gauge* gauge;
    prometheus::Histogram* histogram;
  };

  explicit Families(const std::string& node) : node_label{{"node", node}} {
    for (const char* kind : {"data_upload", "data_download"}) {
      for (const WorkEnd end : {WorkEnd::Completed, WorkEnd::Failed, WorkEnd::Canceled})
        movement(kind, end).Add(node_label);
    }
    enqueued.Add(node_label);
    dequeued.Add(node_label);
  }

  Counters& counter(const std::string& name, const std::string& help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }

  // The registry gives the same family for the same name.
  Counters& movement(std::string_view kind, WorkEnd end) {
    return counter(fmt::format("podVolume_{}_{}_total", kind, word(end)),
                   fmt::format("Total number of {}s that ended in {}", kind, word(end)));
  }

  const prometheus::Labels node_label;
  prometheus::Registry registry;
  Counters& enqueued = counter("podVolume_pod_volume_backup_enqueue_count",
                               "Total number of pod_volume_backup objects enqueued");
  Counters& dequeued = counter("podVolume_pod_volume_backup_dequeue_count",
                               "Total number of pod_volume_backup objects dequeued");
  prometheus::Family<prometheus::Gauge>& last =
      prometheus::BuildGauge()
          .Name("podVolume_pod_volume_operation_latency_seconds_gauge")
          .Help("Gauge metric indicating time taken, in seconds, to perform pod volume operations")
          .Register(registry);
  prometheus::Family<prometheus::Histogram>& latency =
      prometheus::BuildHistogram()
          .Name("podVolume_pod_volume_operation_latency_seconds")
          .Help("Time taken to complete pod volume operations, in seconds")
          .Register(registry);
  Mutex mu;
  std::deque<Copy> copies LATEEN_GUARDED_BY(mu);
};

class AgentMetrics::Handler final : public net::HttpHandler {
 public:
  explicit Handler(const AgentMetrics& metrics) : metrics_(metrics) {}

  Result<std::uint16_t> start(const std::string& address, const Log& log) {
    const server::ListenAddress at =
        TRY(server::parse_listen_address(address).wrap("flag --metrics-address"));
    net::HttpServerOptions options;
    options.address = at.host;
    options.port = at.port;
    options.log = log;
    server_ = TRY(net::HttpServer::start(options, *this));
    return server_->port();
  }

  void serve(net::ServerExchange& exchange) override {
    net::HttpResponse response;
    response.status = exchange.request().path == "/metrics" ? 200 : 404;
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.body = response.status == 200 ? metrics_.text() : "404 page not found\n";
    // A scraper that has gone comes again.
    (void)exchange.respond(response);
  }

 private:
  const AgentMetrics& metrics_;
  std::unique_ptr<net::HttpServer> server_;
};

AgentMetrics::AgentMetrics(std::string node)
    : node_(std::move(node)), families_(std::make_unique<Families>(node_)) {}

AgentMetrics::~AgentMetrics() = default;

void AgentMetrics::begun(std::string_view kind) {
  if (kind == "PodVolumeBackup") families_->enqueued.Add(families_->node_label).Increment();
}

void AgentMetrics::ended(const EndedWork& work) {
  const double seconds = std::chrono::duration<double>(work.took).count();
  if (work.kind == "DataUpload" || work.kind == "DataDownload") {
    families_->movement(work.kind == "DataUpload" ? "data_upload" : "data_download", work.end)
        .Add(families_->node_label)
        .Increment();
    return;
  }
  if (work.kind != "PodVolumeBackup") return;
  families_->dequeued.Add(families_->node_label).Increment();
  const prometheus::Labels labels = {{"node", node_},
                                     {"operation", "PodVolumeBackup"},
                                     {"backupName", work.backup},
                                     {"pod_volume_backup", work.name}};
  Families::Copy copy{.gauge = &families_->last.Add(labels),
                      .histogram = &families_->latency.Add(labels, kLatencyBuckets)};
  copy.gauge->Set(seconds);
  copy.histogram->Observe(seconds);
  const Lock lock(families_->mu);
  families_->copies.push_back(copy);
  if (families_->copies.size() <= kMostCopies) return;
  families_->last.Remove(families_->copies.front().gauge);
  families_->latency.Remove(families_->copies.front().histogram);
  families_->copies.pop_front();
}

std::string AgentMetrics::text() const {
  return prometheus::TextSerializer().Serialize(families_->registry.Collect()) +
         server::process_metrics_text();
}

Result<std::uint16_t> AgentMetrics::serve(const std::string& address, const Log& log) {
  if (address.empty()) return std::uint16_t{0};
  handler_ = std::make_unique<Handler>(*this);
  return handler_->start(address, log);
}

}  // namespace lateen::agent
