// The commands on repositories, each in a file of its own.
#pragma once

#include "cli/command.h"

namespace lateen::cli::repo {

Command init_command();
Command backup_command();
Command snapshots_command();
Command forget_command();
Command prune_command();
Command ls_command();
Command find_command();
Command dump_command();
Command restore_command();
Command diff_command();
Command check_command();
Command stats_command();
Command key_command();
Command rekey_command();
Command unlock_command();
Command repair_command();
Command rebuild_index_command();
Command cat_command();
Command list_command();
Command tag_command();
Command bench_command();
Command copy_command();
Command rewrite_command();
Command mount_command();

}  // namespace lateen::cli::repo
