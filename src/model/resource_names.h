// A resource list in the making: the names of everything in a backup, as they come. Each takes a
// few bytes, since most differ from the one before in their end only; the document is written
// without being in memory as a whole.
//
//   ResourceNames names;
//   names.add(names.kind("v1", "Pod"), "shop", "db-0");
//   TRY(names.write(sink));                        // {"v1/Pod":["shop/db-0"]}
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/bytes.h"
#include "base/result.h"
#include "model/results.h"

namespace lateen::model {

// Not thread-safe.
class ResourceNames {
 public:
  // The number of "<apiVersion>/<Kind>", for add(); always the same.
  std::size_t kind(std::string_view api_version, std::string_view kind);

  void add(std::size_t kind, std::string_view ns, std::string_view name);

  // Calls `visit` with each "shop/db-0" of the kind, in no order.
  void for_each(std::size_t kind, const std::function<void(std::string_view name)>& visit) const;

  // All of it, sorted: for a few hundred names.
  ResourceList list() const;

  // The document, byte for byte as write_resource_list() makes it of the same names. In pieces of
  // some KiB.
  Status write(ByteSink& sink) const;

 private:
  // Sorted names, each as what it shares with the one before and what it does not.
  struct Run {
    Bytes coded;
    std::size_t count = 0;
  };

  struct Kind {
    std::vector<std::string> pending;  // at most kPending
    std::vector<Run> runs;
  };

  class Cursor;

  static Run make_run(std::vector<std::string> names);
  static Status in_order(const Kind& kind,
                         const std::function<Status(std::string_view name)>& visit);

  std::map<std::string, std::size_t> numbers_;  // in the order of the document
  std::vector<Kind> kinds_;
};

}  // namespace lateen::model
