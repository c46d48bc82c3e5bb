// --read-data-subset: which packs a check reads. Pure but for the random numbers handed in.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"

namespace lateen::cli::repo {

// "n/t": the n-th of t parts of all packs, by their names. "x%": that share, at random. A size: so
// many bytes of `total`, at random. InvalidArgument says what may be written.
Result<std::function<bool(std::string_view pack)>> parse_data_subset(std::string_view text,
                                                                     ByteCount total,
                                                                     Rng& rng);

}  // namespace lateen::cli::repo
