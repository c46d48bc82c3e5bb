// DataDownloads: data out of repositories into new volumes, which their claims then get.
#pragma once

#include <memory>

#include "agent/data_work.h"
#include "server/controller.h"

namespace lateen::agent {

std::unique_ptr<server::Controller> make_data_download_controller(const AgentContext& context);

}  // namespace lateen::agent
