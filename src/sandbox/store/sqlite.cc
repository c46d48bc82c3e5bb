#include "sandbox/store/sqlite.h"

#include <sqlite3.h>

namespace lateen::sandbox {

namespace {

Error sqlite_error(sqlite3* db, std::string_view doing) {
  const int code = db != nullptr ? sqlite3_errcode(db) : SQLITE_NOMEM;
  const char* text = db != nullptr ? sqlite3_errmsg(db) : "out of memory";
  const bool corrupt = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  return Error(corrupt ? Code::Corrupt : Code::Io, "sandbox database: {}: {}", doing, text);
}

}  // namespace

SqliteStatement::SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void SqliteStatement::bind(int position, std::string_view text) {
  // A null pointer would bind NULL, not the empty text.
  const char* data = text.data() != nullptr ? text.data() : "";
  sqlite3_bind_text64(statement_.get(), position, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void SqliteStatement::bind_blob(int position, BytesView bytes) {
  const char* data = bytes.data() != nullptr ? bytes.data() : "";
  sqlite3_bind_blob64(statement_.get(), position, data, bytes.size(), SQLITE_STATIC);
}

void SqliteStatement::bind(int position, std::int64_t number) {
  sqlite3_bind_int64(statement_.get(), position, number);
}

Result<bool> SqliteStatement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  sqlite3* db = sqlite3_db_handle(statement_.get());
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    return false;
  }
  Error error = sqlite_error(db, "running a statement");
  sqlite3_reset(statement_.get());
  return error;
}

Status SqliteStatement::run() {
  TRY(step());
  return {};
}

std::string_view SqliteStatement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string_view SqliteStatement::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::int64_t SqliteStatement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

SqliteDatabase::SqliteDatabase(sqlite3* db) : db_(db) {}

void SqliteDatabase::Close::operator()(sqlite3* db) const {
  sqlite3_close_v2(db);
}

Result<SqliteDatabase> SqliteDatabase::open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  SqliteDatabase db(raw);
  if (code != SQLITE_OK) return sqlite_error(raw, "opening " + path);
  sqlite3_busy_timeout(raw, 5000);
  TRY(db.execute("PRAGMA journal_mode=WAL"));
  TRY(db.execute("PRAGMA synchronous=FULL"));
  // 32 MiB of log between two copies into the database, where the default of 4 MiB is copied, and
  // synced twice more, every few hundred objects.
  TRY(db.execute("PRAGMA wal_autocheckpoint=8192"));
  return db;
}

Status SqliteDatabase::execute(const char* sql) {
  if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return sqlite_error(db_.get(), sql);
  }
  return {};
}

Result<SqliteStatement> SqliteDatabase::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return sqlite_error(db_.get(), "preparing a statement");
  return SqliteStatement(raw);
}

}  // namespace lateen::sandbox
