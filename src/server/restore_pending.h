// What a finalizing restore has still to see to, as a document in its bucket: so that the next
// server goes on where this one was interrupted.
#pragma once

#include <stop_token>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "restore/run.h"

namespace lateen::server {

std::string write_restore_pending(const restore::RestoreOutcome& outcome);

// Fills in claims, hooked pods and the hooks' count. Corrupt for anything but such a document.
Status read_restore_pending(BytesView text, restore::RestoreOutcome& outcome);

}  // namespace lateen::server
