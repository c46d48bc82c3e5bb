// The URLs of a bucket and its objects. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/aws/endpoints.h"
#include "net/url.h"

namespace lateen::objects::s3 {

// Where a bucket is asked for. Immutable.
struct BucketAddress {
  net::Url endpoint = {};  // "https://s3.eu-west-1.amazonaws.com"
  std::string bucket = {};
  bool path_style = false;

  // Of an object; of the bucket itself for an empty key.
  net::Url url_of(std::string_view key) const;
};

struct AddressOptions {
  std::string bucket;
  std::string endpoint;  // empty: AWS' own for the region, or the environment's
  std::string region;
  bool force_path_style;
};

// Names that can't stand in front of a host name are asked for by path, and so are all at an IP
// address.
Result<BucketAddress> address_of(const AddressOptions& options,
                                 const net::aws::Environment& environment);

}  // namespace lateen::objects::s3
