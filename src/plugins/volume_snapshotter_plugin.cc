#include "plugins/volume_snapshotter_plugin.h"

#include <utility>

#include <velero/volume_snapshotter.pb.h>

#include "plugins/rpc.h"

namespace lateen::plugins {
namespace {

std::string method(std::string_view name) {
  return fmt::format("/generated.VolumeSnapshotter/{}", name);
}

Status init(const Connection& connection,
            const std::string& plugin,
            const model::StringMap& config,
            Duration patience,
            const std::stop_token& stop) {
  return initialise<generated::VolumeSnapshotterInitRequest, generated::Empty>(
      connection.channel(), method("Init"), plugin, config, Deadline::after(patience), stop);
}

class PluginVolumeSnapshotter final : public volumes::VolumeSnapshotter {
 public:
  explicit PluginVolumeSnapshotter(std::unique_ptr<StatefulPlugin> plugin)
      : plugin_(std::move(plugin)) {}

  Result<std::string> create_volume_from_snapshot(const volumes::VolumeRequest& request,
                                                  std::stop_token stop) override {
    auto message = message_of<generated::CreateVolumeRequest>();
    message.set_snapshotid(request.snapshot_id);
    message.set_volumetype(request.info.type);
    message.set_volumeaz(request.az);
    message.set_iops(request.info.iops.value_or(0));
    auto answer =
        TRY(ask<generated::CreateVolumeResponse>("CreateVolumeFromSnapshot", message, stop)
                .wrap("creating a volume from snapshot {}", request.snapshot_id));
    return std::move(*answer.mutable_volumeid());
  }

  Result<volumes::StoredVolumeInfo> volume_info(std::string_view volume_id,
                                                std::string_view az,
                                                std::stop_token stop) override {
    auto message = message_of<generated::GetVolumeInfoRequest>();
    message.set_volumeid(std::string(volume_id));
    message.set_volumeaz(std::string(az));
    const auto answer = TRY(ask<generated::GetVolumeInfoResponse>("GetVolumeInfo", message, stop)
                                .wrap("asking about volume {}", volume_id));
    volumes::StoredVolumeInfo info;
    info.type = answer.volumetype();
    if (answer.iops() != 0) info.iops = answer.iops();
    return info;
  }

  Result<std::string> create_snapshot(std::string_view volume_id,
                                      std::string_view az,
                                      const model::StringMap& tags,
                                      std::stop_token stop) override {
    auto message = message_of<generated::CreateSnapshotRequest>();
    message.set_volumeid(std::string(volume_id));
    message.set_volumeaz(std::string(az));
    for (const auto& [key, value] : tags)
      (*message.mutable_tags())[key] = value;
    auto answer = TRY(ask<generated::CreateSnapshotResponse>("CreateSnapshot", message, stop)
                          .wrap("taking a snapshot of volume {}", volume_id));
    return std::move(*answer.mutable_snapshotid());
  }

  Status delete_snapshot(std::string_view snapshot_id, std::stop_token stop) override {
    auto message = message_of<generated::DeleteSnapshotRequest>();
    message.set_snapshotid(std::string(snapshot_id));
    TRY(ask<generated::Empty>("DeleteSnapshot", message, stop)
            .wrap("deleting snapshot {}", snapshot_id));
    return {};
  }

  Result<std::string> volume_id_of(const Json& persistent_volume) override {
    auto message = message_of<generated::GetVolumeIDRequest>();
    message.set_persistentvolume(write_json(persistent_volume));
    auto answer = TRY(ask<generated::GetVolumeIDResponse>("GetVolumeID", message, {})
                          .wrap("asking for the volume of {}", name_of(persistent_volume)));
    return std::move(*answer.mutable_volumeid());
  }

  Result<Json> set_volume_id(const Json& persistent_volume, std::string_view volume_id) override {
    auto message = message_of<generated::SetVolumeIDRequest>();
    message.set_persistentvolume(write_json(persistent_volume));
    message.set_volumeid(std::string(volume_id));
    const auto answer =
        TRY(ask<generated::SetVolumeIDResponse>("SetVolumeID", message, {})
                .wrap("putting volume {} behind {}", volume_id, name_of(persistent_volume)));
    return parse_json(answer.persistentvolume())
        .wrap("the persistent volume that plugin {} gave for {}", plugin_->name(),
              name_of(persistent_volume));
  }

 private:
  static std::string_view name_of(const Json& object) { return string_at(object, "metadata.name"); }

  template <typename Request>
  Request message_of() const {
    Request request;
    request.set_plugin(plugin_->name());
    return request;
  }

  template <typename Response, typename Request>
  Result<Response> ask(std::string_view name, const Request& request, const std::stop_token& stop) {
    const Connection connection = TRY(plugin_->connect(stop));
    auto answer = call<Response>(connection.channel(), method(name), request,
                                 Deadline::after(plugin_->limits().execute), stop);
    if (!answer) return plugin_->explain(std::move(answer).error(), connection);
    return answer;
  }

  const std::unique_ptr<StatefulPlugin> plugin_;
};

}  // namespace

Result<std::unique_ptr<volumes::VolumeSnapshotter>> open_volume_snapshotter(
    const PluginOptions& options, const volumes::SnapshotterOptions& location) {
  const auto tell = [name = options.id.name, patience = options.limits.quick](
                        const Connection& connection, const model::StringMap& config,
                        const std::stop_token& stop) {
    return init(connection, name, config, patience, stop);
  };
  PluginOptions own = options;
  own.process.log = location.log;
  auto plugin =
      TRY(StatefulPlugin::open(std::move(own), location.config, location.credential, tell));
  TRY(plugin->connect({}).wrap("volume snapshotter plugin {}", options.id.name));
  return std::make_unique<PluginVolumeSnapshotter>(std::move(plugin));
}

}  // namespace lateen::plugins
