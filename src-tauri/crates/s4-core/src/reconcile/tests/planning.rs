//! Plans of a model world, with true answers to every question.

use crate::digest::Digest;
use crate::facts::{Facts, LocalFact};
use crate::plan::{Examine, Plan};
use crate::reconcile::{Input, reconcile};
use crate::remote::{Metadata, ObjectHead};

use super::world::{Node, Object, Tags, World};

impl World {
    /// Plans with what is known.
    pub(super) fn plan_once(&self) -> Plan {
        let (local, remote) = (self.scan(), self.list());
        let input = Input {
            baseline: &self.baseline,
            local: &local,
            remote: &remote,
            facts: &self.facts,
            context: &self.context,
        };
        let plan = reconcile(input);
        assert_eq!(plan, reconcile(input), "the same input gives the same plan");
        self.assert_focus(&plan);
        plan
    }

    /// Plans, answering every question truly.
    pub(super) fn plan(&mut self) -> Plan {
        for _ in 0..6 {
            let plan = self.plan_once();
            if plan.examine.is_empty() {
                return plan;
            }
            for need in &plan.examine {
                self.answer(need);
            }
        }
        panic!("the planner never stops asking: {:?}", self.plan_once().examine);
    }

    /// Begins another cycle: what was found out is asked anew, but for replies to a GET.
    pub(super) fn forget_facts(&mut self) {
        self.facts = Facts::default();
        for key in self.strangers.clone() {
            if self.bucket.contains_key(key.as_str()) {
                self.answer(&Examine::Head { key });
            }
        }
    }

    pub(super) fn answer(&mut self, need: &Examine) {
        match need {
            Examine::LocalHash { disk } => {
                let read_time_ns = self.tick();
                let Node::File { content, print, .. } = &self.disk[disk] else {
                    panic!("only files have hashes: {disk}");
                };
                let digest = Digest::of(content.as_bytes());
                self.facts.learn_local(disk.clone(), LocalFact { fingerprint: *print, digest, read_time_ns });
            }
            Examine::Head { key } => {
                let object = &self.bucket[key.as_str()];
                let head = self.head(object);
                self.facts.learn_head(key.clone(), object.last_modified, head);
            }
            Examine::Content { key } => {
                let object = &self.bucket[key.as_str()];
                let digest = Digest::of(object.content.as_bytes());
                self.facts.learn_content(key.clone(), object.etag.clone(), digest);
            }
        }
    }

    fn head(&self, object: &Object) -> ObjectHead {
        let digest = Digest::of(object.content.as_bytes());
        ObjectHead {
            etag: object.etag.clone(),
            last_modified: object.last_modified,
            size: digest.size,
            version_id: None,
            crc64nvme: (self.tags == Tags::Checksummed).then_some(digest.crc64nvme),
            etag_is_md5: self.tags == Tags::Md5,
            metadata: Metadata {
                mtime_ns: object.mtime_ns,
                executable: object.executable,
                symlink: object.symlink,
                base: object.base.clone(),
            },
        }
    }
}
