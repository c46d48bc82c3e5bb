// `backup cat`: single objects of a backup, printed.
#pragma once

#include "cli/command.h"

namespace lateen::cli {

Command backup_cat_command();

}  // namespace lateen::cli
