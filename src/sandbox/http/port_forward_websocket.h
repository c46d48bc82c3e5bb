// Port-forward over WebSocket with v4.channel.k8s.io, as the kubelet serves it: one port, on
// channel 0 its data and on channel 1 what went wrong; each opens with the port's number in two
// bytes.
#pragma once

#include "net/http_server.h"
#include "net/url.h"
#include "sandbox/api/api_error.h"
#include "sandbox/http/port_forward.h"

namespace lateen::sandbox {

// Serves until either side ends. BadRequest for a client that offers another protocol: kubectl then
// takes SPDY.
ApiStatus serve_websocket_forward(net::ServerExchange& exchange,
                                  const net::QueryValues& query,
                                  const PortConnector& connect);

}  // namespace lateen::sandbox
