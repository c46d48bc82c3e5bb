#include "cli/repo/show.h"

#include <algorithm>

#include <sys/stat.h>

#include "base/text.h"
#include "base/time.h"
#include "base/utf8.h"
#include "cli/repo/printer.h"
#include "repository/restic/node.h"

namespace lateen::cli::repo {
namespace {

using repository::Entry;
using repository::EntryType;
using repository::type_bits;

// Terminal cells, as far as counting characters tells.
std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    text.remove_prefix(decode_utf8(text).length);
    ++width;
  }
  return width;
}

std::string table_line(const std::vector<std::string_view>& cells,
                       const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += "  ";
    line += cells[i];
    const std::size_t width = width_of(cells[i]);
    if (width < widths[i]) line.append(widths[i] - width, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string table_row(const std::vector<std::string>& row, const std::vector<std::size_t>& widths) {
  std::vector<std::vector<std::string_view>> columns;
  std::size_t height = 1;
  for (const std::string& cell : row) {
    columns.push_back(split(cell, '\n'));
    height = std::max(height, columns.back().size());
  }
  std::string out;
  for (std::size_t y = 0; y < height; ++y) {
    std::vector<std::string_view> cells;
    for (const auto& column : columns)
      cells.push_back(y < column.size() ? column[y] : std::string_view());
    out += table_line(cells, widths);
  }
  return out;
}

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
  return join(std::span<const std::string>(texts), separator);
}

JsonObject summary_json(const Snapshot& snapshot) {
  const repository::SnapshotStats& stats = snapshot.stats;
  return {{"backup_start", format_rfc3339_nano(snapshot.time)},
          {"backup_end", format_rfc3339_nano(snapshot.end.value_or(snapshot.time))},
          {"files_new", stats.upload.files_new},
          {"files_changed", stats.upload.files_changed},
          {"files_unmodified", stats.upload.files_unchanged},
          {"dirs_new", stats.upload.dirs_new},
          {"dirs_changed", stats.upload.dirs_changed},
          {"dirs_unmodified", stats.upload.dirs_unchanged},
          {"data_added", stats.added.value_or(0)},
          {"data_added_packed", stats.added_packed.value_or(0)},
          {"total_files_processed", stats.files},
          {"total_bytes_processed", stats.size}};
}

}  // namespace

std::string restic_table(const std::vector<std::string>& headings,
                         const std::vector<std::vector<std::string>>& rows,
                         const std::string& footer) {
  std::vector<std::size_t> widths;
  for (const std::string& heading : headings)
    widths.push_back(width_of(heading));
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      for (const std::string_view line : split(row[i], '\n'))
        widths[i] = std::max(widths[i], width_of(line));
    }
  }
  std::size_t total = 2 * (headings.size() - 1);
  for (const std::size_t width : widths)
    total += width;
  const std::string rule = std::string(total, '-') + "\n";
  std::string out = table_row(headings, widths) + rule;
  for (const auto& row : rows)
    out += table_row(row, widths);
  return out + rule + footer;
}

std::string snapshot_table(const std::vector<Snapshot>& snapshots,
                           const std::vector<std::vector<std::string>>& reasons,
                           bool compact,
                           const Zone& zone) {
  const bool has_size = std::any_of(snapshots.begin(), snapshots.end(),
                                    [](const Snapshot& s) { return s.end.has_value(); });
  std::vector<std::string> headings =
      compact ? std::vector<std::string>{"ID", "Time", "Host", "Tags  "}
              : std::vector<std::string>{"ID", "Time", "Host      ", "Tags      "};
  if (!compact && !reasons.empty()) headings.emplace_back("Reasons");
  if (!compact) headings.emplace_back("Paths");
  if (has_size) headings.emplace_back("Size");
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < snapshots.size(); ++i) {
    const Snapshot& s = snapshots[i];
    std::vector<std::string> row = {s.id.substr(0, 8), format_local_time(s.time, zone), s.host,
                                    joined(s.tags, compact ? "\n" : ",")};
    if (!compact && !reasons.empty()) row.push_back(joined(reasons[i], "\n"));
    if (!compact) row.push_back(joined(s.paths, "\n"));
    if (has_size) row.push_back(s.end ? format_bytes(s.stats.size) : "");
    rows.push_back(std::move(row));
  }
  return restic_table(
      headings, rows,
      fmt::format("Timestamps shown in {}\n{} snapshots\n",
                  zone.name().empty() ? "local time" : zone.name(), snapshots.size()));
}

