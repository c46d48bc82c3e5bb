// Documents of backups and restores, fetched as Velero's CLI does: a DownloadRequest, and a GET of
// the URL it gets.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "cli/session.h"
#include "model/requests.h"

namespace lateen::cli {

struct DownloadOptions {
  Duration timeout = std::chrono::seconds(30);
  bool insecure_skip_tls_verify = false;
  std::string ca_file;  // --cacert
};

// The document, unpacked. NotFound when the bucket has none; DeadlineExceeded when the server gave
// no URL in time.
Result<Bytes> download(const Session& session,
                       model::DownloadTargetKind kind,
                       const std::string& name,
                       const DownloadOptions& options,
                       std::stop_token stop);

// The document as it lies in the bucket, into a file.
Status download_to(int fd,
                   const Session& session,
                   model::DownloadTargetKind kind,
                   const std::string& name,
                   const DownloadOptions& options,
                   std::stop_token stop);

// --timeout, --insecure-skip-tls-verify, --cacert.
std::vector<FlagSpec> download_flags(std::string_view default_timeout);
DownloadOptions download_options(const Flags& flags);

}  // namespace lateen::cli
