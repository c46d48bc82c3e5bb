#include "kube/list.h"

namespace lateen::kube {

// The pages in their order, one request each. Used by one thread at a time.
class ListPager::Source {
 public:
  Source(Client& client, ObjectPath collection, PagerOptions options)
      : client_(client), collection_(std::move(collection)), options_(std::move(options)) {}

  Result<Fetched> fetch(std::stop_token stop) {
    CallReport report;
    auto page = fetch_page(token_, report, stop);
    if (!page && page.error().is(Code::Gone) && !token_.empty() &&
        options_.on_expired == OnExpired::GoOn) {
      page = go_on(report, stop);
    }
    if (!page) return std::move(page).error();
    token_ = page->continue_token();
    Fetched fetched{.page = *std::move(page), .how = how_, .last = token_.empty()};
    return fetched;
  }

 private:
  Result<ListPage> fetch_page(const std::string& token, CallReport& report, std::stop_token stop) {
    ListOptions list;
    list.label_selector = options_.label_selector;
    list.field_selector = options_.field_selector;
    list.limit = how_ == Listing::Restarted ? 0 : options_.page_size;
    list.continue_token = token;
    list.resource_version = options_.resource_version;
    list.report = &report;
    auto body = client_.list_raw(collection_, list, stop);
    if (!body) return std::move(body).error().wrap("listing {}", collection_.describe());
    return ListPage::parse(*std::move(body)).wrap("listing {}", collection_.describe());
  }

  // The snapshot is gone. The refusal usually brings a token that goes on behind the last object in
  // the present state.
  Result<ListPage> go_on(CallReport& report, std::stop_token stop) {
    const std::string token = report.status ? report.status->continue_token : std::string();
    how_ = token.empty() ? Listing::Restarted : Listing::Continued;
    report = {};
    return fetch_page(token, report, stop);
  }

  Client& client_;
  const ObjectPath collection_;
  const PagerOptions options_;
  std::string token_;
  Listing how_ = Listing::Consistent;
};

ListPager::ListPager(Client& client, ObjectPath collection, PagerOptions options)
    : prefetch_(options.prefetch),
      source_(std::make_unique<Source>(client, std::move(collection), std::move(options))) {}

ListPager::~ListPager() = default;

// Runs until the last page or an error; each is handed over before the next is asked for.
void ListPager::fetch_ahead(std::stop_token stop) {
  while (true) {
    auto fetched = source_->fetch(stop);
    const bool more = fetched && !fetched->last;
    if (!ahead_->push(std::move(fetched), stop) || !more) return;
  }
}

Result<ListPager::Fetched> ListPager::fetch_next(std::stop_token stop) {
  if (!fetcher_.joinable()) return source_->fetch(stop);
  std::optional<Result<Fetched>> fetched = ahead_->pop(stop);
  if (!fetched) return Error(Code::Canceled, "stopped while listing");
  return *std::move(fetched);
}

Result<std::optional<ListPage>> ListPager::next(std::stop_token stop) {
  if (ended_) return std::optional<ListPage>();
  auto fetched = fetch_next(stop);
  if (!fetched) {
    ended_ = true;
    return std::move(fetched).error();
  }
  how_ = fetched->how;
  ended_ = fetched->last;
  resource_version_ = fetched->page.resource_version();
  // A thread is only worth it once there is a second page.
  if (!ended_ && prefetch_ && !fetcher_.joinable()) {
    ahead_ = std::make_unique<Channel<Result<Fetched>>>(1);
    fetcher_ = std::jthread([this](std::stop_token own) { fetch_ahead(own); });
  }
  return std::optional<ListPage>(std::move(fetched->page));
}

}  // namespace lateen::kube