JsonObject snapshot_json(const Snapshot& snapshot) {
  JsonObject json = {{"time", format_rfc3339_nano(snapshot.time)}};
  if (!snapshot.parent.empty()) json["parent"] = snapshot.parent;
  // The format's own name of the root: a tree's hash, or kopia's object.
  const Bytes& object = snapshot.root.object;
  json["tree"] = object.size() == repository::restic::Id::kSize
                     ? repository::restic::Id::from_raw(object).hex()
                     : object;
  json["paths"] = texts_json(snapshot.paths);
  if (!snapshot.host.empty()) json["hostname"] = snapshot.host;
  if (!snapshot.user.empty()) json["username"] = snapshot.user;
  if (!snapshot.excludes.empty()) json["excludes"] = texts_json(snapshot.excludes);
  if (!snapshot.tags.empty()) json["tags"] = texts_json(snapshot.tags);
  if (!snapshot.original.empty()) json["original"] = snapshot.original;
  if (!snapshot.description.empty()) json["description"] = snapshot.description;
  if (!snapshot.incomplete.empty()) json["incomplete"] = snapshot.incomplete;
  if (!snapshot.program.empty()) json["program_version"] = snapshot.program;
  if (snapshot.end) json["summary"] = summary_json(snapshot);
  json["id"] = snapshot.id;
  json["short_id"] = snapshot.id.substr(0, 8);
  return json;
}

std::uint32_t go_mode_number(const Entry& entry) {
  return repository::restic::go_mode(entry.mode | type_bits(entry.type));
}

std::string go_mode_text(const Entry& entry) {
  constexpr std::string_view kFlags = "dalTLDpSugct?";
  constexpr std::string_view kPermissions = "rwxrwxrwx";
  const std::uint32_t mode = go_mode_number(entry);
  std::string out;
  for (std::size_t i = 0; i < kFlags.size(); ++i) {
    if ((mode >> (31U - i) & 1U) != 0) out += kFlags[i];
  }
  if (out.empty()) out = "-";
  for (std::size_t i = 0; i < kPermissions.size(); ++i)
    out += (mode >> (8U - i) & 1U) != 0 ? kPermissions[i] : '-';
  return out;
}

std::string_view restic_type(EntryType type) {
  switch (type) {
    case EntryType::File:
      return "file";
    case EntryType::Directory:
      return "dir";
    case EntryType::Symlink:
      return "symlink";
    case EntryType::Fifo:
      return "fifo";
    case EntryType::Socket:
      return "socket";
    case EntryType::CharDevice:
      return "chardev";
    case EntryType::BlockDevice:
      return "dev";
    case EntryType::Unknown:
      break;
  }
  return "irregular";
}

std::string long_line(const std::string& path, const Entry& entry, bool human, const Zone& zone) {
  const ByteCount bytes = entry.type == EntryType::File ? entry.size : 0;
  const std::string size = human ? format_bytes(bytes) : fmt::format("{:6}", bytes);
  const std::string target =
      entry.type == EntryType::Symlink ? " -> " + printable(entry.link_target) : std::string();
  return fmt::format("{} {:5} {:5} {} {} {}{}", go_mode_text(entry), entry.uid, entry.gid, size,
                     format_local_time(entry.mtime, zone), printable(path), target);
}

JsonObject node_json(const std::string& path, const Entry& entry) {
  JsonObject json = {{"name", entry.name},
                     {"type", restic_type(entry.type)},
                     {"path", path},
                     {"uid", entry.uid},
                     {"gid", entry.gid}};
  if (entry.type == EntryType::File) json["size"] = entry.size;
  const std::uint32_t mode = go_mode_number(entry);
  if (mode != 0) json["mode"] = mode;
  json["permissions"] = go_mode_text(entry);
  json["mtime"] = format_rfc3339_nano(entry.mtime);
  json["atime"] = format_rfc3339_nano(entry.atime);
  json["ctime"] = format_rfc3339_nano(entry.ctime);
  if (entry.inode != 0) json["inode"] = entry.inode;
  json["message_type"] = "node";
  json["struct_type"] = "node";
  return json;
}

}  // namespace lateen::cli::repo
