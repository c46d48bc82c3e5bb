// Snapshots and entries as restic prints them: tables, long lines, JSON. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/zone.h"
#include "cli/repo/selection.h"
#include "repository/tree/entry.h"

namespace lateen::cli::repo {

// Columns two blanks apart, cells of several lines, a rule of dashes above and below.
std::string restic_table(const std::vector<std::string>& headings,
                         const std::vector<std::vector<std::string>>& rows,
                         const std::string& footer);

// `reasons` is empty or has as many lists as there are snapshots.
std::string snapshot_table(const std::vector<Snapshot>& snapshots,
                           const std::vector<std::vector<std::string>>& reasons,
                           bool compact,
                           const Zone& zone);

// The snapshot's document with "id" and "short_id" behind.
JsonObject snapshot_json(const Snapshot& snapshot);
// "drwxr-xr-x" as Go writes a mode: "dtrwxrwxrwx", "urwxr-xr-x", "Dcrw-rw-rw-".
std::string go_mode_text(const repository::Entry& entry);
// Go's number for it: what restic's JSON has as "mode".
std::uint32_t go_mode_number(const repository::Entry& entry);
std::string_view restic_type(repository::EntryType type);

// "-rw-r--r--  1000  1000   1234 2026-01-02 03:04:05 /path".
std::string long_line(const std::string& path,
                      const repository::Entry& entry,
                      bool human,
                      const Zone& zone);
// A node in the schema of `ls --json`.
JsonObject node_json(const std::string& path, const repository::Entry& entry);

}  // namespace lateen::cli::repo
