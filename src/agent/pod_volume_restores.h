// PodVolumeRestores for pods of this node: files out of repositories into volumes of pods that wait
// for them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "agent/data_work.h"
#include "server/controller.h"

namespace lateen::agent {

std::unique_ptr<server::Controller> make_pod_volume_restore_controller(const AgentContext& context);

// The mark by which a waiting pod hears that a volume is whole: <volume>/.velero/<restore uid>. It
// is on the disk when this comes back.
Status put_done_mark(const FilePath& volume, const std::string& restore_uid);

// Whether the pod's first init container waits for files, and runs: its volumes are there then.
bool is_waiting_for_files(const Json& pod);

}  // namespace lateen::agent
