// The contract of every ObjectStore, held by S3's on two servers of other people.
#include "objects/testing/object_store_contract.h"
#include "s3/servers.h"

namespace lateen::objects::testing {
namespace {

using s3::make_bucket;
using s3::moto_url;
using s3::swift_url;
using s3::test_config;
using s3::test_credentials;

StoreUnderTest store_at(const std::string& url, s3::Checksum checksum) {
  s3::S3Config config = test_config(url, make_bucket(url));
  config.page_size = 3;
  config.write.checksum = checksum;
  auto store =
      s3::open_s3_store(std::move(config), net::aws::fixed_credentials(test_credentials()));
  return {.store = std::move(*store)};
}

StoreUnderTest on_moto() {
  return store_at(moto_url(), s3::Checksum::Crc32);
}

StoreUnderTest on_swift() {
  return store_at(swift_url(), s3::Checksum::None);
}

INSTANTIATE_TEST_SUITE_P(Moto, ObjectStoreContract, ::testing::Values(on_moto));
INSTANTIATE_TEST_SUITE_P(Swift, ObjectStoreContract, ::testing::Values(on_swift));

}  // namespace
}  // namespace lateen::objects::testing
