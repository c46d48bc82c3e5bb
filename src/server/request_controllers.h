// Answers what clients ask by an object: where a file can be downloaded, and which server this is.
#pragma once

#include <memory>
#include <string>

#include "server/context.h"
#include "server/controller.h"
#include "server/downloads.h"

namespace lateen::server {

// download-request: New → Processed with a URL that is good for ten minutes. Expired requests are
// removed.
std::unique_ptr<Controller> make_download_controller(const ServerContext& context,
                                                     const DownloadServer& downloads);

// server-status-request: New → Processed with version and plugins; removed a minute later.
std::unique_ptr<Controller> make_status_controller(const ServerContext& context);

}  // namespace lateen::server
