// EBS snapshots natively: what Velero's plugin for AWS does, on the same volumes, with the same
// configuration; and what it leaves out (gp3's throughput, waiting for a snapshot that is still
// being copied, snapshots of another region).
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "net/aws/credentials.h"
#include "volumes/ebs/ebs_config.h"
#include "volumes/ebs/ec2_api.h"
#include "volumes/snapshotter_factory.h"
#include "volumes/volume_snapshotter.h"

namespace lateen::volumes::ebs {

inline constexpr std::string_view kCsiDriver = "ebs.csi.aws.com";

struct EbsTools {
  net::aws::Environment environment = net::aws::process_environment();
  std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>();
  // A restore waits so long for a snapshot to be completed.
  Duration snapshot_timeout = std::chrono::hours(4);
  std::chrono::milliseconds poll = std::chrono::seconds(5);
};

// Asks nothing of AWS yet. InvalidArgument for a configuration that cannot work.
Result<std::unique_ptr<VolumeSnapshotter>> open_ebs(const SnapshotterOptions& options,
                                                    EbsTools tools = {});

// Providers "aws" and "velero.io/aws".
void add_ebs(SnapshotterFactory& factory);

}  // namespace lateen::volumes::ebs
