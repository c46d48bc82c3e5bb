#include "plugins/volume_snapshotter_plugin.h"

#include <gtest/gtest.h>

#include "plugins/testing/plugin_program.h"

namespace lateen::plugins {
namespace {

using testing::PluginDir;

class VolumeSnapshotterPlugin : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = PluginDir::create();
    ASSERT_NE(dir_, nullptr);
    const PluginId id{
        .kind = PluginKind::VolumeSnapshotter, .name = "example.io/copy", .command = dir_->add()};
    auto opened =
        open_volume_snapshotter({.id = id}, {.provider = id.name, .config = {{"region", "north"}}});
    ASSERT_TRUE(opened) << opened.error().message();
    plugin_ = std::move(*opened);
  }

  static Json volume_at(const std::string& path) {
    return parse_json(R"({"metadata":{"name":"pv-1"},"spec":{"hostPath":{"path":")" + path +
                      R"("}}})")
        .value();
  }

  std::unique_ptr<PluginDir> dir_;
  std::unique_ptr<volumes::VolumeSnapshotter> plugin_;
};

TEST_F(VolumeSnapshotterPlugin, TakesASnapshotAndMakesAVolumeOfIt) {
  const FilePath data = dir_->state() / "data";
  ASSERT_TRUE(make_dirs(data));
  ASSERT_TRUE(write_file(data / "file", "content"));
  const auto id = plugin_->volume_id_of(volume_at(data.native()));
  ASSERT_TRUE(id) << id.error().message();
  EXPECT_EQ(*id, data.native());
  const auto info = plugin_->volume_info(*id, "north-1", {});
  EXPECT_EQ(info->type, "folder");
  EXPECT_EQ(info->iops, 7);
  const auto snapshot = plugin_->create_snapshot(*id, "north-1", {{"velero.io/backup", "b"}}, {});
  ASSERT_TRUE(snapshot) << snapshot.error().message();
  EXPECT_EQ(string_at(*find(dir_->calls("CreateSnapshot").at(0), "tags"), "velero"), "");
  const auto made = plugin_->create_volume_from_snapshot(
      {.snapshot_id = *snapshot, .az = "north-1", .info = *info}, {});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(read_file(FilePath(*made) / "file").value(), "content");
  const auto volume = plugin_->set_volume_id(volume_at("/old"), *made);
  EXPECT_EQ(string_at(*volume, "spec.hostPath.path"), *made);
  EXPECT_TRUE(plugin_->delete_snapshot(*snapshot, {}));
  EXPECT_TRUE(plugin_->delete_snapshot(*snapshot, {}));
}

TEST_F(VolumeSnapshotterPlugin, SaysWhichVolumeAndWhatWentWrong) {
  const auto snapshot = plugin_->create_snapshot("/nowhere/at/all", "", {}, {});
  EXPECT_EQ(snapshot.error().message(),
            "taking a snapshot of volume /nowhere/at/all: rpc error: code = Unknown desc = there "
            "is no volume /nowhere/at/all");
  EXPECT_EQ(*plugin_->volume_id_of(parse_json(R"({"spec":{"csi":{}}})").value()), "");
}

TEST_F(VolumeSnapshotterPlugin, HearsTheStop) {
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(plugin_->delete_snapshot("x", source.get_token()).error().code(), Code::Canceled);
}

}  // namespace
}  // namespace lateen::plugins
