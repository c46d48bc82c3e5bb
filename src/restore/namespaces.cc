#include "restore/namespaces.h"

#include "kube/object.h"
#include "restore/object_preparation.h"

namespace lateen::restore {
namespace {

using std::chrono::milliseconds;

Result<Json> blueprint(const archive::ArchiveReader& archive,
                       const std::string& source,
                       const std::string& target) {
  Json object = JsonObject{{"apiVersion", "v1"}, {"kind", "Namespace"}};
  if (const archive::ArchivedItem* item = archive.find("namespaces", "", source)) {
    object = TRY(parse_json(TRY(archive.read(*item))));
    strip(object);
    // The label that says its name is the API server's to set.
    kube::remove_label(object, "kubernetes.io/metadata.name");
  }
  ensure(object, "metadata.name") = target;
  return object;
}

}  // namespace

Result<bool> ensure_namespace(kube::Client& client,
                              const archive::ArchiveReader& archive,
                              const std::string& source,
                              const std::string& target,
                              Deadline deadline,
                              std::stop_token stop) {
  const kube::ObjectPath path{.gvr = {"", "v1", "namespaces"}, .name = target};
  milliseconds pause{100};
  while (true) {
    auto there = client.get(path, {}, stop);
    if (!there && !there.error().is(Code::NotFound)) return std::move(there).error();
    if (!there) {
      auto created =
          client.create(path.collection(), TRY(blueprint(archive, source, target)), {}, stop);
      if (created) return true;
      if (!created.error().is(Code::AlreadyExists)) {
        return std::move(created).error().wrap("creating namespace {}", target);
      }
    } else if (!kube::is_being_deleted(*there) &&
               string_at(*there, "status.phase") != "Terminating") {
      return false;
    }
    if (deadline.expired()) {
      return Error(Code::DeadlineExceeded, "namespace {} is being deleted and has not gone in time",
                   target)
          .with_hint(
              fmt::format("Look at what holds it: kubectl get namespace {} -o yaml", target));
    }
    if (!sleep_unless_stopped(pause, stop)) return Error(Code::Canceled, "the restore was stopped");
    pause = std::min(pause * 2, milliseconds(1000));
  }
}

}  // namespace lateen::restore
