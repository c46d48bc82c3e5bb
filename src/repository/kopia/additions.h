// What a file has and kopia's format has no place for: extended attributes (POSIX ACLs are such),
// which names lead to one file, holes, names that are not UTF-8; and fifos and devices altogether.
// It is kept under keys of its own, "lateen", that kopia passes over, and only where there is
// something: all other directories are byte for byte kopia's. docs/formats/kopia.md has the fields.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "repository/tree/entry.h"

namespace lateen::repository {
class JsonReader;
}

namespace lateen::repository::kopia {

inline constexpr std::string_view kAdditions = "lateen";

// Whether kopia's directories have no place for such entries.
bool is_special(EntryType type);

// ",\"lateen\":{…}" for what an entry has besides, or nothing.
void append_additions(std::string& out, const Entry& entry);

// Takes what append_additions() wrote into the entry that was read so far.
Status read_additions(JsonReader& in, Entry& entry);

// The type's word in a special entry; Unknown for what is not known.
std::string_view special_word(EntryType type);
EntryType special_type(std::string_view word);

}  // namespace lateen::repository::kopia
