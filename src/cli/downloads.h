// Documents of backups and restores, fetched as Velero's CLI does: a DownloadRequest, and a GET of
// the URL it gets.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "cli/session.h"
#include "model/requests.h"

namespace lateen::net {
class HttpClient;
}

namespace lateen::cli {

// Auto: by the link that Velero's protocol gives, to the bucket; where that cannot be reached from
// here, through the API server from the server's pod.
enum class DownloadVia { Auto, Bucket, Server };

struct DownloadOptions {
  Duration timeout = std::chrono::seconds(30);
  DownloadVia via = DownloadVia::Auto;
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

// A document of which parts are read. Movable.
class RangedDocument {
 public:
  static Result<RangedDocument> open(const Session& session,
                                     model::DownloadTargetKind kind,
                                     const std::string& name,
                                     const DownloadOptions& options,
                                     std::stop_token stop);

  RangedDocument(RangedDocument&&) noexcept;
  ~RangedDocument();

  // These bytes of it, and how large it is. Unsupported where the store gives only all of it.
  struct Part {
    Bytes bytes = {};
    ByteCount document_size = 0;
  };

  Result<Part> read(ByteCount offset, ByteCount length, std::stop_token stop) const;

 private:
  RangedDocument(std::unique_ptr<net::HttpClient> client, std::string url, Deadline deadline);

  std::unique_ptr<net::HttpClient> client_;
  std::string url_;
  Deadline deadline_;
};

// --timeout and those of transport_flags.
std::vector<FlagSpec> download_flags(std::string_view default_timeout);
// --insecure-skip-tls-verify, --cacert, --via.
std::vector<FlagSpec> transport_flags();
Result<DownloadOptions> download_options(const Flags& flags);

}  // namespace lateen::cli
