// libcurl's handles with owners, and what every connection of ours has in common. For net/'s own
// sources.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"
#include "net/tls.h"
#include "net/url.h"

namespace lateen::net {

template <auto free_it>
struct CurlDelete {
  template <typename T>
  void operator()(T* handle) const {
    free_it(handle);
  }
};

using CurlEasy = std::unique_ptr<CURL, CurlDelete<curl_easy_cleanup>>;
using CurlMulti = std::unique_ptr<CURLM, CurlDelete<curl_multi_cleanup>>;
using CurlList = std::unique_ptr<curl_slist, CurlDelete<curl_slist_free_all>>;

// Sets an option that this libcurl must know.
template <typename T>
void set_option(CURL* easy, CURLoption option, T value) {
  LATEEN_ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK,
                "libcurl has the options that it was built with here");
}

// Once for the process; safe from many threads.
Status init_curl();

// Whom to connect to, and how. Referenced things must outlive the easy handle.
struct CurlConnection {
  const Url& url;
  const TlsOptions& tls;
  const std::string& proxy_url;
  Duration connect_timeout;
  long http_version = CURL_HTTP_VERSION_1_1;
};

// Sets URL, trust, identity, proxy and the timeouts of connecting. The list (or nothing) must live
// as long as the handle.
Result<CurlList> set_connection(CURL* easy, const CurlConnection& connection);

// The Host header that `connection` needs when it asks TLS for another name than the URL's; "" for
// none.
std::string host_header_of(const Url& url, const TlsOptions& tls);

// Adds `fields` to the request, and `extra` lines as libcurl takes them ("Expect:").
Result<CurlList> make_header_list(const Headers& fields, std::initializer_list<std::string> extra);

// What went wrong on the way. `repeatable`: the request may be sent again even if the peer has
// acted on it.
struct CurlFailure {
  CURLcode code;
  std::string_view detail;  // libcurl's error buffer
  long os_error;            // CURLINFO_OS_ERRNO
  std::string_view host;    // the peer
  bool repeatable;
};

Error error_of(const CurlFailure& failure);

// The errno behind the handle's failure; 0 if there is none.
long os_error_of(CURL* easy);

}  // namespace lateen::net
