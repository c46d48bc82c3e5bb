// The bytes of one open file into another: what copy.h's two ways have in common.
#pragma once

#include <stop_token>

#include "base/result.h"

namespace lateen {

// All of regular file `from` into the empty file `to`: cloned if the file system can (then true),
// else copied with its holes kept (then false).
Result<bool> copy_content(int from, int to, const std::stop_token& stop);

}  // namespace lateen
