#include "cli/downloads.h"

#include <array>
#include <charconv>

#include "base/environment.h"
#include "base/file.h"
#include "base/gzip.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/location_ca.h"
#include "model/document_annotation.h"
#include "net/http_client.h"
#include "net/url.h"

namespace lateen::cli {
namespace {

constexpr std::chrono::milliseconds kDownloadPoll{25};
constexpr Duration kBucketPatience = std::chrono::seconds(5);  // to connect
constexpr ByteCount kLargestDocument = 2_GiB;

struct DocumentLink {
  std::string url = {};
  bool is_servers = false;  // not to the bucket
  std::string pod = {};     // of the server, if its link is good inside of the pod alone
};

DocumentLink link_of(const model::DownloadRequest& request) {
  DocumentLink link{.url = request.status.download_url};
  const auto served_by = request.metadata.annotations.find(model::annotations::kServedBy);
  link.is_servers = served_by != request.metadata.annotations.end();
  if (link.is_servers) link.pod = served_by->second;
  return link;
}

Result<DocumentLink> wait_for_link(const Session& session,
                                   const std::string& request,
                                   Deadline deadline,
                                   std::stop_token stop) {
  while (true) {
    const auto now = TRY(session.cluster.get<model::DownloadRequest>(request, stop));
    if (!now.status.download_url.empty()) return link_of(now);
    if (deadline.expired()) {
      return Error(Code::DeadlineExceeded,
                   "download request download url timeout, check velero server logs for errors. "
                   "backup storage "
                   "location may not be available");
    }
    if (!sleep_unless_stopped(kDownloadPoll, stop)) return Error(Code::Canceled, "interrupted");
  }
}

// What is asked for.
struct DocumentName {
  model::DownloadTargetKind kind;
  const std::string& name;
};

Result<DocumentLink> ask_for_link(const Session& session,
                                  const DocumentName& document,
                                  bool via_server,
                                  Deadline deadline,
                                  std::stop_token stop) {
  SystemRng rng;
  model::DownloadRequest request;
  request.metadata.ns = session.ns();
  request.metadata.name = fmt::format("{}-{}", document.name, uuid4(rng));
  request.spec.target.kind = document.kind;
  if (model::is_own_document(document.kind)) {
    // A server of Velero's answers with the target: nothing large where that is of no use.
    request.spec.target.kind = document.kind == model::DownloadTargetKind::BackupArchiveIndex
                                   ? model::DownloadTargetKind::BackupContents
                                   : model::DownloadTargetKind::BackupResults;
    request.metadata.annotations[std::string(model::annotations::kDocument)] =
        model::to_string(document.kind);
  }
  if (via_server)
    request.metadata.annotations[std::string(model::annotations::kDownloadVia)] = "server";
  request.spec.target.name = document.name;
  TRY(session.cluster.create(request, stop));
  auto link = wait_for_link(session, request.metadata.name, deadline, stop);
  // Expired ones are removed by the server: failing to do it here loses nothing.
  (void)session.cluster.remove<model::DownloadRequest>(request.metadata.name, {});
  return link;
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

// The system's authorities, as Go finds them; empty where there are none.
std::string system_authorities() {
  constexpr std::array<const char*, 3> kBundles = {"/etc/ssl/certs/ca-certificates.crt",
                                                   "/etc/pki/tls/certs/ca-bundle.crt",
                                                   "/etc/ssl/cert.pem"};
  if (const auto file = env("SSL_CERT_FILE"); file && !file->empty())
    return read_file(*file, 16_MiB).value_or("");
  for (const char* bundle : kBundles) {
    if (auto pem = read_file(bundle, 16_MiB)) return std::move(*pem);
  }
  return {};
}

// Trusts --cacert, or else the location's authority, beside the system's.
Result<std::unique_ptr<net::HttpClient>> open_client(const DownloadOptions& options,
                                                     const std::string& ca_pem) {
  net::HttpClientOptions client;
  client.tls.insecure_skip_verify = options.insecure_skip_tls_verify;
  client.tls.ca_pem = ca_pem;
  if (!options.ca_file.empty()) client.tls.ca_pem = TRY(read_file(options.ca_file, 16_MiB));
  if (!client.tls.ca_pem.empty()) client.tls.ca_pem += "\n" + system_authorities();
  // A network that swallows packets shall not use up the time in which the server could be asked.
  if (options.via == DownloadVia::Auto) client.connect_timeout = kBucketPatience;
  return net::HttpClient::open(client);
}

// Where a document is, and who can fetch it.
struct LocatedDocument {
  std::string url = {};
  std::unique_ptr<net::HttpClient> client = {};
  bool in_bucket = true;
};

// The link as it is good here: a port of the server's pod is forwarded, once for all documents.
Result<std::string> reach(const Session& session, const DocumentLink& link) {
  if (link.pod.empty()) return link.url;
  const net::Url url = TRY(net::Url::parse(link.url));
  DownloadRoute& route = *session.route;
  const std::uint16_t port = url.effective_port();
  if (!route.forward || route.pod != link.pod || route.port != port) {
    route.forward = TRY(kube::PortForward::open(
        *session.client, {.ns = session.ns(), .pod = link.pod, .port = port}));
    route.pod = link.pod;
    route.port = port;
  }
  return fmt::format("http://127.0.0.1:{}{}?{}", route.forward->local_port(), url.path, url.query);
}

Result<LocatedDocument> locate(const Session& session,
                               const DocumentName& document,
                               const DownloadOptions& options,
                               bool via_server,
                               Deadline deadline,
                               std::stop_token stop) {
  const DocumentLink link = TRY(ask_for_link(session, document, via_server, deadline, stop));
  if (via_server && !link.is_servers) {
    return Error(Code::Unsupported, "this server gives links to the bucket alone")
        .with_hint("Lateen's server hands documents out itself; Velero's does not.");
  }
  LocatedDocument located{.url = TRY(reach(session, link)), .in_bucket = !link.is_servers};
  std::string ca_pem;
  if (located.url.starts_with("https://") && options.ca_file.empty())
    ca_pem = location_ca(session, document.kind, document.name, stop).value_or("");
  located.client = TRY(open_client(options, ca_pem));
  return located;
}

// One document on its way.
struct OpenDocument {
  LocatedDocument located;
  std::unique_ptr<net::HttpStream> stream = {};
};

// When the pod's port was refused, that says more than the connection that broke.
Result<OpenDocument> open_at(const Session& session,
                             const DocumentName& document,
                             const DownloadOptions& options,
                             bool via_server,
                             Deadline deadline,
                             const std::stop_token& stop) {
  OpenDocument open{.located = TRY(locate(session, document, options, via_server, deadline, stop))};
  auto stream = open_stream(*open.located.client, open.located.url, deadline, stop);
  if (!stream) {
    if (open.located.in_bucket && options.via == DownloadVia::Auto &&
        !stream.error().is(Code::NotFound)) {
      session.route->bucket_unreachable = true;
    }
    const auto& forward = session.route->forward;
    if (!open.located.in_bucket && forward && !forward->refusal())
      return forward->refusal().error();
    return std::move(stream).error();
  }
  open.stream = std::move(*stream);
  return open;
}

// Through the API server where the bucket cannot be reached.
Result<OpenDocument> open_document(const Session& session,
                                   const DocumentName& document,
                                   const DownloadOptions& options,
                                   Deadline deadline,
                                   const std::stop_token& stop) {
  bool& unreachable = session.route->bucket_unreachable;
  const bool asks_server = options.via == DownloadVia::Server || unreachable;
  auto direct = open_at(session, document, options, asks_server, deadline, stop);
  if (direct || asks_server || !unreachable) return direct;
  auto forwarded = open_at(session, document, options, true, deadline, stop);
  if (forwarded || forwarded.error().is(Code::NotFound)) return forwarded;
  return std::move(direct).error().with_hint(
      fmt::format("Nor could it be had through the API server: {}", forwarded.error().message()));
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
  const OpenDocument document =
      TRY(open_document(session, {.kind = kind, .name = name}, options, deadline, stop));
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
  const OpenDocument document =
      TRY(open_document(session, {.kind = kind, .name = name}, options, deadline, stop));
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
  // A document is read in parts behind a first one that was read whole: the way is known.
  const bool asks_server = options.via == DownloadVia::Server || session.route->bucket_unreachable;
  LocatedDocument located =
      TRY(locate(session, {.kind = kind, .name = name}, options, asks_server, deadline, stop));
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

std::vector<FlagSpec> transport_flags() {
  return {
      {.name = "insecure-skip-tls-verify",
       .kind = FlagKind::Bool,
       .usage = "If true, the object store's TLS certificate will not be checked for validity. "
                "This is insecure and susceptible to man-in-the-middle attacks. Not recommended "
                "for production."},
      {.name = "cacert",
       .usage = "Path to a certificate bundle to use when verifying TLS connections. If not "
                "specified, that of the backup storage location is used, if it has one.",
       .names = "file"},
      {.name = "via",
       .usage =
           "Where documents are fetched from: bucket (by a signed link), server (through the "
           "Kubernetes API server, from the pod of Lateen's server), or auto: from the bucket, "
           "and from the server where the bucket cannot be reached.",
       .value = "auto",
       .words = {"auto", "bucket", "server"}}};
}

std::vector<FlagSpec> download_flags(std::string_view default_timeout) {
  std::vector<FlagSpec> flags = transport_flags();
  flags.push_back({.name = "timeout",
                   .kind = FlagKind::Duration,
                   .usage = "How long to wait to receive the file.",
                   .value = std::string(default_timeout)});
  return flags;
}

Result<DownloadOptions> download_options(const Flags& flags) {
  DownloadOptions options;
  if (flags.find("timeout") != nullptr) options.timeout = flags.duration("timeout");
  options.insecure_skip_tls_verify = flags.is("insecure-skip-tls-verify");
  options.ca_file = flags.text("cacert");
  const std::string via = flags.text("via");
  if (via == "bucket") options.via = DownloadVia::Bucket;
  if (via == "server") options.via = DownloadVia::Server;
  if (options.via == DownloadVia::Auto && !via.empty() && via != "auto") {
    return Error(Code::InvalidArgument, "--via is {}, it must be auto, bucket or server", via);
  }
  return options;
}

}  // namespace lateen::cli
