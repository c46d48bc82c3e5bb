// What travels over HTTP, as values: the client, the server and their callers share these types.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace lateen::net {

// Header fields in their order. Names compare without case and may repeat. Not thread-safe.
class Headers {
 public:
  using Field = std::pair<std::string, std::string>;

  Headers() = default;

  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  // The first value of that name; "" when there is none.
  std::string_view get(std::string_view name) const;
  std::optional<std::string_view> find(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;

  bool contains(std::string_view name) const { return find(name).has_value(); }

  // Whether a comma-separated list of tokens (Connection, Accept-Encoding) names `token`,
  // parameters aside. A token with q=0 is refused, and so not named.
  bool lists(std::string_view name, std::string_view token) const;

  void add(std::string_view name, std::string_view value);
  void set(std::string_view name, std::string_view value);  // instead of all others of that name
  void set_default(std::string_view name, std::string_view value);  // unless there is one
  void remove(std::string_view name);

  void clear() { fields_.clear(); }

  const std::vector<Field>& fields() const { return fields_; }

  bool empty() const { return fields_.empty(); }

  auto begin() const { return fields_.begin(); }

  auto end() const { return fields_.end(); }

 private:
  std::vector<Field> fields_;
};

// InvalidArgument for a field that would break out of its line (CR, LF, NUL, an empty or odd name).
Status check_headers(const Headers& headers);

// An answer: of the client's `send`, and what a server's handler gives.
struct HttpResponse {
  int status = 200;
  Headers headers = {};
  Bytes body = {};

  bool ok() const { return status >= 200 && status < 300; }
};

// GET, HEAD, PUT, DELETE, OPTIONS, TRACE: repeating one is the same as doing it once.
bool is_idempotent(std::string_view method);

// "Not Found" for 404; "" for a status that has no name.
std::string_view reason_phrase(int status);

}  // namespace lateen::net
