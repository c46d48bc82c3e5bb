#include "model/resource_names.h"

#include <algorithm>
#include <queue>

#include "base/json.h"

namespace lateen::model {

namespace {

// Names of one kind that wait to be sorted together: half a megabyte at most.
constexpr std::size_t kPending = 4096;
constexpr std::size_t kPiece = 64 << 10;  // of the document

void put_count(Bytes& out, std::size_t count) {
  for (; count >= 0x80; count >>= 7U)
    out += static_cast<char>(0x80U | (count & 0x7fU));
  out += static_cast<char>(count);
}

std::size_t take_count(BytesView& coded) {
  std::size_t count = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(coded.front());
    coded.remove_prefix(1);
    count |= static_cast<std::size_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) return count;
  }
}

}  // namespace

// Reads one run from its beginning.
class ResourceNames::Cursor {
 public:
  explicit Cursor(const Run& run) : rest_(run.coded), left_(run.count) { next(); }

  bool at_end() const { return at_end_; }

  const std::string& name() const { return name_; }

  void next() {
    at_end_ = left_ == 0;
    if (at_end_) return;
    --left_;
    name_.resize(take_count(rest_));
    const std::size_t own = take_count(rest_);
    name_ += rest_.substr(0, own);
    rest_.remove_prefix(own);
  }

 private:
  BytesView rest_;
  std::size_t left_;
  std::string name_;
  bool at_end_ = false;
};

std::size_t ResourceNames::kind(std::string_view api_version, std::string_view kind) {
  const auto [at, is_new] =
      numbers_.emplace(fmt::format("{}/{}", api_version, kind), kinds_.size());
  if (is_new) kinds_.emplace_back();
  return at->second;
}

void ResourceNames::add(std::size_t kind, std::string_view ns, std::string_view name) {
  Kind& where = kinds_[kind];
  std::string& text = where.pending.emplace_back();
  text.reserve(ns.size() + name.size() + 1);
  if (!ns.empty()) {
    text += ns;
    text += '/';
  }
  text += name;
  if (where.pending.size() < kPending) return;
  where.runs.push_back(make_run(std::exchange(where.pending, {})));
}

ResourceNames::Run ResourceNames::make_run(std::vector<std::string> names) {
  std::ranges::sort(names);
  Run run{.coded = {}, .count = names.size()};
  std::string_view before;
  for (const std::string_view name : names) {
    const auto differs = std::ranges::mismatch(before, name).in2;
    const auto shared = static_cast<std::size_t>(differs - name.begin());
    put_count(run.coded, shared);
    put_count(run.coded, name.size() - shared);
    run.coded += name.substr(shared);
    before = name;
  }
  run.coded.shrink_to_fit();
  return run;
}

void ResourceNames::for_each(std::size_t kind,
                             const std::function<void(std::string_view name)>& visit) const {
  const Kind& where = kinds_[kind];
  for (const Run& run : where.runs) {
    for (Cursor at(run); !at.at_end(); at.next())
      visit(at.name());
  }
  for (const std::string& name : where.pending)
    visit(name);
}

// Merges the sorted runs.
Status ResourceNames::in_order(const Kind& kind,
                               const std::function<Status(std::string_view name)>& visit) {
  const Run last = make_run(kind.pending);
  std::vector<Cursor> cursors(kind.runs.begin(), kind.runs.end());
  cursors.emplace_back(last);
  const auto later = [](const Cursor* a, const Cursor* b) { return a->name() > b->name(); };
  std::priority_queue<Cursor*, std::vector<Cursor*>, decltype(later)> heads(later);
  for (Cursor& cursor : cursors) {
    if (!cursor.at_end()) heads.push(&cursor);
  }
  while (!heads.empty()) {
    Cursor* const first = heads.top();
    heads.pop();
    TRY(visit(first->name()));
    first->next();
    if (!first->at_end()) heads.push(first);
  }
  return {};
}

ResourceList ResourceNames::list() const {
  ResourceList list;
  for (const auto& [kind, number] : numbers_) {
    StringList& names = list[kind];
    const Status visited = in_order(kinds_[number], [&names](std::string_view name) -> Status {
      names.emplace_back(name);
      return {};
    });
    LATEEN_ASSERT(visited.has_value(), "nothing here can fail");
  }
  return list;
}

Status ResourceNames::write(ByteSink& sink) const {
  Bytes out;
  char next_kind = '{';
  for (const auto& [kind, number] : numbers_) {
    out += std::exchange(next_kind, ',');
    append_json_string(out, kind);
    out += ":[";
    bool is_first = true;
    TRY(in_order(kinds_[number], [&](std::string_view name) -> Status {
      if (!std::exchange(is_first, false)) out += ',';
      append_json_string(out, name);
      if (out.size() < kPiece) return {};
      TRY(sink.write(out));
      out.clear();
      return {};
    }));
    out += ']';
  }
  out += next_kind == '{' ? "{}\n" : "}\n";
  return sink.write(out);
}

}  // namespace lateen::model
