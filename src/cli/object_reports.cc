#include "cli/object_reports.h"

#include <algorithm>

#include "base/duration.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/table.h"

namespace lateen::cli {
namespace {

using assurance::HistoryEntry;
using assurance::ObjectComparison;
using assurance::ObjectDifference;
using assurance::ObjectHistory;
using assurance::ObjectVersion;
using assurance::Presence;
using restore::FieldChange;

constexpr std::size_t kShortDigest = 12;

std::string or_absent(const std::string& value) {
  return value.empty() ? "(absent)" : value;
}

std::string change_line(const FieldChange& change) {
  return change.before == "***" && change.after == "***"
             ? fmt::format("  {}: changed (a Secret's value is not shown)", change.path)
             : fmt::format("  {}: {} -> {}", change.path, or_absent(change.before),
                           or_absent(change.after));
}

JsonArray changes_document(const std::vector<FieldChange>& changes) {
  JsonArray list;
  for (const FieldChange& one : changes)
    list.push_back(JsonObject{{"path", one.path}, {"before", one.before}, {"after", one.after}});
  return list;
}

std::string version_name(std::size_t number) {
  return std::to_string(number + 1);
}

std::vector<std::string> change_lines(const ObjectHistory& history) {
  std::vector<std::string> lines;
  for (std::size_t i = history.versions.size(); i-- > 0;) {
    const ObjectVersion& version = history.versions[i];
    if (version.changes.empty()) continue;
    lines.push_back(fmt::format("version {}, since version {}:", version_name(i), i));
    for (const FieldChange& change : version.changes)
      lines.push_back(change_line(change));
  }
  return lines;
}

std::vector<std::string> lines_without(const ObjectHistory& history) {
  std::vector<std::string> lines;
  for (auto entry = history.entries.rbegin(); entry != history.entries.rend(); ++entry) {
    if (entry->presence == Presence::Held) continue;
    lines.push_back(fmt::format("{}: {}{}", entry->backup, to_string(entry->presence),
                                entry->reason.empty() ? "" : " (" + entry->reason + ")"));
  }
  return lines;
}

Json version_document(const ObjectHistory& history, std::size_t number) {
  const ObjectVersion& version = history.versions[number];
  return JsonObject{{"version", number + 1},
                    {"sha256", version.sha256},
                    {"firstBackup", history.entries[version.first].backup},
                    {"lastBackup", history.entries[version.last].backup},
                    {"backups", version.backups},
                    {"afterAbsence", version.after_absence},
                    {"changes", changes_document(version.changes)}};
}

Json entry_document(const HistoryEntry& entry) {
  JsonObject one{{"backup", entry.backup},
                 {"time", format_rfc3339(entry.time)},
                 {"state", to_string(entry.presence)}};
  if (entry.version) one["version"] = *entry.version + 1;
  if (!entry.reason.empty()) one["reason"] = entry.reason;
  return one;
}

Error wrong_since(std::string_view text) {
  return Error(Code::InvalidArgument, "--since {} is no time", quote_go(text))
      .with_hint("Write 2026-11-22T02:00:00Z, 2026-11-22, 02:00 (the last one), or 9h (ago).");
}

std::optional<int> two_digits(std::string_view text, int limit) {
  const auto number = text.size() == 2 ? parse_int(text) : parse_int("");
  if (!number || *number < 0 || *number >= limit) return std::nullopt;
  return static_cast<int>(*number);
}

// "02:00": the last such moment.
Result<TimePoint> time_of_day(std::string_view text, TimePoint now, const Zone& zone) {
  const Cut parts = cut(text, ":");
  const auto hour = two_digits(parts.before, 24);
  const auto minute = two_digits(parts.after, 60);
  if (!hour || !minute) return wrong_since(text);
  CivilTime civil = zone.to_civil(now);
  civil.hour = *hour;
  civil.minute = *minute;
  civil.second = civil.nanosecond = 0;
  if (zone.to_time(civil) > now) --civil.day;
  return zone.to_time(civil);
}

}  // namespace

JsonObject object_document(const assurance::ObjectName& object) {
  JsonObject json{{"resource", object.group_resource}};
  if (!object.ns.empty()) json["namespace"] = object.ns;
  json["name"] = object.name;
  return json;
}

std::string shown_time(TimePoint time, const Zone& zone) {
  const CivilTime civil = zone.to_civil(time);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} {}", civil.year, civil.month, civil.day,
                     civil.hour, civil.minute, civil.second, zone.offset_at(time).abbreviation);
}

