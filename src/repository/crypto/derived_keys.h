// Keys that this process has derived from passwords. Deriving one is slow by design; who opens the
// same repository again and again (a node agent does for each volume) need not wait each time.
#pragma once

#include <cstddef>
#include <deque>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/thread.h"
#include "repository/crypto/kdf.h"

namespace lateen::repository {

// Knows the last few. What it keeps opens no more than the passwords do that the process has as
// well, and is wiped with it. Thread-safe.
class DerivedKeys {
 public:
  // As the function scrypt; two who ask at once may both derive it.
  Result<Secret> scrypt(const Secret& password,
                        BytesView salt,
                        const ScryptCost& cost,
                        std::size_t size);

 private:
  struct Known {
    Secret password = {};
    Bytes salt = {};
    ScryptCost cost = {};
    Secret key = {};
  };

  Mutex mu_;
  std::deque<Known> known_ LATEEN_GUARDED_BY(mu_);
};

// By `known` if it is not null.
Result<Secret> derive_by_scrypt(DerivedKeys* known,
                                const Secret& password,
                                BytesView salt,
                                const ScryptCost& cost,
                                std::size_t size);

}  // namespace lateen::repository
