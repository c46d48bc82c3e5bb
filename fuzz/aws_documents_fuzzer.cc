// What AWS and S3 answer, and the files in which people keep credentials.
#include "fuzzer.h"
#include "net/aws/fault.h"
#include "net/aws/metadata.h"
#include "net/aws/profile_file.h"
#include "net/aws/xml.h"
#include "objects/s3/listing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace aws = lateen::net::aws;
  namespace s3 = lateen::objects::s3;
  const lateen::BytesView bytes = lateen::fuzz::as_bytes(data, size);
  if (const auto root = aws::parse_xml(bytes)) {
    const auto again = aws::parse_xml("<x>" + aws::escape_xml(root->text) + "</x>");
    LATEEN_ASSERT(again && again->text == root->text, "escaped text comes back");
  }
  // May fail: only must not break.
  (void)s3::parse_listing(bytes);
  (void)s3::parse_delete_result(bytes);
  (void)aws::read_fault({.status = 400, .body = lateen::Bytes(bytes)});
  (void)aws::read_json_credentials(bytes);
  (void)aws::parse_profiles(bytes);
  (void)aws::split_command(bytes);
  return 0;
}
