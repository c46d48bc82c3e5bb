// Providers of object stores by name: "filesystem" and "aws"; plugins register the same way.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "model/object_meta.h"
#include "objects/object_store.h"

namespace lateen::objects {

// All that a provider needs to open a bucket.
struct StoreOptions {
  std::string provider = {};
  std::string bucket = {};
  std::string prefix = {};
  model::StringMap config = {};
  std::string ca_pem = {};
  Secret credential = {};    // the content of the credentials file; empty: the provider's own chain
  Secret customer_key = {};  // what config.customerKeyEncryptionSecret names
};

// Thread-safe once filled.
class StoreFactory {
 public:
  using Open = std::function<Result<std::unique_ptr<ObjectStore>>(const StoreOptions&)>;

  // With "filesystem" (or "lateen.dev/fs") and "aws" in it.
  static StoreFactory with_built_in();

  // A name without a slash also answers to "velero.io/<name>", as in Velero. The later of two wins.
  void add(std::string_view provider, Open open);

  bool has(std::string_view provider) const;

  // Unsupported, naming the known ones, for a provider that nobody added.
  Result<std::unique_ptr<ObjectStore>> open(const StoreOptions& options) const;

 private:
  std::map<std::string, Open, std::less<>> by_provider_;
};

}  // namespace lateen::objects
