#include "net/curl_handles.h"

#include <system_error>

#include "base/environment.h"
#include "base/text.h"

namespace lateen::net {

namespace {

long to_milliseconds(Duration d) {
  return static_cast<long>(std::chrono::ceil<std::chrono::milliseconds>(d).count());
}

// The bytes stay the caller's.
void set_blob(CURL* easy, CURLoption option, std::string_view bytes) {
  curl_blob blob{.data = const_cast<char*>(bytes.data()),  // NOLINT: libcurl only reads it
                 .len = bytes.size(),
                 .flags = CURL_BLOB_NOCOPY};
  set_option(easy, option, &blob);
}

void set_trust(CURL* easy, const TlsOptions& tls) {
  if (tls.insecure_skip_verify) {
    set_option(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    set_option(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    return;
  }
  if (!tls.ca_pem.empty()) {
    // libcurl would trust its built-in folder besides the blob.
    set_option(easy, CURLOPT_CAPATH, static_cast<char*>(nullptr));
    set_option(easy, CURLOPT_CAINFO, static_cast<char*>(nullptr));
    set_blob(easy, CURLOPT_CAINFO_BLOB, tls.ca_pem);
    return;
  }
  // Go's programs, Velero and kubectl among them, obey these.
  if (const auto file = env("SSL_CERT_FILE"); file && !file->empty()) {
    set_option(easy, CURLOPT_CAINFO, file->c_str());
  }
  if (const auto folder = env("SSL_CERT_DIR"); folder && !folder->empty()) {
    set_option(easy, CURLOPT_CAPATH, folder->c_str());
  }
}

void set_identity(CURL* easy, const TlsOptions& tls) {
  if (tls.client_certificate_pem.empty()) return;
  set_option(easy, CURLOPT_SSLCERTTYPE, "PEM");
  set_option(easy, CURLOPT_SSLKEYTYPE, "PEM");
  set_blob(easy, CURLOPT_SSLCERT_BLOB, tls.client_certificate_pem);
  set_blob(easy, CURLOPT_SSLKEY_BLOB, tls.client_key_pem.reveal());
}

// This machine, or what only it can reach: link-local addresses, where clouds have the metadata of
// an instance and the credentials of a pod.
bool is_local(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.") ||
         host.starts_with("169.254.") || host.starts_with("fe80:") || host == "fd00:ec2::23" ||
         host == "fd00:ec2::254";
}

// As Go does it: this machine is never behind a proxy, and HTTP_PROXY counts in capitals too, which
// libcurl alone would pass over.
void set_proxy(CURL* easy, const Url& url, const std::string& proxy_url) {
  if (!proxy_url.empty()) {
    set_option(easy, CURLOPT_PROXY, proxy_url.c_str());
    set_option(easy, CURLOPT_NOPROXY, "");
  } else if (is_local(url.host)) {
    set_option(easy, CURLOPT_NOPROXY, "*");
  } else if (const auto proxy = env("HTTP_PROXY");
             !url.is_secure() && !env("http_proxy") && proxy && !proxy->empty()) {
    set_option(easy, CURLOPT_PROXY, proxy->c_str());
  }
  // A SOCKS proxy is given a name and password or nothing; Kerberos is not built in everywhere.
  set_option(easy, CURLOPT_SOCKS5_AUTH, static_cast<long>(CURLAUTH_BASIC));
  set_option(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

// libcurl asks for and verifies the name in the URL; the connection is then led to the URL's own
// host.
CurlList set_url(CURL* easy, const Url& url, const std::string& server_name) {
  Url asked = url;
  asked.fragment.clear();
  CurlList connect_to;
  if (!server_name.empty()) {
    Url real = url;
    real.port = url.effective_port();
    const std::string rule = fmt::format("{}:{}:{}", server_name, *real.port, real.authority());
    connect_to.reset(curl_slist_append(nullptr, rule.c_str()));
    set_option(easy, CURLOPT_CONNECT_TO, connect_to.get());
    asked.host = server_name;
  }
  const std::string text = asked.format();
  set_option(easy, CURLOPT_URL, text.c_str());
  return connect_to;
}

bool never_reached(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_OPERATION_TIMEDOUT:  // ours is the connect timeout only
    case CURLE_PROXY:
      return true;
    default:
      return false;
  }
}

}  // namespace

Status init_curl() {
  if (const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT); code != CURLE_OK) {
    return Error(Code::Internal, "libcurl does not start: {}", curl_easy_strerror(code));
  }
  return {};
}

Result<CurlList> set_connection(CURL* easy, const CurlConnection& connection) {
  const Url& url = connection.url;
  if (url.scheme != "http" && url.scheme != "https") {
    return Error(Code::InvalidArgument, "{}: only http and https URLs can be asked",
                 redact_url(url.format()));
  }
  if (connection.tls.client_certificate_pem.empty() != connection.tls.client_key_pem.empty()) {
    return Error(Code::InvalidArgument, "a client certificate and its key go together");
  }
  set_option(easy, CURLOPT_NOSIGNAL, 1L);
  // Giving up on a name must not wait for a slow resolver.
  set_option(easy, CURLOPT_QUICK_EXIT, 1L);
  set_option(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set_option(easy, CURLOPT_TCP_KEEPIDLE, 30L);
  set_option(easy, CURLOPT_TCP_KEEPINTVL, 15L);
  set_option(easy, CURLOPT_HTTP_VERSION, connection.http_version);
  set_option(easy, CURLOPT_CONNECTTIMEOUT_MS, to_milliseconds(connection.connect_timeout));
  // An object's key may hold "..": it is a name there.
  set_option(easy, CURLOPT_PATH_AS_IS, 1L);
  set_trust(easy, connection.tls);
  set_identity(easy, connection.tls);
  set_proxy(easy, url, connection.proxy_url);
  return set_url(easy, url, connection.tls.server_name);
}

std::string host_header_of(const Url& url, const TlsOptions& tls) {
  return tls.server_name.empty() ? std::string() : url.authority();
}

Result<CurlList> make_header_list(const Headers& fields, std::initializer_list<std::string> extra) {
  TRY(check_headers(fields));
  CurlList list;
  const auto append = [&list](const std::string& line) {
    curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
    LATEEN_ASSERT(longer != nullptr, "there is memory for a line");
    (void)list.release();  // `longer` begins with it
    list.reset(longer);
  };
  for (const std::string& line : extra) {
    append(line);
  }
  for (const auto& [name, value] : fields) {
    // "Name:" would take the header out; "Name;" sends it empty.
    append(trim(value).empty() ? name + ";" : name + ": " + value);
  }
  return list;
}

long os_error_of(CURL* easy) {
  long number = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
  return number;
}

Error error_of(const CurlFailure& failure) {
  const std::string_view detail =
      failure.detail.empty() ? curl_easy_strerror(failure.code) : failure.detail;
  switch (failure.code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return Error(Code::Unavailable, "{} is not trusted: {}", failure.host, detail)
          .with_retryable(false)
          .with_hint(
              "Give the certificate authority that signed the server's certificate, or correct the "
              "server's name.");
    case CURLE_SSL_CERTPROBLEM:
      return Error(Code::InvalidArgument, "the client certificate or its key is of no use: {}",
                   detail);
    case CURLE_SSL_CACERT_BADFILE:
      return Error(Code::InvalidArgument, "the certificate authority is of no use: {}", detail);
    case CURLE_ABORTED_BY_CALLBACK:
      return Error(Code::Canceled, "the HTTP client was closed");
    case CURLE_URL_MALFORMAT:
      return Error(Code::InvalidArgument, "not a URL that can be asked: {}", detail);
    case CURLE_UNSUPPORTED_PROTOCOL:  // the scheme has been checked: this is about the answer
    case CURLE_WEIRD_SERVER_REPLY:
      return Error(Code::Unavailable, "{} does not speak HTTP: {}", failure.host, detail)
          .with_retryable(false);
    case CURLE_COULDNT_CONNECT:
      if (failure.os_error == 0) break;
      return Error(Code::Unavailable, "{}: cannot connect: {}", failure.host,
                   std::generic_category().message(static_cast<int>(failure.os_error)))
          .with_retryable(true);
    default:
      break;
  }
  return Error(Code::Unavailable, "{}: {}", failure.host, detail)
      .with_retryable(failure.repeatable || never_reached(failure.code));
}

}  // namespace lateen::net
