#include "cli/repo/repo_commands.h"

#include "cli/commands.h"
#include "cli/get.h"

namespace lateen::cli {

// Velero's `repo get`: the repositories that a cluster knows of.
Command repo_commands() {
  return {.name = "repo",
          .usage = "",
          .summary = "Work with repositories of snapshots, in kopia's and restic's formats",
          .children = {{.name = "get",
                        .usage = "[NAME...]",
                        .summary = "Get repositories",
                        .flags = get_flags(),
                        .run = run_get<model::BackupRepository>},
                       repo::init_command(),
                       repo::backup_command(),
                       repo::snapshots_command(),
                       repo::ls_command(),
                       repo::find_command(),
                       repo::cat_command(),
                       repo::list_command(),
                       repo::dump_command(),
                       repo::restore_command(),
                       repo::diff_command(),
                       repo::check_command(),
                       repo::forget_command(),
                       repo::prune_command(),
                       repo::stats_command(),
                       repo::tag_command(),
                       repo::key_command(),
                       repo::rekey_command(),
                       repo::unlock_command(),
                       repo::repair_command(),
                       repo::rebuild_index_command(),
                       repo::bench_command(),
                       repo::copy_command(),
                       repo::rewrite_command(),
                       repo::mount_command()},
          .text =
              "Save files and directories in a repository, and bring them back. The repository "
              "may be kopia's or restic's: both\nprograms read what Lateen writes. Commands, "
              "flags and RESTIC_* variables are restic's."};
}

}  // namespace lateen::cli
