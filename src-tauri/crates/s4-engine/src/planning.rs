//! From both sides to a plan: observe, reconcile, find out what is missing, reconcile again. It changes nothing.
//!
//! - What is settled on both sides is left out before anything is planned. If a row was committed after the look began
//!   both sides are looked at anew: absence in a listing counts only for rows that were committed before it.
//! - Rules are read before the scan and compared after it: what was scanned by other rules is scanned anew.
//! - A plan that still asks when it has asked often enough is returned as it is; nobody carries it out.

use std::sync::Arc;

use s4_core::baseline::Baseline;
use s4_core::context::{Context, GuardHistory};
use s4_core::facts::Facts;
use s4_core::focus::{self, Focused, LocalEntries, Seen};
use s4_core::key::ObjectKey;
use s4_core::path::RelPath;
use s4_core::plan::Plan;
use s4_core::reconcile::{self, Input};
use s4_core::remote::UnixMillis;
use s4_core::rules::{RULE_FILES, Rules};

use crate::db::Outline;
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

/// How often both sides are looked at anew because rules or rows changed meanwhile.
const MAX_LOOKS: usize = 5;

/// What one look saw.
struct Looked {
    baseline: Arc<Baseline>,
    rules: Rules,
    guard: GuardHistory,
    known: Known,
}

/// Whether anything was ever agreed on.
enum Start {
    /// Nothing was.
    First,
    /// Something was; a long listing may be cut here.
    Later(Vec<ObjectKey>),
    /// Something was, since this listing began.
    Listed(Listing),
}

/// A plan with what it was made of: the rows of settled files are left out of the baseline.
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
        mut listed: Option<Listing>,
    ) -> Result<Planned, SyncError> {
        self.phase(Phase::Observing);
        let now = self.clock.now();
        let mut looks = 0;
        let Looked { baseline, rules, guard, mut known } = loop {
            match self.look(now, lessons, observer, listed.take()).await? {
                Some(looked) => break looked,
                None if looks < MAX_LOOKS => looks += 1,
                None => return Err(SyncError::Internal("what is known changes again and again".to_owned())),
            }
        };
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

    /// Looks at both sides and leaves out what is settled; `None` if rows were committed meanwhile.
    ///
    /// A listing that was made already is taken for the bucket: it holds every object that there is a row of.
    async fn look(
        &self,
        now: UnixMillis,
        lessons: &Lessons,
        observer: &Observer,
        listed: Option<Listing>,
    ) -> Result<Option<Looked>, SyncError> {
        let outline = self.on_database(move |db| db.outline(now)).await?;
        let Outline { dirs, files, mut facts, guard, commits } = outline;
        lessons.teach(&mut facts);
        let start = match (listed, files) {
            (Some(listed), _) => Start::Listed(listed),
            (None, 0) if dirs.is_empty() => Start::First,
            (None, files) => Start::Later(observe::splits(&self.settings.prefix, &dirs, files)),
        };
        let (rules, local, Listing { objects, has_python_index }) = self.observe(start).await?;
        observer(&Event::Observed { local: local.len(), remote: objects.files() });
        let disk = self.context().disk;
        // The rows are read only now: of a million files most are never needed.
        let focused = self.on_database(move |db| {
            let seen = Seen { local: &local, remote: &objects, disk: &disk };
            let focused = match files {
                0 => Focused::whole(seen, dirs),
                _ => focus::focus(seen, dirs, |visit| db.each_file(visit))?,
            };
            // A run that was dropped may still have ended a step. Absence in the listing says nothing of its row.
            if db.commits() != commits {
                return Ok(None);
            }
            db.note_times(&focused.noted)?;
            Ok(Some(focused))
        });
        Ok(focused.await?.map(|Focused { baseline, local, remote, .. }| Looked {
            baseline: Arc::new(baseline),
            rules,
            guard,
            known: Known { local, remote, facts, is_shared_with_python: has_python_index },
        }))
    }

    /// Looks at both sides, by rules that did not change meanwhile.
    async fn observe(&self, mut start: Start) -> Result<(Rules, LocalEntries, Listing), SyncError> {
        for _ in 0..MAX_LOOKS {
            let texts = self.read_rules().await?;
            let seen = self.look_at_both(&mut start, texts.clone()).await?;
            // What was scanned is younger than the rules. If they changed meanwhile it may be what they keep private.
            if self.read_rules().await? == texts {
                return Ok(seen);
            }
        }
        Err(SyncError::RulesUnreadable {
            file: RULE_FILES[0].to_owned(),
            why: "it changes again and again".to_owned(),
        })
    }

    pub(crate) async fn read_rules(&self) -> Result<Vec<RuleText>, SyncError> {
        let folder = self.folder.clone();
        self.blocking.run(move || rules::read_local(&folder)).await?
    }

    async fn look_at_both(
        &self,
        start: &mut Start,
        mut texts: Vec<RuleText>,
    ) -> Result<(Rules, LocalEntries, Listing), SyncError> {
        let (store, prefix) = (&*self.store, &self.settings.prefix);
        let listing = match start {
            Start::Later(splits) => {
                let rules = rules::build(&texts, &self.settings.exclude)?;
                let (local, listing) = futures::future::try_join(
                    observe::scan(&self.folder, &rules, self.blocking),
                    observe::list(store, prefix, splits),
                )
                .await?;
                return Ok((rules, local, listing));
            }
            Start::First => observe::list(store, prefix, &[]).await?,
            Start::Listed(_) => match std::mem::replace(start, Start::First) {
                Start::Listed(listing) => listing,
                Start::First | Start::Later(_) => observe::list(store, prefix, &[]).await?,
            },
        };
        // Rules that only the bucket has count from the start: what they ignore must not be brought here.
        let files: Vec<RelPath> = RULE_FILES.iter().filter_map(|name| RelPath::parse(name).ok()).collect();
        let more = rules::read_remote(store, &listing.objects.only(&files), &texts).await?;
        texts.extend(more);
        let rules = rules::build(&texts, &self.settings.exclude)?;
        let local = observe::scan(&self.folder, &rules, self.blocking).await?;
        Ok((rules, local, listing))
    }

    /// Looks and plans as [`Target::sync`] does, and changes nothing.
    pub async fn preview(&mut self, options: &SyncOptions, observer: &Observer) -> Result<Plan, SyncError> {
        let (lessons, mut examined) = (Lessons::default(), Examined::default());
        let planned = self.plan(options, &lessons, observer, &mut examined, None).await;
        self.status.send_replace(Status::default());
        Ok(planned?.plan)
    }

    pub(crate) fn phase(&self, phase: Phase) {
        self.status.send_modify(|status| status.phase = phase);
    }
}
