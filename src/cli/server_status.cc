#include "cli/server_status.h"

namespace lateen::cli {

Result<model::ServerStatusRequest> ask_server_status(const Session& session,
                                                     Duration timeout,
                                                     std::stop_token stop) {
  model::ServerStatusRequest request;
  request.metadata.ns = session.ns();
  request.metadata.generate_name = "velero-cli-";
  const auto created = TRY(session.cluster.create(request, stop));
  const Deadline deadline = Deadline::after(timeout);
  while (!deadline.expired()) {
    auto now = TRY(session.cluster.get<model::ServerStatusRequest>(created.metadata.name, stop));
    if (now.status.phase == model::RequestPhase::Processed) return now;
    if (!sleep_unless_stopped(std::chrono::milliseconds(100), stop)) break;
  }
  return Error(Code::DeadlineExceeded, "context deadline exceeded");
}

}  // namespace lateen::cli
