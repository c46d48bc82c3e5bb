#include "model/results.h"

#include <algorithm>
#include <iterator>

#include "model/codec.h"

namespace lateen::model {
namespace {

void append(StringList& to, StringList from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

void ResultList::add(std::string_view ns, std::string message) {
  if (ns.empty()) {
    cluster.push_back(std::move(message));
    return;
  }
  namespaces.try_emplace(std::string(ns)).first->second.push_back(std::move(message));
}

void ResultList::merge(ResultList other) {
  append(velero, std::move(other.velero));
  append(cluster, std::move(other.cluster));
  for (auto& [ns, messages] : other.namespaces)
    append(namespaces[ns], std::move(messages));
}

std::size_t ResultList::count() const {
  std::size_t total = velero.size() + cluster.size();
  for (const auto& [ns, messages] : namespaces)
    total += messages.size();
  return total;
}

void add_to_resource_list(ResourceList& list,
                          std::string_view api_version,
                          std::string_view kind,
                          std::string_view ns,
                          std::string_view name,
                          std::string_view outcome) {
  std::string item = ns.empty() ? std::string(name) : fmt::format("{}/{}", ns, name);
  if (!outcome.empty()) item += fmt::format("({})", outcome);
  list[fmt::format("{}/{}", api_version, kind)].push_back(std::move(item));
}

void sort_resource_list(ResourceList& list) {
  for (auto& [type, items] : list)
    std::ranges::sort(items);
}

template Result<Results> from_json(const Json&);
template Json to_json(const Results&);
template Result<ResultList> from_json(const Json&);
template Json to_json(const ResultList&);

}  // namespace lateen::model
