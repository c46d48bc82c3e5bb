// Lists of any length as raw pages: the bytes of each object stay as the server sent them. The next
// page is fetched while the caller works on this one.
//
//   ListPager pager(client, {.gvr = kPods, .ns = "shop"}, {.page_size = 500});
//   while (auto page = TRY(pager.next(stop))) for (const ObjectSlice& item : page->items())
//   use(item.raw);
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/json_slice.h"
#include "base/result.h"
#include "base/thread.h"
#include "kube/client.h"
#include "kube/resource.h"

namespace lateen::kube {

// What happens when the snapshot that the pages come from is compacted away (410) before the last
// page is read.
enum class OnExpired {
  GoOn,  // continue behind the last object given, in a newer snapshot: how() tells
  Fail,  // Code::Gone: the caller begins again
};

struct PagerOptions {
  std::string label_selector = {};
  std::string field_selector = {};
  std::int64_t page_size = 500;       // 0: one page, whole
  bool prefetch = true;               // fetch ahead while the caller works
  std::string resource_version = {};  // of the first page; "" is the most recent
  OnExpired on_expired = OnExpired::GoOn;
};

// How the pages hang together.
enum class Listing {
  Consistent,  // all from one snapshot
  Continued,   // from a newer snapshot past some point: nothing comes twice, but what was given may
               // have changed since
  Restarted,   // the server offered no way to go on: everything was given again, from one newer
               // snapshot; the later one counts
};

// Memory is three pages with prefetching (the caller's, one that waits, one that comes in), else
// one. Not thread-safe.
class ListPager {
 public:
  // `client` must outlive it.
  ListPager(Client& client, ObjectPath collection, PagerOptions options);
  ListPager(const ListPager&) = delete;
  ListPager& operator=(const ListPager&) = delete;
  ~ListPager();

  // The next page; nothing after the last. A page may be empty. After an error, no more pages come.
  Result<std::optional<ListPage>> next(std::stop_token stop = {});

  // Of the page given last: after the last page of a Consistent listing, where a watch can go on.
  const std::string& resource_version() const { return resource_version_; }

  Listing how() const { return how_; }

 private:
  class Source;

  struct Fetched {
    ListPage page;
    Listing how = Listing::Consistent;
    bool last = false;
  };

  Result<Fetched> fetch_next(std::stop_token stop);
  void fetch_ahead(std::stop_token stop);

  const bool prefetch_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<Channel<Result<Fetched>>> ahead_;
  bool ended_ = false;
  Listing how_ = Listing::Consistent;
  std::string resource_version_;
  std::jthread fetcher_;  // last: joined before what it uses goes
};

}  // namespace lateen::kube
