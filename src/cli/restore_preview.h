// `restore plan` and `restore create --dry-run`: what a restore would do to this cluster, object by
// object.
#pragma once

#include <string>

#include "base/json.h"
#include "cli/downloads.h"
#include "cli/output.h"
#include "cli/session.h"
#include "model/restore.h"
#include "restore/preview.h"

namespace lateen::cli {

// Fetches what the restore needs of its backup through the server, and asks the cluster with the
// caller's own rights. Plugins' actions are not asked: they run in the server.
Result<restore::RestorePreview> make_restore_preview(const model::Restore& restore,
                                                     const Session& session,
                                                     const DownloadOptions& options,
                                                     const Invocation& call);

// Pure.
std::string print_restore_preview(const model::Restore& restore,
                                  const restore::RestorePreview& preview,
                                  OutputFormat format);
Json restore_preview_document(const model::Restore& restore,
                              const restore::RestorePreview& preview);

// 0: nothing to do; 1: it would change something; 2: something would not come back as it should.
int exit_code_of(const restore::RestorePreview& preview);

}  // namespace lateen::cli
