// PodVolumeBackups of this node: volumes of its pods into repositories.
#pragma once

#include <memory>

#include "agent/data_work.h"
#include "server/controller.h"

namespace lateen::agent {

std::unique_ptr<server::Controller> make_pod_volume_backup_controller(const AgentContext& context);

}  // namespace lateen::agent
