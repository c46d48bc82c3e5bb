#include "backup/collector.h"

#include <algorithm>
#include <optional>

#include "kube/list.h"

namespace lateen::backup {
namespace {

// With this many namespaces or more one request over all of them is tried first: most kinds have
// fewer objects in the whole cluster than a page holds.
constexpr std::size_t kTryWide = 3;

// One step's lists; a value for the time of collect().
struct Listing {
  const CollectionStep& step;
  const BackupTools& tools;
  std::int64_t page_size;
  const ItemTaker& taker;
  std::stop_token stop;

  bool selects(std::string_view ns) const {
    return step.namespaces.empty() || ns.empty() ||
           std::binary_search(step.namespaces.begin(), step.namespaces.end(), ns);
  }

  kube::ListPager pager(const std::string& ns, const std::string& selector) const {
    return kube::ListPager(tools.client, {.gvr = step.type.gvr, .ns = ns},
                           {.label_selector = selector, .page_size = page_size});
  }

  // One request of this class, as a span; with pages fetched ahead, the time that it was waited
  // for.
  Result<std::optional<ListPage>> next_page(kube::ListPager& pages) const {
    if (tools.trace.id().empty()) return pages.next(stop);
    SpanRecord span{.name = "list", .start = tools.clock.now()};
    auto page = pages.next(stop);
    if (page && !*page) return page;  // the end: nothing was asked
    span.end = tools.clock.now();
    span.attributes = {{"k8s.resource", step.type.group_resource()},
                       {"http.request.method", "GET"}};
    if (page) {
      span.attributes.emplace_back("lateen.items", (*page)->items().size());
    } else {
      span.error = page.error().message();
    }
    tools.trace.note(std::move(span));
    return page;
  }

  Status take_page(const kube::ListPager& pages, const ListPage& page) const {
    if (pages.how() == kube::Listing::Restarted) taker.again();
    for (const ObjectSlice& item : page.items()) {
      if (selects(item.ns)) TRY(taker.take(page, item));
    }
    return {};
  }

  // A list's failure is told, and is not the end; a stop is.
  Status failed(const Error& error, const std::string& ns) const {
    if (stop.stop_requested()) return Error(Code::Canceled, "the backup was stopped");
    tools.log.error(
        "Error listing items",
        {{"resource", step.type.group_resource()}, {"namespace", ns}, {"error", error}});
    return {};
  }

  Status list(const std::string& ns, const std::string& selector) const {
    kube::ListPager pages = pager(ns, selector);
    while (true) {
      auto page = next_page(pages);
      if (!page) return failed(page.error(), ns);
      if (!*page) return {};
      TRY(take_page(pages, **page));
    }
  }

  // Says whether the one wide list gave everything; otherwise nothing was taken from it.
  Result<bool> list_wide(const std::string& selector) const {
    kube::ListPager pages(
        tools.client, {.gvr = step.type.gvr},
        {.label_selector = selector, .page_size = page_size, .prefetch = step.list_wide});
    auto first = next_page(pages);
    if (!first) {
      // No right to look everywhere: then where we may.
      if (first.error().is(Code::Forbidden)) return false;
      TRY(failed(first.error(), {}));
      return true;
    }
    if (!*first) return true;
    if (!(*first)->continue_token().empty() && !step.list_wide) return false;
    TRY(take_page(pages, **first));
    while (!(*first)->continue_token().empty()) {
      first = next_page(pages);
      if (!first) {
        TRY(failed(first.error(), {}));
        return true;
      }
      if (!*first) return true;
      TRY(take_page(pages, **first));
    }
    return true;
  }

  Status run(const std::string& selector) const {
    if (step.namespaces.empty()) return list({}, selector);
    const bool try_wide = step.list_wide || step.namespaces.size() >= kTryWide;
    if (try_wide && TRY(list_wide(selector))) return {};
    for (const std::string& ns : step.namespaces)
      TRY(list(ns, selector));
    return {};
  }
};

}  // namespace

Status collect(const CollectionStep& step,
               const BackupTools& tools,
               std::int64_t page_size,
               const ItemTaker& taker,
               std::stop_token stop) {
  const Listing listing{
      .step = step, .tools = tools, .page_size = page_size, .taker = taker, .stop = stop};
  for (const std::string& selector : step.label_selectors)
    TRY(listing.run(selector));
  return {};
}

}  // namespace lateen::backup
