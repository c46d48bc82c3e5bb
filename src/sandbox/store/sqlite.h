// The door to SQLite: a connection and prepared statements that close themselves and answer
// Results.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace lateen::sandbox {

// Not thread-safe.
class SqliteStatement {
 public:
  explicit SqliteStatement(sqlite3_stmt* statement);

  // Positions count from 1. Text is copied by step(), so it must live until then.
  void bind(int position, std::string_view text);
  void bind_blob(int position, BytesView bytes);
  void bind(int position, std::int64_t number);

  // True while there is a row. The statement resets itself after its last row.
  Result<bool> step();
  // step() for statements without rows.
  Status run();

  // Columns of the row, counting from 0; views last until the next step().
  std::string_view text(int column) const;
  std::string_view blob(int column) const;
  std::int64_t number(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// Not thread-safe: one user at a time.
class SqliteDatabase {
 public:
  // Opens or creates the file, with WAL and synchronous=FULL: what was committed survives a power
  // cut.
  static Result<SqliteDatabase> open(const std::string& path);

  Status execute(const char* sql);
  Result<SqliteStatement> prepare(std::string_view sql);

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };

  explicit SqliteDatabase(sqlite3* db);

  std::unique_ptr<sqlite3, Close> db_;
};

}  // namespace lateen::sandbox
