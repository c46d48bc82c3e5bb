#include "objects/s3/address.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"

namespace lateen::objects::s3 {
namespace {

bool is_ip_address(std::string_view host) {
  if (host.find(':') != std::string_view::npos) return true;
  return std::ranges::all_of(host, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

// A wildcard certificate stands for one label, so that dots rule it out.
bool can_be_host_label(std::string_view bucket) {
  constexpr std::size_t kShortest = 3;
  constexpr std::size_t kLongest = 63;
  if (bucket.size() < kShortest || bucket.size() > kLongest) return false;
  if (bucket.starts_with('-') || bucket.ends_with('-')) return false;
  return std::ranges::all_of(
      bucket, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

}  // namespace

net::Url BucketAddress::url_of(std::string_view key) const {
  net::Url url = endpoint;
  while (url.path.ends_with('/'))
    url.path.pop_back();
  if (path_style) {
    url.path += "/" + percent_encode(bucket);
    if (key.empty()) return url;
  } else {
    url.host = bucket + "." + url.host;
  }
  url.path += "/" + percent_encode_path(key);
  return url;
}

Result<BucketAddress> address_of(const AddressOptions& options,
                                 const net::aws::Environment& environment) {
  const std::string endpoint = options.endpoint.empty()
                                   ? net::aws::find_endpoint("s3", options.region, environment)
                                   : options.endpoint;
  BucketAddress address{.endpoint = TRY(net::Url::parse(endpoint).wrap("the endpoint of S3")),
                        .bucket = options.bucket};
  address.endpoint.query.clear();
  address.endpoint.fragment.clear();
  address.path_style = options.force_path_style || is_ip_address(address.endpoint.host) ||
                       !can_be_host_label(options.bucket);
  return address;
}

}  // namespace lateen::objects::s3
