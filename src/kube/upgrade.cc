#include "kube/upgrade.h"

namespace lateen::kube {

Result<std::unique_ptr<net::WebSocket>> open_websocket(Client& client,
                                                       std::string_view url_path,
                                                       const Query& query,
                                                       const std::vector<std::string>& protocols,
                                                       Deadline deadline,
                                                       const std::stop_token& stop) {
  for (int attempt = 1;; ++attempt) {
    Client::UpgradeTarget target = TRY(client.upgrade_target(url_path, query, deadline, stop));
    net::WebSocketRequest upgrade{.url = std::move(target.url),
                                  .headers = std::move(target.headers),
                                  .protocols = protocols,
                                  .tls = std::move(target.tls),
                                  .proxy_url = std::move(target.proxy_url)};
    auto socket = net::connect_websocket(upgrade, deadline, stop);
    if (socket) return socket;
    if (attempt > 1 || !socket.error().is(Code::Unauthenticated)) return std::move(socket).error();
    client.refuse_credential(target.credential_generation);
  }
}

}  // namespace lateen::kube
