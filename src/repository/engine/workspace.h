// What a thread that moves contents keeps between them: contexts of libraries, scratch memory. Each
// worker has one; nothing in it outlives a call as a value.
#pragma once

#include <memory>

#include "repository/buffer.h"
#include "repository/compress/codec.h"
#include "repository/crypto/aead.h"
#include "repository/crypto/ctr_poly1305.h"

namespace lateen::repository {

// Not thread-safe: one a thread.
struct Workspace {
  Aead aead;
  Compressor compressor;
  Decompressor decompressor;
  std::unique_ptr<CtrPoly1305> ctr_poly = {};  // restic makes it at first use
  Buffer scratch = {};                         // for ContentFormat, inside one call
  Buffer encoding = {};  // for TreeFormat: what it writes by, and reads through, writer and reader
  Buffer sealed = {};    // for the engine
  Buffer plain = {};     // for the engine
};

}  // namespace lateen::repository
