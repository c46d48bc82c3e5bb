// --read-data-subset: which packs a check reads. Pure but for the random numbers handed in.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"

namespace lateen::cli::repo {

struct SizedPack {
  std::string name = {};
  ByteCount size = 0;
};

// "n/t": the n-th of t parts of all packs, by their names. "x%": so many of `packs`, at random; one
// at least. A size: as many as have so many bytes, at random. InvalidArgument says what may be
// written.
Result<std::function<bool(std::string_view pack)>> parse_data_subset(std::string_view text,
                                                                     std::vector<SizedPack> packs,
                                                                     Rng& rng);

}  // namespace lateen::cli::repo
