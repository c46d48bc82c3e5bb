// `get` of any kind: by names or all, filtered by labels, as a table or documents.
#pragma once

#include "cli/command.h"
#include "cli/confirm.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/tables.h"

namespace lateen::cli {

// The named objects in that order (the first that is missing is the error), or those that the
// selector matches. A name may be a glob, unless we are Velero.
template <typename T>
Result<std::vector<T>> read_objects(const Session& session, const Invocation& call) {
  std::vector<T> objects;
  for (const std::string& name : call.args) {
    if (is_glob(name) && !call.is_velero()) {
      ChosenObjects<T> chosen = TRY(choose_objects<T>(session, call, {name}));
      if (chosen.objects.empty()) return Error(Code::NotFound, "{}", chosen.problems.front());
      objects.insert(objects.end(), chosen.objects.begin(), chosen.objects.end());
      continue;
    }
    objects.push_back(TRY(get_named<T>(session, name, call)));
  }
  if (!call.args.empty()) return objects;
  objects = TRY(session.cluster.list<T>(call.flags.text("selector"), call.stop));
  if constexpr (std::is_same_v<T, model::Backup>) sort_for_display(objects);
  return objects;
}

// Whether -o wide was asked for, and adds something to the kind's rows. Velero has no such word.
template <typename T>
bool is_wide(const Invocation& call) {
  return call.flags.text("output") == "wide" && !wide_heading<T>().empty() && !call.is_velero();
}

template <typename T>
void print_objects(const std::vector<T>& objects, OutputFormat format, const Invocation& call) {
  if (format != OutputFormat::Table) {
    std::vector<Json> documents;
    for (const T& object : objects)
      documents.push_back(model::to_json(object));
    const bool named_one = call.args.size() == 1 && !is_glob(call.args.front());
    call.console.out(print_documents(documents, T::kKind.api_version(), T::kKind.kind, format,
                                     call.is_velero() || named_one));
    return;
  }
  if (objects.empty()) return;
  std::vector<Row> rows = {heading<T>()};
  const bool wide = is_wide<T>(call);
  const Row more = wide ? wide_heading<T>() : Row();
  rows.front().insert(rows.front().end(), more.begin(), more.end());
  const Row labels = label_headings(call.flags);
  rows.front().insert(rows.front().end(), labels.begin(), labels.end());
  const Viewpoint view{.now = call.clock.now(), .zone = Zone::local()};
  for (const T& object : objects) {
    rows.push_back(row(object, view));
    const Row added = wide ? wide_cells(object, view) : Row();
    rows.back().insert(rows.back().end(), added.begin(), added.end());
    const Row cells = label_cells(call.flags, object.metadata.labels);
    rows.back().insert(rows.back().end(), cells.begin(), cells.end());
  }
  call.console.out(print_table(rows));
}

// What a create command would send, by itself.
template <typename T>
void print_one(const T& object, OutputFormat format, const Invocation& call) {
  if (format == OutputFormat::Table) {
    print_objects(std::vector<T>{object}, format, call);
  } else {
    call.console.out(print_document(model::to_json(object), format));
  }
}

template <typename T>
Result<int> run_get(Invocation& call) {
  const OutputFormat format =
      is_wide<T>(call) ? OutputFormat::Table : TRY(output_format(call.flags, OutputFormat::Table));
  const Session session = TRY(open_session(call));
  print_objects(TRY(read_objects<T>(session, call)), format, call);
  return 0;
}

std::vector<FlagSpec> get_flags();

}  // namespace lateen::cli
