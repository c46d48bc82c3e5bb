#include "assurance/object_witness.h"

#include <algorithm>

#include <fmt/format.h>

#include "assurance/local_volumes.h"
#include "assurance/outside_references.h"
#include "backup/backed_up_items.h"
#include "base/json.h"

namespace lateen::assurance {
namespace {

constexpr std::size_t kNeedersShown = 3;

template <typename T>
void keep(std::vector<T> found, std::vector<T>& into, std::size_t& not_listed) {
  for (T& one : found) {
    if (into.size() < ObjectWitness::kMost) {
      into.push_back(std::move(one));
    } else {
      ++not_listed;
    }
  }
}

}  // namespace

void ObjectWitness::see(const backup::ItemId& item, BytesView json) {
  look_at(item.type->group_resource(), item.ns, item.name, json);
}

void ObjectWitness::look_at(std::string_view group_resource,
                            std::string_view ns,
                            std::string_view name,
                            BytesView json) {
  const bool refers = may_refer_outside(group_resource, json);
  const bool is_pod = group_resource == "pods";
  std::vector<OutsideReference> outside;
  std::vector<LocalVolume> local;
  std::vector<Need> needs;
  if (refers || is_pod || may_need(group_resource)) {
    // What cannot be parsed was told of by whoever backs it up.
    if (const auto object = parse_json(json)) {
      if (refers) outside = outside_references(group_resource, *object);
      if (is_pod) local = local_volumes_of(*object);
      needs = needs_of(group_resource, ns, *object);
    }
  } else {
    needs = needs_of(group_resource, ns, Json());
  }
  const std::string_view tool = reverting_tool(json);
  const OperatorRecipe* recipe = recipe_for(group_resource);
  const bool is_needed = is_needed_kind(group_resource);
  const std::string text =
      needs.empty() && !is_needed ? std::string() : object_text(group_resource, ns, name);
  const Lock lock(mu_);
  ++counts_[std::string(group_resource)];
  keep(std::move(outside), outside_, not_listed_);
  keep(std::move(local), local_volumes_, not_listed_);
  take(needs, text);
  if (is_needed) provided_.insert(text);
  if (!tool.empty()) ++tracked_[tool];
  if (recipe != nullptr) ++operated_[recipe->group_resource];
}

void ObjectWitness::take(const std::vector<Need>& needs, const std::string& by) {
  for (const Need& need : needs) {
    Needers& needers = needs_[need];
    if (needers.first.size() < kNeedersShown) needers.first.push_back(by);
    ++needers.count;
  }
}

ObjectCounts ObjectWitness::counts() const {
  const Lock lock(mu_);
  return counts_;
}

std::vector<ObjectWitness::UnmetNeed> ObjectWitness::unmet_needs() const {
  std::vector<UnmetNeed> unmet;
  const Lock lock(mu_);
  for (const auto& [need, needers] : needs_) {
    if (provided_.contains(object_text(need.group_resource, need.ns, need.name))) continue;
    unmet.push_back({.need = need, .by = needers.first, .count = needers.count});
  }
  return unmet;
}

void ObjectWitness::add_warnings(std::vector<PlanWarning>& warnings) const {
  for (const auto& [kind, count] : operated_) {
    const OperatorRecipe& recipe = *recipe_for(kind);
    warnings.push_back({.id = "operator-races",
                        .subject = fmt::format("{} ({})", kind, count),
                        .message = fmt::format("{}: {}", recipe.name, recipe.message),
                        .advice = std::string(recipe.advice)});
  }
  for (const auto& [tool, count] : tracked_) {
    warnings.push_back(
        {.id = "gitops-reverts",
         .subject = fmt::format("{} objects", count),
         .message = fmt::format("{} keeps them as Git says: what a restore brings back differently "
                                "it puts back",
                                tool),
         .advice = "Restore what Git does not hold, or suspend the tool until the restore is "
                   "checked."});
  }
}

Findings ObjectWitness::findings() const {
  Findings found;
  const Lock lock(mu_);
  found.outside = outside_;
  found.local_volumes = local_volumes_;
  found.not_listed = not_listed_;
  add_warnings(found.warnings);
  std::ranges::sort(found.outside);
  std::ranges::sort(found.local_volumes);
  return found;
}

Findings ObjectWitness::findings(std::string_view where) const {
  Findings found = findings();
  for (const UnmetNeed& one : unmet_needs())
    found.warnings.push_back(unmet(one.need, one.by, one.count, where));
  std::ranges::sort(found.warnings);
  return found;
}

}  // namespace lateen::assurance
