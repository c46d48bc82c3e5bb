// The spans of the server's own: the roots, which are known when an object has come to its end, and
// those of volumes. What happens inside a run is spanned where it happens (BackupTools::trace,
// RestoreTools::trace).
#pragma once

#include "model/backup.h"
#include "model/restore.h"
#include "model/volume_info.h"
#include "server/context.h"

namespace lateen::server {

// Where the parts of the object's work hang.
Trace trace_of(const ServerContext& context, const model::ObjectMeta& metadata);

// The log, with the trace's id where there is one.
Log with_trace(const Log& log, const Trace& trace);

// Of objects in their terminal phase.
void trace_ended(const ServerContext& context, const model::Backup& backup);
void trace_ended(const ServerContext& context, const model::Restore& restore);

// One span for each volume whose times are known.
void trace_volumes(const Trace& trace, const std::vector<model::BackupVolumeInfo>& volumes);

}  // namespace lateen::server
