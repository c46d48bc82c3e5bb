// Which VolumeSnapshotClass a volume's CSI snapshot is taken with. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace lateen::volumes {

// Velero's order (1.18, velero-server: CSI flow): the claim's annotation
// velero.io/csi-volumesnapshot-class; the Backup's annotation
// velero.io/csi-volumesnapshot-class_<driver>; a class labelled velero.io/csi-volumesnapshot-class;
// the default class of the driver; its only class. A class that is named must exist and be of this
// driver. NotFound otherwise, with what to do about it.
Result<std::string> choose_snapshot_class(std::string_view driver,
                                          const Json& claim,
                                          const Json& backup,
                                          const std::vector<Json>& classes);

}  // namespace lateen::volumes
