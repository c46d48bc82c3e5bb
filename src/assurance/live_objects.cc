#include "assurance/live_objects.h"

#include "base/thread.h"
#include "kube/list.h"

namespace lateen::assurance {
namespace {

constexpr std::size_t kKindsAtOnce = 6;

Status visit_kind(kube::Client& client,
                  const kube::ResourceType& type,
                  const std::string& ns,
                  const VisitLivePage& visit,
                  const std::stop_token& stop) {
  kube::ListPager pages(client, {.gvr = type.gvr, .ns = type.namespaced ? ns : std::string()}, {});
  while (true) {
    auto page = pages.next(stop);
    if (!page && page.error().is(Code::NotFound)) return {};
    const auto current = TRY(std::move(page).wrap("listing {}", type.group_resource()));
    if (!current) return {};
    TRY(visit(type, *current));
  }
}

}  // namespace

Status visit_live(kube::Client& client,
                  std::span<const kube::ResourceType* const> types,
                  const std::string& ns,
                  const VisitLivePage& visit,
                  std::stop_token stop) {
  return parallel_for(
      types.size(), kKindsAtOnce,
      [&](std::size_t i, const std::stop_token& inner) {
        return visit_kind(client, *types[i], ns, visit, inner);
      },
      std::move(stop));
}

}  // namespace lateen::assurance
