// Lists of any length as raw pages: the bytes of each object stay as the server sent them. The next
// page is fetched while the caller works on this one; memory is two pages.
//
//   ListPager pager(client, {.gvr = kPods, .ns = "shop"}, {.page_size = 500});
//   while (auto page = TRY(pager.next(stop))) for (const ListItem& item : page->items())
//   use(item.raw);
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/json_slice.h"
#include "base/result.h"
#include "kube/client.h"
#include "kube/resource.h"

namespace lateen::kube {

struct PagerOptions {
  std::string label_selector;
  std::string field_selector;
  std::int64_t page_size = 500;  // 0: one page, whole
  bool prefetch = true;          // fetch page n+1 while the caller has page n
  std::string resource_version;  // of the first page; "" is the most recent
};

// When a continue token has expired (410) after pages were already given out, the rest cannot come
// from the same snapshot. The pager then lists all again from the start, without a limit (as
// client-go's pager), and gives out only what was not given before, by namespace and name: every
// object of the new snapshot comes exactly once. `restarted()` says that it happened.
//
// Not thread-safe (its own prefetching aside).
class ListPager {
 public:
  // `client` must outlive it.
  ListPager(Client& client, ObjectPath collection, PagerOptions options);
  ListPager(const ListPager&) = delete;
  ListPager& operator=(const ListPager&) = delete;
  ~ListPager();

  // The next page; nothing after the last. A page may be empty.
  Result<std::optional<ListPage>> next(std::stop_token stop = {});

  // Of the snapshot that the pages come from; known after the first page. Where a watch can go on.
  const std::string& resource_version() const;

  bool restarted() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace lateen::kube
