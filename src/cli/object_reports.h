// The time machine's answers as text and as documents. Pure.
#pragma once

#include <string>
#include <vector>

#include "assurance/deleted_objects.h"
#include "assurance/object_comparison.h"
#include "assurance/object_history.h"
#include "base/json.h"
#include "base/zone.h"

namespace lateen::cli {

std::string print_history(const assurance::ObjectHistory& history, const Zone& zone);
Json history_document(const assurance::ObjectHistory& history);

// `before` and `after` are backups' names, or "live".
std::string print_comparison(const assurance::ObjectComparison& comparison,
                             const std::string& before,
                             const std::string& after);
Json comparison_document(const assurance::ObjectComparison& comparison,
                         const std::string& before,
                         const std::string& after);

std::string print_deleted(const std::vector<assurance::DeletedObject>& deleted);

// {"resource", "namespace", "name"}.
JsonObject object_document(const assurance::ObjectName& object);

// "2026-11-22 02:00:00 +0000 UTC".
std::string shown_time(TimePoint time, const Zone& zone);

// A moment before `now`: RFC 3339, "2026-11-22", "02:00" (the last one), or "9h" (ago).
Result<TimePoint> parse_since(std::string_view text, TimePoint now, const Zone& zone);

}  // namespace lateen::cli
