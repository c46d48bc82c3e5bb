#include "server/progress.h"

namespace lateen::server {

ProgressWriter::ProgressWriter(const ServerContext& context,
                               kube::ObjectPath path,
                               std::string_view done_field)
    : client_(context.client()), path_(std::move(path)), done_field_(done_field) {
  writer_ = std::jthread([this](std::stop_token stop) { write_until_stopped(stop); });
}

ProgressWriter::ProgressWriter(const ServerContext& context, const model::Backup& backup)
    : ProgressWriter(
          context, context.cluster.path<model::Backup>(backup.metadata.name), "itemsBackedUp") {}

ProgressWriter::ProgressWriter(const ServerContext& context, const model::Restore& restore)
    : ProgressWriter(
          context, context.cluster.path<model::Restore>(restore.metadata.name), "itemsRestored") {}

ProgressWriter::~ProgressWriter() = default;

void ProgressWriter::tell(std::int64_t done, std::int64_t total) {
  const Lock lock(mu_);
  done_ = std::max(done_, done);
  total_ = std::max(total_, total);
}

void ProgressWriter::write_until_stopped(std::stop_token stop) {
  std::int64_t written = -1;
  while (sleep_unless_stopped(std::chrono::seconds(1), stop)) {
    std::int64_t done = 0;
    std::int64_t total = 0;
    {
      const Lock lock(mu_);
      done = done_;
      total = total_;
    }
    if (done == written) continue;
    const Json patch = JsonObject{
        {"status",
         JsonObject{{"progress", JsonObject{{"totalItems", total}, {done_field_, done}}}}}};
    if (client_.patch(path_, kube::PatchType::Merge, patch, {}, stop)) written = done;
  }
}

}  // namespace lateen::server
