// How far a backup or restore is, in one line for a terminal.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "cli/session.h"
#include "model/backup.h"
#include "model/restore.h"

namespace lateen::cli {

struct WaitMoment {
  std::string phase = {};
  Duration elapsed = {};
  std::int64_t items_done = 0;
  std::int64_t items_total = 0;
  std::int64_t volumes_done = 0;
  std::int64_t volumes_total = 0;
  std::int64_t bytes_done = 0;  // of the volumes
  std::int64_t bytes_total = 0;
};

// "InProgress 0:12  340 of 1200 items  1 of 3 volumes, 1.200 GiB of 4.000 GiB  ETA 0:34". Pure.
std::string wait_line(const WaitMoment& moment);

// What the cluster knows of it. Volumes whose kinds the cluster has not are left out.
WaitMoment wait_moment(const Session& session, const model::Backup& backup, std::stop_token stop);
WaitMoment wait_moment(const Session& session, const model::Restore& restore, std::stop_token stop);

}  // namespace lateen::cli
