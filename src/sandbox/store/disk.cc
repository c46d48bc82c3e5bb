#include "sandbox/store/disk.h"

#include <utility>

namespace lateen::sandbox {

namespace {

constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS objects (
  resource TEXT NOT NULL,
  ns TEXT NOT NULL,
  name TEXT NOT NULL,
  uid TEXT NOT NULL,
  revision INTEGER NOT NULL,
  labels TEXT NOT NULL,
  body INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (resource, ns, name)
);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT OR IGNORE INTO counters VALUES ('revision', 0);
PRAGMA user_version=1;
)";

// Neither keys nor values of labels can hold a blank of any kind.
std::string encode_labels(const kube::Labels& labels) {
  std::string text;
  for (const auto& [key, value] : labels)
    text.append(key).append("=").append(value).append("\n");
  return text;
}

kube::Labels decode_labels(std::string_view text) {
  kube::Labels labels;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const auto equals = line.find('=');
    if (equals != std::string_view::npos) {
      labels.emplace(line.substr(0, equals), line.substr(equals + 1));
    }
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return labels;
}

}  // namespace

Disk::Disk(SqliteDatabase db, SqliteStatement put, SqliteStatement erase, SqliteStatement mark)
    : db_(std::move(db)), put_(std::move(put)), erase_(std::move(erase)), mark_(std::move(mark)) {}

Result<Disk> Disk::open(const std::string& path) {
  SqliteDatabase db = TRY(SqliteDatabase::open(path));
  TRY(db.execute(kSchema));
  SqliteStatement put = TRY(db.prepare("INSERT OR REPLACE INTO objects VALUES (?,?,?,?,?,?,?,?)"));
  SqliteStatement erase =
      TRY(db.prepare("DELETE FROM objects WHERE resource=? AND ns=? AND name=?"));
  SqliteStatement mark = TRY(db.prepare("UPDATE counters SET value=? WHERE name='revision'"));
  return Disk(std::move(db), std::move(put), std::move(erase), std::move(mark));
}

Result<std::uint64_t> Disk::load(const std::function<void(std::string_view, StoredPtr)>& each) {
  SqliteStatement rows =
      TRY(db_.prepare("SELECT resource, ns, name, uid, revision, labels, body, bytes FROM objects "
                      "ORDER BY resource, ns, name"));
  while (TRY(rows.step())) {
    each(rows.text(0), std::make_shared<const StoredObject>(
                           StoredObject{.ns = std::string(rows.text(1)),
                                        .name = std::string(rows.text(2)),
                                        .uid = std::string(rows.text(3)),
                                        .revision = static_cast<std::uint64_t>(rows.number(4)),
                                        .labels = decode_labels(rows.text(5)),
                                        .bytes = Bytes(rows.blob(7)),
                                        .body = static_cast<std::size_t>(rows.number(6))}));
  }
  SqliteStatement counter = TRY(db_.prepare("SELECT value FROM counters WHERE name='revision'"));
  if (!TRY(counter.step())) return Error(Code::Corrupt, "sandbox database: it has no revision");
  return static_cast<std::uint64_t>(counter.number(0));
}

Status Disk::apply(const DiskChange& change) {
  const StoredObject& object = *change.object;
  if (change.deleted) {
    erase_.bind(1, change.resource);
    erase_.bind(2, object.ns);
    erase_.bind(3, object.name);
    return erase_.run();
  }
  const std::string labels = encode_labels(object.labels);
  put_.bind(1, change.resource);
  put_.bind(2, object.ns);
  put_.bind(3, object.name);
  put_.bind(4, object.uid);
  put_.bind(5, static_cast<std::int64_t>(object.revision));
  put_.bind(6, labels);
  put_.bind(7, static_cast<std::int64_t>(object.body));
  put_.bind_blob(8, object.bytes);
  return put_.run();
}

Status Disk::commit(std::span<const DiskChange> changes) {
  TRY(db_.execute("BEGIN IMMEDIATE"));
  Status done;
  for (const DiskChange& change : changes) {
    done = apply(change);
    if (!done) break;
  }
  if (done) {
    mark_.bind(1, static_cast<std::int64_t>(changes.back().object->revision));
    done = mark_.run();
  }
  if (done) done = db_.execute("COMMIT");
  // The first failure is the one to tell; a rollback that fails as well changes nothing about it.
  if (!done) (void)db_.execute("ROLLBACK");
  return done;
}

}  // namespace lateen::sandbox
