#include <atomic>

#include "base/thread.h"
#include "bench/commands.h"
#include "bench/measure.h"
#include "kube/discovery.h"

namespace lateen::bench {
namespace {

struct Traffic {
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::uint64_t> bytes = 0;
};

Status get_pages(kube::Client& client,
                 const kube::ResourceType& type,
                 Traffic& traffic,
                 std::stop_token stop) {
  kube::ListOptions options{.limit = 500};
  do {
    const Bytes page = TRY(client.list_raw({.gvr = type.gvr}, options, stop));
    ++traffic.requests;
    traffic.bytes += page.size();
    options.continue_token = continue_token(page);
  } while (!options.continue_token.empty());
  return {};
}

}  // namespace

// Nothing of the page is looked at but where the next one goes on. Tokens are base64url: no
// escapes.
std::string continue_token(BytesView page) {
  constexpr std::string_view kKey = "\"continue\":\"";
  // In the list's metadata: API servers write it before or after the items.
  const std::size_t head = page.substr(0, 1024).find(kKey);
  const std::size_t at = head != BytesView::npos ? head : page.rfind(kKey);
  if (at == BytesView::npos) return {};
  const std::size_t from = at + kKey.size();
  return std::string(page.substr(from, page.find('"', from) - from));
}

Result<JsonObject> pages(kube::Client& client, std::size_t connections, std::stop_token stop) {
  const kube::Discovery discovery = TRY(kube::discover(client, stop));
  const auto types = discovery.preferred_with_verbs({"get", "list", "create", "delete"});
  Traffic traffic;
  const Stopwatch watch;
  TRY(parallel_for(
      types.size(), connections,
      [&](std::size_t i, std::stop_token s) { return get_pages(client, *types[i], traffic, s); },
      stop));
  JsonObject answer = cost(watch);
  answer["requests"] = traffic.requests.load();
  answer["mebibytes"] = static_cast<double>(traffic.bytes.load()) / 1048576.0;
  return answer;
}

}  // namespace lateen::bench
