// `lateen server`: all controllers on one API server, until told to stop.
#pragma once

#include <stop_token>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "kube/client.h"
#include "server/config.h"

namespace lateen::server {

// Every name that --disable-controllers takes.
std::vector<std::string_view> controller_names();

// Checks that the namespace and the velero.io kinds are there, marks what a former server left
// unfinished, and runs the controllers. Returns when stopped, or with the reason why it cannot
// start.
Status run_server(const ServerConfig& config,
                  kube::Client& client,
                  const Clock& clock,
                  Rng& rng,
                  const Log& log,
                  std::stop_token stop);

}  // namespace lateen::server
