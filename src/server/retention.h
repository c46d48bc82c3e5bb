// The retention that a Schedule asks for by its annotation lateen.io/retention (Velero passes it
// over), applied to the backups that it made. The rules are assurance/retention.h's.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "assurance/retention.h"
#include "base/result.h"
#include "kube/client.h"
#include "model/backup.h"
#include "model/schedule.h"

namespace lateen::server {

// Nothing if the Schedule has no such annotation; InvalidArgument if it can't be read.
Result<std::optional<assurance::RetentionPolicy>> retention_of(const model::Schedule& schedule);

// By the names of the backups that are under a policy: held as what, or nothing if it may go. A
// backup is under the policy of the Schedule that made it in this very cluster: those of the same
// name that came from another cluster through the bucket have their TTL. Pure.
using RetentionView = std::map<std::string, std::optional<assurance::RetentionClass>, std::less<>>;

RetentionView apply_retention(const std::vector<model::Schedule>& schedules,
                              const std::vector<model::Backup>& backups,
                              std::string_view cluster_uid);

// What tells this cluster from others: the UID of its namespace kube-system.
Result<std::string> read_cluster_uid(kube::Client& client, std::stop_token stop);

}  // namespace lateen::server
