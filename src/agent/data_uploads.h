// DataUploads: the data of CSI snapshots into repositories.
#pragma once

#include <memory>

#include "agent/data_work.h"
#include "server/controller.h"

namespace lateen::agent {

std::unique_ptr<server::Controller> make_data_upload_controller(const AgentContext& context);

}  // namespace lateen::agent
