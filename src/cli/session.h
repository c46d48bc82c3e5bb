// What a command that talks to a cluster works with, opened from the global flags.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "cli/command.h"
#include "cli/download_route.h"
#include "kube/client.h"
#include "server/cluster.h"

namespace lateen::cli {

// Movable.
struct Session {
  std::unique_ptr<kube::Client> client;
  server::Cluster cluster;
  std::unique_ptr<DownloadRoute> route = std::make_unique<DownloadRoute>();

  const std::string& ns() const { return cluster.ns(); }
};

Result<Session> open_session(const Invocation& call);

// The advice for a name that is not there: where it was looked for, and what lists what is there.
// `plural` is the kind's: "backups".
std::string not_found_hint(std::string_view plural, const Session& session, const Invocation& call);

// One object by its name, as a person gave it.
template <typename T>
Result<T> get_named(const Session& session, const std::string& name, const Invocation& call) {
  auto object = session.cluster.get<T>(name, call.stop);
  if (object || !object.error().is(Code::NotFound) || call.is_velero()) return object;
  return std::move(object).error().with_hint(not_found_hint(T::kKind.plural, session, call));
}

// The namespace of velero.io objects: --namespace (--velero-namespace of commands whose --namespace
// is an object's), the client's config file, VELERO_NAMESPACE,
// "velero".
Result<std::string> velero_namespace(const Invocation& call);

}  // namespace lateen::cli
