// The ground that most voyages start from: a sandbox with Lateen's kinds, a server, and a bucket.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "voyages/testing/harbour.h"

namespace lateen::voyages {

// One sandbox for all tests of a suite, since starting one takes a second; so each test keeps to
// namespaces and names of its own. A test gets a server that runs, even after one that killed it.
template <typename Suite>
class Voyage : public ::testing::Test {
 protected:
  // A suite hides these to have others.
  static Words server_flags() { return {"--backup-sync-period", "1s"}; }

  static FilePath bucket_at(const Harbour& at) { return at.dir() / "bucket/lateen"; }

  static void SetUpTestSuite() {
    harbour_ = Harbour::open();
    if (harbour_ == nullptr) return;
    harbour_->must_lateen({"install", "--crds-only"});
    harbour_->must_kubectl({"create", "namespace", "velero"});
    const Status made = make_dirs(bucket_at(*harbour_));
    ASSERT_TRUE(made) << made.error().message();
    harbour_->must_lateen(
        {"backup-location", "create", "default", "--provider", "filesystem", "--bucket", "lateen",
         "--config", fmt::format("path={}", (harbour_->dir() / "bucket").string()), "--default"});
  }

  static void TearDownTestSuite() {
    server_.reset();
    harbour_.reset();
  }

  void SetUp() override {
    ASSERT_NE(harbour_, nullptr) << "there is no sandbox";
    if (server_ == nullptr || !server_->runs()) start_server();
  }

  void TearDown() override {
    if (!HasFailure() || harbour_ == nullptr) return;
    std::cerr << "-- the server's log\n" << (server_ ? server_->log() : std::string()) << "\n";
  }

  static Harbour& harbour() { return *harbour_; }

  static Server& server() { return *server_; }

  static FilePath bucket() { return bucket_at(*harbour_); }

  static void start_server() {
    server_.reset();
    server_ = Server::start(*harbour_, Suite::server_flags());
    ASSERT_NE(server_, nullptr);
    wait_until("the location is Available", [] { return location_phase() == "Available"; });
  }

  static std::string location_phase() {
    const auto location = harbour_->find({"-n", "velero", "backupstoragelocations", "default"});
    return location ? std::string(string_at(*location, "status.phase")) : std::string();
  }

  // velero.io objects, by the plural of their kind.
  static Json velero(std::string_view plural, std::string_view name) {
    return harbour_->get({"-n", "velero", fmt::format("{}.velero.io", plural), std::string(name)});
  }

  static std::string phase_of(std::string_view plural, std::string_view name) {
    const auto object =
        harbour_->find({"-n", "velero", fmt::format("{}.velero.io", plural), std::string(name)});
    return object ? std::string(string_at(*object, "status.phase")) : std::string();
  }

  // `lateen backup create NAME FLAGS --wait`, which must end as said.
  static void back_up(std::string_view name, Words flags, std::string_view phase = "Completed") {
    run_and_expect("backup", name, std::move(flags), phase);
  }

  static void restore(std::string_view name, Words flags, std::string_view phase = "Completed") {
    run_and_expect("restore", name, std::move(flags), phase);
  }

  static FilePath backup_dir(std::string_view name) {
    return bucket() / "backups" / std::string(name);
  }

 private:
  static void run_and_expect(const std::string& noun,
                             std::string_view name,
                             Words flags,
                             std::string_view phase) {
    flags.insert(flags.begin(), {noun, "create", std::string(name)});
    flags.emplace_back("--wait");
    const Outcome ran = harbour_->lateen(flags);
    const std::string ended = phase_of(noun + "s", name);
    if (ended == phase) return;
    ADD_FAILURE() << ran.story() << "\n"
                  << harbour_->lateen({noun, "describe", std::string(name), "--details"}).story();
  }

  static inline std::unique_ptr<Harbour> harbour_;
  static inline std::unique_ptr<Server> server_;
};

}  // namespace lateen::voyages
