//! One round: observe both sides, plan, find out what is missing, carry out, commit.
//!
//! - What changes under a round is left for the next one; a run makes several until nothing is left to do.
//! - Nothing is carried out while a fact is missing, or when the plan halts.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use s4_core::baseline::Baseline;
use s4_core::capabilities::Versioning;
use s4_core::context::{Context, DeleteLimits};
use s4_core::facts::Facts;
use s4_core::local::LocalTree;
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::{Action, DeleteReason, Plan, RemoteExpectation, RowChange, Side, Step};
use s4_core::reconcile::{self, Input};
use s4_core::rules::Rules;
use s4_store::error::StoreErrorKind;

use crate::clock;
use crate::db::{Commit, Loaded};
use crate::error::SyncError;
use crate::examine::{Examiner, Known};
use crate::execute::{Cause, Executed, Execution, Failure};
use crate::observe::{self, Listing};
use crate::report::{Event, Examined, Halted, Observer, Phase, Report, Status, Work};
use crate::rules::{self, RuleText};
use crate::session::Session;
use crate::settings::SyncOptions;
use crate::target::Target;

/// How many rounds a run makes before it leaves the rest to the next run.
const MAX_ROUNDS: usize = 6;
/// How often a plan may ask for more facts.
const MAX_QUESTIONS: usize = 16;

/// How often both sides are looked at anew because the rules changed meanwhile.
const MAX_LOOKS: usize = 5;

/// A plan with what it was made of.
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) baseline: Arc<Baseline>,
    pub(crate) is_shared_with_python: bool,
}

/// What a run learned in one round and must know in the next: above all which paths fail.
#[derive(Default)]
struct Lessons(Vec<Failure>);

impl Target {
    /// Syncs until nothing is left to do, or the rest must wait.
    ///
    /// On an error what was done stands and is committed; the next run goes on. If the future is dropped, steps
    /// under way may still end; the next run finds out.
    pub async fn sync(&mut self, options: &SyncOptions, observer: &Observer) -> Result<Report, SyncError> {
        let mut report = Report { notices: self.notices().to_vec(), ..Report::default() };
        let result = self.rounds(options, observer, &mut report).await;
        self.status.send_replace(Status::default());
        result?;
        self.finish(&report).await?;
        Ok(report)
    }