std::string print_history(const ObjectHistory& history, const Zone& zone) {
  const auto holders =
      std::count_if(history.entries.begin(), history.entries.end(),
                    [](const HistoryEntry& entry) { return entry.presence == Presence::Held; });
  std::string text = fmt::format("{}: {} version{} in {} of {} backups.\n", history.object.text(),
                                 history.versions.size(), history.versions.size() == 1 ? "" : "s",
                                 holders, history.entries.size());
  std::vector<std::vector<std::string>> rows = {
      {"VERSION", "FIRST BACKUP", "FROM", "LAST BACKUP", "BACKUPS", "DIGEST", "CHANGED FIELDS"}};
  for (std::size_t i = history.versions.size(); i-- > 0;) {
    const ObjectVersion& version = history.versions[i];
    const HistoryEntry& first = history.entries[version.first];
    rows.push_back({version_name(i), first.backup, shown_time(first.time, zone),
                    history.entries[version.last].backup, std::to_string(version.backups),
                    version.sha256.substr(0, kShortDigest),
                    fmt::format("{}{}", version.changes.size(),
                                version.after_absence ? ", was gone before" : "")});
  }
  if (rows.size() > 1) text += "\n" + print_table(rows);
  text += print_list("Changes", change_lines(history));
  text += print_list("Backups without it", lines_without(history));
  return text;
}

Json history_document(const ObjectHistory& history) {
  JsonArray versions;
  for (std::size_t i = 0; i < history.versions.size(); ++i)
    versions.push_back(version_document(history, i));
  JsonArray backups;
  for (const HistoryEntry& entry : history.entries)
    backups.push_back(entry_document(entry));
  return JsonObject{{"object", object_document(history.object)},
                    {"versions", std::move(versions)},
                    {"backups", std::move(backups)}};
}

std::string print_comparison(const ObjectComparison& comparison,
                             const std::string& before,
                             const std::string& after) {
  std::string text;
  for (const ObjectDifference& one : comparison.differences) {
    text += fmt::format("{} {}\n", to_string(one.difference), one.object.text());
    for (const FieldChange& change : one.changes)
      text += change_line(change) + "\n";
  }
  text += fmt::format("{}{} -> {}: {} differ, {} are the same", text.empty() ? "" : "\n", before,
                      after, comparison.differences.size(), comparison.same);
  if (comparison.left_out > 0) {
    text += fmt::format(
        ", {} that controllers made (and Events and the like) are left out (--all shows them)",
        comparison.left_out);
  }
  return text + ".\n";
}

Json comparison_document(const ObjectComparison& comparison,
                         const std::string& before,
                         const std::string& after) {
  JsonArray differences;
  for (const ObjectDifference& one : comparison.differences) {
    JsonObject json = object_document(one.object);
    json["difference"] = to_string(one.difference);
    json["changes"] = changes_document(one.changes);
    differences.push_back(std::move(json));
  }
  return JsonObject{{"before", before},
                    {"after", after},
                    {"differences", std::move(differences)},
                    {"same", comparison.same},
                    {"leftOut", comparison.left_out}};
}

std::string print_deleted(const std::vector<assurance::DeletedObject>& deleted) {
  std::vector<std::vector<std::string>> rows = {{"RESOURCE", "NAMESPACE", "NAME", "BACKUP"}};
  for (const assurance::DeletedObject& one : deleted) {
    rows.push_back({one.object.group_resource, one.object.ns.empty() ? "<none>" : one.object.ns,
                    one.object.name, one.backup});
  }
  return print_table(rows);
}

Result<TimePoint> parse_since(std::string_view text, TimePoint now, const Zone& zone) {
  if (const auto time = parse_rfc3339(text)) return *time;
  if (const auto ago = parse_go_duration(text); ago && *ago > Duration::zero()) return now - *ago;
  if (text.size() == 5 && text[2] == ':') return time_of_day(text, now, zone);
  const auto midnight = parse_rfc3339(fmt::format("{}T00:00:00Z", text));
  if (!midnight) return wrong_since(text);
  CivilTime civil = Zone().to_civil(*midnight);
  return zone.to_time(civil);
}

}  // namespace lateen::cli
