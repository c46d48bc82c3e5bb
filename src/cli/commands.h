// The groups of commands, each in a file of its own.
#pragma once

#include <string>

#include "cli/command.h"

namespace lateen::cli {

Command backup_commands();
Command restore_commands();
Command schedule_commands();
Command backup_location_commands();
Command snapshot_location_commands();
Command location_commands();
Command verify_command();
Command signing_key_commands();
Command drill_commands();
Command history_command();
Command undelete_command();
Command diff_command();
Command browse_command();
Command cat_command();
Command trace_command();
Command cost_command();
Command verify_command();
Command signing_key_commands();
Command drill_commands();
Command check_command();
Command coverage_command();
Command audit_commands();
Command plugin_commands();
Command server_command();
Command agent_command();
Command restore_helper_command();
Command data_mover_command();
Command files_commands();
Command sandbox_commands();
Command repo_commands();
Command repo_maintenance_command();
Command install_command();
Command uninstall_command();
Command takeover_command();
Command version_command();
Command debug_command();
Command bug_command();
Command client_commands();

// `completion bash|zsh|fish`: the scripts are made of the tree itself. `make_root` gives it.
Command completion_command(const std::string& program,
                           Command (*make_root)(const std::string& program));

// The whole tree under the name that the program was started by.
Command root_command(const std::string& program);

}  // namespace lateen::cli
