// Opens a WebSocket to the API server with the client's credentials: for exec and port-forward.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kube/client.h"
#include "net/websocket.h"

namespace lateen::kube {

// A credential that is refused is fetched anew, once.
Result<std::unique_ptr<net::WebSocket>> open_websocket(Client& client,
                                                       std::string_view url_path,
                                                       const Query& query,
                                                       const std::vector<std::string>& protocols,
                                                       Deadline deadline,
                                                       const std::stop_token& stop);

}  // namespace lateen::kube
