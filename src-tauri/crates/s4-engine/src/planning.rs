//! From both sides to a plan: observe, reconcile, find out what is missing, reconcile again. It changes nothing.
//!
//! - Rules are read before the scan and compared after it: what was scanned by other rules is scanned anew.
//! - A plan that still asks when it has asked often enough is returned as it is; nobody carries it out.

use std::sync::Arc;

use s4_core::baseline::Baseline;
use s4_core::context::Context;
use s4_core::facts::Facts;
use s4_core::local::LocalTree;
use s4_core::plan::Plan;
use s4_core::reconcile::{self, Input};
use s4_core::rules::Rules;

use crate::db::Loaded;
use crate::error::SyncError;
use crate::examine::{Examiner, Known};
use crate::lessons::Lessons;
use crate::observe::{self, Listing};
use crate::report::{Event, Examined, Observer, Phase, Status, Work};
use crate::rules::{self, RuleText};
use crate::settings::SyncOptions;
use crate::target::Target;

/// How often a plan may ask for more facts.
const MAX_QUESTIONS: usize = 16;

/// How often both sides are looked at anew because the rules changed meanwhile.
const MAX_LOOKS: usize = 5;

/// A plan with what it was made of.
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) baseline: Arc<Baseline>,
    /// What was found out on the way: who carries the plan out need not read it again.
    pub(crate) facts: Facts,
    pub(crate) is_shared_with_python: bool,
}

impl Target {
    /// Observes and plans, finding out what is missing, and changes nothing.
    pub(crate) async fn plan(
        &self,
        options: &SyncOptions,
        lessons: &Lessons,
        observer: &Observer,
        count: &mut Examined,
    ) -> Result<Planned, SyncError> {
        self.phase(Phase::Observing);
        let now = self.clock.now();
        let Loaded { baseline, facts, guard } = self.on_database(move |db| db.load(now)).await?;
        let baseline = Arc::new(baseline);
        let (rules, mut known) = self.observe(&baseline, facts).await?;
        lessons.teach(&mut known.facts);
        observer(&Event::Observed { local: known.local.entries.len(), remote: known.remote.objects.len() });
        let context = Context {
            guard,
            now,
            rules,
            policy: options.policy.unwrap_or(self.settings.policy),
            limits: options.limits.unwrap_or(self.settings.limits),
            prune_ignored: options.prune_ignored,
            ..self.context()
        };
        self.phase(Phase::Examining);
        let examiner = Examiner {
            store: self.store.clone(),
            folder: self.folder.clone(),
            prefix: self.settings.prefix.clone(),
            blocking: self.blocking,
        };
        let mut asked = 0;
        loop {
            let plan = reconcile::reconcile(Input {
                baseline: &baseline,
                local: &known.local,
                remote: &known.remote,
                facts: &known.facts,
                context: &context,
            });
            if plan.examine.is_empty() || asked == MAX_QUESTIONS {
                observer(&Event::Planned {
                    steps: plan.steps.len(),
                    bytes: plan.steps.iter().map(|step| Work::of(&step.path, &step.action).bytes).sum(),
                });
                let Known { facts, is_shared_with_python, .. } = known;
                return Ok(Planned { plan, baseline, facts, is_shared_with_python });
            }
            asked += 1;
            let found = examiner.examine(&plan.examine, &mut known, count).await?;
            self.on_database(move |db| {
                db.learn(&found.learned)?;
                db.learn_chunks(&found.chunks)
            })
            .await?;
        }
    }

    async fn observe(&self, baseline: &Baseline, facts: Facts) -> Result<(Rules, Known), SyncError> {
        for _ in 0..MAX_LOOKS {
            let texts = self.read_rules().await?;
            let (rules, local, listing) = self.look_at_both(baseline, texts.clone()).await?;
            // What was scanned is younger than the rules. If they changed meanwhile it may be what they keep private.
            if self.read_rules().await? == texts {
                return Ok((rules, known(local, listing, facts)));
            }
        }
        Err(SyncError::RulesUnreadable {
            file: s4_core::rules::RULE_FILES[0].to_owned(),
            why: "it changes again and again".to_owned(),
        })
    }

    async fn read_rules(&self) -> Result<Vec<RuleText>, SyncError> {
        let folder = self.folder.clone();
        self.blocking.run(move || rules::read_local(&folder)).await?
    }

    async fn look_at_both(
        &self,
        baseline: &Baseline,
        mut texts: Vec<RuleText>,
    ) -> Result<(Rules, LocalTree, Listing), SyncError> {
        let (store, prefix) = (&*self.store, &self.settings.prefix);
        if baseline.is_empty() {
            // Rules that only the bucket has count from the start: what they ignore must not be brought here.
            let listing = observe::list(store, prefix).await?;
            let more = rules::read_remote(store, &listing.tree, &texts).await?;
            texts.extend(more);
            let rules = rules::build(&texts, &self.settings.exclude)?;
            let local = observe::scan(&self.folder, &rules, self.blocking).await?;
            return Ok((rules, local, listing));
        }
        let rules = rules::build(&texts, &self.settings.exclude)?;
        let (local, listing) = futures::future::try_join(
            observe::scan(&self.folder, &rules, self.blocking),
            observe::list(store, prefix),
        )
        .await?;
        Ok((rules, local, listing))
    }

    /// Looks and plans as [`Target::sync`] does, and changes nothing.
    pub async fn preview(&mut self, options: &SyncOptions, observer: &Observer) -> Result<Plan, SyncError> {
        let planned = self.plan(options, &Lessons::default(), observer, &mut Examined::default()).await;
        self.status.send_replace(Status::default());
        Ok(planned?.plan)
    }

    fn phase(&self, phase: Phase) {
        self.status.send_modify(|status| status.phase = phase);
    }
}

fn known(local: LocalTree, listing: Listing, facts: Facts) -> Known {
    Known { local, remote: listing.tree, facts, is_shared_with_python: listing.has_python_index }
}
