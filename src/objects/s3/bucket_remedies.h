// The lines that would set a property of a bucket, for Terraform and for AWS' command line. Pure.
#pragma once

#include <string>
#include <string_view>

namespace lateen::objects::s3 {

struct Remedy {
  std::string terraform;
  std::string aws_cli;
};

struct BucketNames {
  std::string bucket = {};
  std::string region = {};      // empty: "REGION" stands for it
  std::string kms_key_id = {};  // empty: "KEY_ARN"
};

// `property` is BucketProperty::name. What the person must fill in is in capitals.
Remedy remedy_for(std::string_view property, const BucketNames& names);

}  // namespace lateen::objects::s3
