#include "server/endpoints.h"

#include <atomic>

#include "base/text.h"
#include "net/http_server.h"
#include "server/listen.h"
#include "server/metrics.h"
#include "server/profile.h"

namespace lateen::server {
namespace {

constexpr std::chrono::seconds kDefaultProfile{10};
constexpr std::int64_t kLongestProfile = 300;

net::HttpResponse plain(int status, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.headers.set("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(body);
  return response;
}

net::HttpResponse not_found() {
  return plain(404, "404 page not found\n");
}

class MetricsHandler final : public net::HttpHandler {
 public:
  explicit MetricsHandler(const Metrics& metrics) : metrics_(metrics) {}

  void set_ready() { ready_ = true; }

  void serve(net::ServerExchange& exchange) override {
    // A scraper that has gone comes again.
    (void)exchange.respond(answer(exchange.request().path));
  }

 private:
  net::HttpResponse answer(std::string_view path) const {
    if (path == "/healthz") return plain(200, "ok\n");
    if (path == "/readyz") return ready_ ? plain(200, "ok\n") : plain(503, "starting\n");
    if (path != "/metrics") return not_found();
    net::HttpResponse response = plain(200, metrics_.text());
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return response;
  }

  const Metrics& metrics_;
  std::atomic<bool> ready_ = false;
};

class ProfileHandler final : public net::HttpHandler {
 public:
  void serve(net::ServerExchange& exchange) override {
    // Whoever asked may have gone.
    (void)exchange.respond(answer(exchange));
  }

 private:
  static net::HttpResponse answer(net::ServerExchange& exchange) {
    const std::string_view path = exchange.request().path;
    if (path == "/" || path == "/debug") {
      return plain(200,
                   "/debug/threads             each thread, and the CPU that it has had\n"
                   "/debug/memory              where the memory is\n"
                   "/debug/profile?seconds=10  which threads work, for so long\n");
    }
    if (path == "/debug/threads") return plain(200, threads_text());
    if (path == "/debug/memory") return plain(200, memory_text());
    if (path != "/debug/profile") return not_found();
    Duration time = kDefaultProfile;
    if (const std::string_view asked = exchange.request().query.get("seconds"); !asked.empty()) {
      const auto seconds = parse_int(asked);
      if (!seconds || *seconds < 1 || *seconds > kLongestProfile)
        return plain(400, fmt::format("seconds must be from 1 to {}\n", kLongestProfile));
      time = std::chrono::seconds(*seconds);
    }
    return plain(200, profile_text(time, exchange.stop()));
  }
};

class EndpointsOfServer final : public Endpoints {
 public:
  explicit EndpointsOfServer(const Metrics& metrics) : metrics_handler_(metrics) {}

  Status listen(const ServerConfig& config, const Log& log) {
    if (!config.metrics_address.empty()) {
      const ListenAddress address =
          TRY(parse_listen_address(config.metrics_address).wrap("flag --metrics-address"));
      auto served = serve_at(address, metrics_handler_, log);
      // The default address is a wish, one that was given an order: backups are worth more than
      // what is told of them, and on a machine that others use the port may be taken.
      if (!served && config.metrics_address != ServerConfig().metrics_address)
        return std::move(served).error();
      if (served) {
        metrics_ = std::move(*served);
      } else {
        log.warning("No metrics are served", {{"error", served.error()}});
      }
    }
    if (!config.profiler_address.empty()) {
      ListenAddress address =
          TRY(parse_listen_address(config.profiler_address).wrap("flag --profiler-address"));
      // It tells more of a process than others on the network should know.
      if (config.profiler_address.starts_with(':')) address.host = "127.0.0.1";
      profiler_ = TRY(serve_at(address, profile_handler_, log));
      log.info("Serving the profile of this process", {{"url", profiler_->url()}});
    }
    return {};
  }

  void set_ready() override { metrics_handler_.set_ready(); }

  std::uint16_t metrics_port() const override { return metrics_ ? metrics_->port() : 0; }

  std::uint16_t profiler_port() const override { return profiler_ ? profiler_->port() : 0; }

 private:
  static Result<std::unique_ptr<net::HttpServer>> serve_at(const ListenAddress& address,
                                                           net::HttpHandler& handler,
                                                           const Log& log) {
    net::HttpServerOptions options;
    options.address = address.host;
    options.port = address.port;
    options.log = log;
    return net::HttpServer::start(options, handler);
  }

  MetricsHandler metrics_handler_;
  ProfileHandler profile_handler_;
  // After the handlers: they stop first.
  std::unique_ptr<net::HttpServer> metrics_;
  std::unique_ptr<net::HttpServer> profiler_;
};

}  // namespace

Result<std::unique_ptr<Endpoints>> Endpoints::start(const ServerConfig& config,
                                                    const Metrics& metrics,
                                                    const Log& log) {
  auto endpoints = std::make_unique<EndpointsOfServer>(metrics);
  TRY(endpoints->listen(config, log));
  return std::unique_ptr<Endpoints>(std::move(endpoints));
}

}  // namespace lateen::server
