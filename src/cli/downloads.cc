#include "cli/downloads.h"

#include <charconv>

#include "base/file.h"
#include "base/gzip.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/location_ca.h"
#include "model/document_annotation.h"
#include "net/http_client.h"

namespace lateen::cli {
namespace {

constexpr std::chrono::milliseconds kDownloadPoll{25};
constexpr ByteCount kLargestDocument = 2_GiB;

Result<std::string> wait_for_url(const Session& session,
                                 const std::string& request,
                                 Deadline deadline,
                                 std::stop_token stop) {
  while (true) {
    const auto now = TRY(session.cluster.get<model::DownloadRequest>(request, stop));
    if (!now.status.download_url.empty()) return now.status.download_url;
    if (deadline.expired()) {
      return Error(Code::DeadlineExceeded,
                   "download request download url timeout, check velero server logs for errors. "
                   "backup storage "
                   "location may not be available");
    }
    if (!sleep_unless_stopped(kDownloadPoll, stop)) return Error(Code::Canceled, "interrupted");
  }
}

Result<std::string> ask_for_url(const Session& session,
                                model::DownloadTargetKind kind,
                                const std::string& name,
                                Deadline deadline,
                                std::stop_token stop) {
  SystemRng rng;
  model::DownloadRequest request;
  request.metadata.ns = session.ns();
  request.metadata.name = fmt::format("{}-{}", name, uuid4(rng));
  request.spec.target.kind = kind;
  if (kind == model::DownloadTargetKind::BackupArchiveIndex) {
    request.spec.target.kind = model::DownloadTargetKind::BackupContents;
    request.metadata.annotations[std::string(model::annotations::kDocument)] =
        model::to_string(kind);
  }
  request.spec.target.name = name;
  TRY(session.cluster.create(request, stop));
  auto url = wait_for_url(session, request.metadata.name, deadline, stop);
  // Expired ones are removed by the server: failing to do it here loses nothing.
  (void)session.cluster.remove<model::DownloadRequest>(request.metadata.name, {});
  return url;
}

Result<std::unique_ptr<net::HttpStream>> open_stream(net::HttpClient& client,
                                                     const std::string& url,
                                                     Deadline deadline,
                                                     std::stop_token stop) {
  net::HttpRequest request;
  request.method = "GET";
  request.url = url;
  request.deadline = deadline;
  auto stream = TRY(client.open_stream(request, stop));
  if (stream->status() == 404) return Error(Code::NotFound, "file not found");
  if (stream->status() != 200) {
    return Error(Code::Unavailable, "downloading the file: the answer was HTTP status {}",
                 stream->status());
  }
  return stream;
}

// One document on its way.
struct OpenDocument {
  std::unique_ptr<net::HttpClient> client;
  std::unique_ptr<net::HttpStream> stream;
};

// The authority is --cacert, else the location's. When the location's can't be had, the system's
// may do.
Result<std::unique_ptr<net::HttpClient>> open_client(const DownloadOptions& options,
                                                     const std::string& ca_pem) {
  net::HttpClientOptions client;
  client.tls.insecure_skip_verify = options.insecure_skip_tls_verify;
  client.tls.ca_pem = ca_pem;
  if (!options.ca_file.empty()) client.tls.ca_pem = TRY(read_file(options.ca_file, 16_MiB));
  return net::HttpClient::open(client);
}

// Where a document is, and who can fetch it.
struct LocatedDocument {
  std::string url;
  std::unique_ptr<net::HttpClient> client;
};

Result<LocatedDocument> locate(const Session& session,
                               model::DownloadTargetKind kind,
                               const std::string& name,
                               const DownloadOptions& options,
                               Deadline deadline,
                               std::stop_token stop) {
  LocatedDocument located;
  located.url = TRY(ask_for_url(session, kind, name, deadline, stop));
  std::string ca_pem;
  if (located.url.starts_with("https://") && options.ca_file.empty())
    ca_pem = location_ca(session, kind, name, stop).value_or("");
  located.client = TRY(open_client(options, ca_pem));
  return located;
}

Result<OpenDocument> open_document(const Session& session,
                                   model::DownloadTargetKind kind,
                                   const std::string& name,
                                   const DownloadOptions& options,
                                   Deadline deadline,
                                   std::stop_token stop) {
  LocatedDocument located = TRY(locate(session, kind, name, options, deadline, stop));
  OpenDocument document;
  document.client = std::move(located.client);
  document.stream = TRY(open_stream(*document.client, located.url, deadline, stop));
  return document;
}

// "bytes 0-99/1234": the 1234.
std::optional<ByteCount> size_in(std::string_view content_range) {
  const std::string_view total = cut(content_range, "/").after;
  ByteCount size = 0;
  const auto [end, wrong] = std::from_chars(total.data(), total.data() + total.size(), size);
  if (wrong != std::errc() || end != total.data() + total.size()) return std::nullopt;
  return size;
}

}  // namespace

Result<Bytes> download(const Session& session,
                       model::DownloadTargetKind kind,
                       const std::string& name,
                       const DownloadOptions& options,
                       std::stop_token stop) {
  const Deadline deadline = Deadline::after(options.timeout);
  const OpenDocument document = TRY(open_document(session, kind, name, options, deadline, stop));
  Bytes packed;
  while (auto part = TRY(document.stream->read(deadline, stop)))
    packed += *part;
  return gunzip(packed, kLargestDocument);
}

Status download_to(int fd,
                   const Session& session,
                   model::DownloadTargetKind kind,
                   const std::string& name,
                   const DownloadOptions& options,
                   std::stop_token stop) {
  const Deadline deadline = Deadline::after(options.timeout);
  const OpenDocument document = TRY(open_document(session, kind, name, options, deadline, stop));
  while (auto part = TRY(document.stream->read(deadline, stop)))
    TRY(write_all(fd, *part));
  return {};
}

RangedDocument::RangedDocument(std::unique_ptr<net::HttpClient> client,
                               std::string url,
                               Deadline deadline)
    : client_(std::move(client)), url_(std::move(url)), deadline_(deadline) {}

RangedDocument::RangedDocument(RangedDocument&&) noexcept = default;
RangedDocument::~RangedDocument() = default;

Result<RangedDocument> RangedDocument::open(const Session& session,
                                            model::DownloadTargetKind kind,
                                            const std::string& name,
                                            const DownloadOptions& options,
                                            std::stop_token stop) {
  const Deadline deadline = Deadline::after(options.timeout);
  LocatedDocument located = TRY(locate(session, kind, name, options, deadline, stop));
  return RangedDocument(std::move(located.client), std::move(located.url), deadline);
}

Result<RangedDocument::Part> RangedDocument::read(ByteCount offset,
                                                  ByteCount length,
                                                  std::stop_token stop) const {
  net::HttpRequest request;
  request.url = url_;
  request.headers.set("Range", fmt::format("bytes={}-{}", offset, offset + length - 1));
  request.deadline = deadline_;
  const auto stream = TRY(client_->open_stream(request, stop));
  if (stream->status() == 404) return Error(Code::NotFound, "file not found");
  const auto size = size_in(stream->headers().get("Content-Range"));
  if (stream->status() == 200 || (stream->status() == 206 && !size)) {
    return Error(Code::Unsupported, "the store does not give parts of files");
  }
  if (stream->status() != 206) {
    return Error(Code::Unavailable, "downloading a part of the file: the answer was HTTP status {}",
                 stream->status());
  }
  Part part{.document_size = *size};
  while (const auto bytes = TRY(stream->read(deadline_, stop))) {
    part.bytes += *bytes;
    if (part.bytes.size() > length) break;
  }
  if (part.bytes.size() != length) {
    return Error(Code::Corrupt, "{} bytes of the file were asked for, and {} came", length,
                 part.bytes.size());
  }
  return part;
}

std::vector<FlagSpec> download_flags(std::string_view default_timeout) {
  return {
      {.name = "timeout",
       .kind = FlagKind::Duration,
       .usage = "How long to wait to receive the file.",
       .value = std::string(default_timeout)},
      {.name = "insecure-skip-tls-verify",
       .kind = FlagKind::Bool,
       .usage = "If true, the object store's TLS certificate will not be checked for validity."},
      {.name = "cacert",
       .usage = "Path to a certificate bundle to use when verifying TLS connections.",
       .names = "file"}};
}

DownloadOptions download_options(const Flags& flags) {
  DownloadOptions options;
  if (flags.find("timeout") != nullptr) options.timeout = flags.duration("timeout");
  options.insecure_skip_tls_verify = flags.is("insecure-skip-tls-verify");
  options.ca_file = flags.text("cacert");
  return options;
}

}  // namespace lateen::cli
