// Deletes what has lost its owners, and carries out Foreground and Orphan deletions. It knows of
// every object of the cluster only who it is and whose it is; each decision is checked against the
// API before anything is deleted.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/thread.h"
#include "kube/object.h"
#include "sandbox/controllers/controller.h"

namespace lateen::sandbox {

class GarbageCollector final : public Controller {
 public:
  explicit GarbageCollector(ControllerContext& context);
  ~GarbageCollector() override;

  // Also follows every resource that is served, custom ones as they come: a thread each.
  void start_following();
  void stop_following();

 protected:
  Result<LookAgain> reconcile(const std::string& uid, std::stop_token stop) override;

 private:
  // Memory: some 300 bytes an object.
  struct Node {
    kube::GroupVersionResource gvr;
    std::string ns;
    std::string name;
    std::vector<kube::OwnerReference> owners;
    bool deleting = false;
    bool foreground = false;  // has the finalizer foregroundDeletion
    bool orphan = false;      // has the finalizer orphan
  };

  struct Follower {
    kube::GroupVersionResource gvr;
    std::jthread thread;
  };

  void follow_resources(std::stop_token stop);
  void follow_one(const kube::GroupVersionResource& gvr, std::stop_token stop);
  Status follow_once(const kube::GroupVersionResource& gvr, std::stop_token stop);
  void put(const kube::GroupVersionResource& gvr, const Json& object);
  void drop(const std::string& uid);

  std::optional<Node> find_node(const std::string& uid) const;
  std::vector<std::string> dependents_of(const std::string& uid) const;
  Result<bool> owner_exists(const Node& node, const kube::OwnerReference& owner);

  Status collect(const std::string& uid, const Node& known_node);
  Status finish_foreground(const std::string& uid, const Node& node, bool& waiting);
  Status finish_orphan(const std::string& uid, const Node& node);
  Status change(const Node& node, const std::string& uid, const std::function<bool(Json&)>& edit);
  Status remove(const Node& node, const std::string& uid, std::string_view policy);

  mutable Mutex mu_;
  std::map<std::string, Node> nodes_ LATEEN_GUARDED_BY(mu_);
  std::map<std::string, std::set<std::string>> dependents_
      LATEEN_GUARDED_BY(mu_);  // of an owner's uid
  std::map<kube::GroupVersionResource, std::set<std::string>> of_resource_ LATEEN_GUARDED_BY(mu_);
  std::vector<Follower> followers_;  // of the thread below alone
  std::jthread resources_;
};

}  // namespace lateen::sandbox