    async fn rounds(
        &mut self,
        options: &SyncOptions,
        observer: &Observer,
        report: &mut Report,
    ) -> Result<(), SyncError> {
        self.give_up_left_uploads().await?;
        let mut lessons = Lessons::default();
        let mut relies_on_versions = self.capabilities.versioning == Versioning::Enabled;
        for _ in 0..MAX_ROUNDS {
            self.recover(observer, report).await?;
            let planned = self.plan(options, &lessons, observer, &mut report.examined).await?;
            let Planned { plan, baseline, is_shared_with_python } = planned;
            self.on_database({
                let (conflicts, problems) = (plan.conflicts.clone(), plan.problems.clone());
                move |db| db.set_standing(&conflicts, &problems)
            })
            .await?;
            report.conflicts.clone_from(&plan.conflicts);
            report.problems.clone_from(&plan.problems);
            report.failed.clear();
            report.unsettled = 0;
            if let Some(halted) = Halted::of(&plan) {
                report.halt = Some(halted);
                return Ok(());
            }
            if relies_on_versions && plan.steps.iter().any(takes_away) {
                relies_on_versions = false;
                self.look_at_versioning().await?;
                if self.capabilities.needs_trash() {
                    continue;
                }
            }
            self.commit_found(plan.rows).await?;
            if plan.steps.is_empty() {
                return Ok(());
            }
            let steps = plan.steps.len();
            let session = Arc::new(self.session(baseline, is_shared_with_python, observer));
            let executed = self.execute(plan.steps, plan.uncounted, session, options).await?;
            report.unsettled = steps - executed.done.len() - executed.failed.len();
            if !lessons.learn(executed, report) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Asks anew whether the bucket keeps old versions: somebody may have suspended that since the target was added.
    async fn look_at_versioning(&mut self) -> Result<(), SyncError> {
        self.capabilities.versioning = match self.store.versioning().await {
            // Where one may not ask, they are not counted on.
            Err(error) if matches!(error.kind, StoreErrorKind::Denied | StoreErrorKind::Unsupported) => {
                Versioning::Off
            }
            asked => asked?,
        };
        Ok(())
    }

    /// Commits rows of what both sides were found to have.
    async fn commit_found(&self, rows: Vec<RowChange>) -> Result<(), SyncError> {
        if rows.is_empty() {
            return Ok(());
        }
        let found: Vec<DiskPath> = rows.iter().filter_map(RowChange::disk).cloned().collect();
        let commit = Commit { rows, at: self.clock.now(), ..Commit::default() };
        let (folder, db) = (self.folder.clone(), self.db.clone());
        self.blocking
            .run(move || -> Result<(), SyncError> {
                // What was found may not be on the disk itself yet: left by a program just now, or by a run of ours
                // that was killed. If the power went now, a row without its file would look like a deletion.
                if !found.is_empty() {
                    folder.make_durable(&found)?;
                }
                Ok(db.commit(&commit)?)
            })
            .await?
    }

    /// Observes and plans, finding out what is missing, and changes nothing.
    async fn plan(
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
                return Ok(Planned { plan, baseline, is_shared_with_python: known.is_shared_with_python });
            }
            asked += 1;
            let learned = examiner.examine(&plan.examine, &mut known, count).await?;
            self.on_database(move |db| db.learn(&learned)).await?;
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

    fn session(&self, baseline: Arc<Baseline>, is_shared_with_python: bool, observer: &Observer) -> Session {
        let now = self.clock.now();
        let keeps_trash = self.keeps_bucket_trash(is_shared_with_python);
        Session {
            store: self.store.clone(),
            capabilities: self.capabilities.clone(),
            batch: self.batch(now),
            db: self.db.clone(),
            prefix: self.settings.prefix.clone(),
            bucket_trash: keeps_trash.then(|| format!("{}-{}", now.0, self.replica_id)),
            blocking: self.blocking,
            observer: observer.clone(),
            baseline,
            fresh: Mutex::default(),
            now,
            partials: AtomicU64::new(0),
        }
    }

    async fn execute(
        &self,
        steps: Vec<Step>,
        uncounted: BTreeSet<RelPath>,
        session: Arc<Session>,
        options: &SyncOptions,
    ) -> Result<Executed, SyncError> {
        let bytes = steps.iter().map(|step| Work::of(&step.path, &step.action).bytes).sum();
        self.status.send_replace(Status {
            phase: Phase::Working,
            steps: (0, steps.len()),
            bytes: (0, bytes),
        });
        let limits = options.limits.unwrap_or(self.settings.limits);
        let execution = Execution {
            session,
            db: self.db.clone(),
            clock: &*self.clock,
            status: &self.status,
            is_confirmed: limits == DeleteLimits::Unlimited,
            uncounted,
        };
        execution.run(steps).await
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

    /// Returns what a conflict copy made now is called after.
    pub(crate) fn stamp(&self) -> s4_core::context::ConflictStamp {
        let date = clock::date_of(self.clock.now());
        s4_core::context::ConflictStamp { date, host: self.settings.host.clone() }
    }
}

fn known(local: LocalTree, listing: Listing, facts: Facts) -> Known {
    Known { local, remote: listing.tree, facts, is_shared_with_python: listing.has_python_index }
}

impl Lessons {
    /// Keeps what a round taught; returns whether another round may do better.
    fn learn(&mut self, executed: Executed, report: &mut Report) -> bool {
        let learned = executed.failed.iter().any(|failure| matches!(failure.cause, Cause::Learned(_)));
        for failure in &executed.failed {
            if let Cause::Refused(_, why) = &failure.cause {
                report.failed.push((failure.work.clone(), why.clone()));
            }
        }
        report.done.extend(executed.done);
        self.0.extend(executed.failed);
        executed.follow_up || learned || !executed.again.is_empty()
    }

    /// Enters into the facts what failed before, so that it is a problem now and not tried again in this run.
    fn teach(&self, facts: &mut Facts) {
        for failure in &self.0 {
            match (&failure.cause, &failure.action) {
                (Cause::Learned(head), Action::Download { object, .. }) => {
                    facts.learn_head(object.key.clone(), object.last_modified, (**head).clone());
                }
                (Cause::Learned(_), _) => {}
                (Cause::Refused(Side::Local | Side::Remote, why), action) => fail(facts, action, why),
            }
        }
    }
}

/// Returns whether a step leaves content only among the old versions of the bucket, or in its trash.
fn takes_away(step: &Step) -> bool {
    match &step.action {
        Action::DeleteRemote { reason, .. } => *reason != DeleteReason::Moved,
        // A conflict that this side won: what it replaces is nobody's base.
        Action::Upload { replaces, .. } => *replaces != RemoteExpectation::Absent,
        _ => false,
    }
}

/// Enters the failure of a transfer, bound to what was to be moved. Other steps are cheap to try again.
fn fail(facts: &mut Facts, action: &Action, why: &str) {
    match action {
        Action::Upload { disk, local, .. } | Action::CopyRemote { disk, local, .. } => {
            if let Some(fingerprint) = local.fingerprint() {
                facts.fail_local(disk.clone(), *fingerprint, why.to_owned());
            }
        }
        Action::Download { object, .. } | Action::KeepBoth { object, .. } => {
            facts.fail_remote(object.key.clone(), object.etag.clone(), why.to_owned());
        }
        Action::DeleteRemote { .. }
        | Action::DeleteLocal { .. }
        | Action::MoveLocal { .. }
        | Action::RenameOnDisk { .. }
        | Action::SetRemoteMode { .. }
        | Action::SetLocalMode { .. }
        | Action::PutMarker { .. }
        | Action::DeleteMarker { .. }
        | Action::RecordDir { .. }
        | Action::CreateDir { .. }
        | Action::RemoveDir { .. } => {}
    }
}
