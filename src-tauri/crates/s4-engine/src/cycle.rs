//! One run: rounds of planning, carrying out and committing, until nothing is left to do.
//!
//! - What changes under a round is left for the next one.
//! - Nothing is carried out while a fact is missing, or when the plan halts.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use s4_core::baseline::Baseline;
use s4_core::capabilities::Versioning;
use s4_core::context::DeleteLimits;
use s4_core::facts::Facts;
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::{Action, DeleteReason, RemoteExpectation, RowChange, Step};
use s4_store::error::StoreErrorKind;

use crate::clock;
use crate::db::Commit;
use crate::error::SyncError;
use crate::execute::{Executed, Execution};
use crate::lessons::Lessons;
use crate::planning::Planned;
use crate::report::{Halted, Observer, Phase, Report, Status, Work};
use crate::session::Round;
use crate::settings::SyncOptions;
use crate::target::Target;

/// How many rounds a run makes before it leaves the rest to the next run.
const MAX_ROUNDS: usize = 6;

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
        // Else it might take for left over what a run that was abandoned is about to give its name.
        self.quiet().await;
        self.give_up_left_uploads().await?;
        let mut lessons = Lessons::default();
        let mut relies_on_versions = self.capabilities.versioning == Versioning::Enabled;
        self.recover(observer, report).await?;
        let mut listed = self.fetch_while_listing(options, observer, report).await?;
        for _ in 0..MAX_ROUNDS {
            self.recover(observer, report).await?;
            let planned = self.plan(options, &lessons, observer, &mut report.examined, listed.take()).await?;
            let Planned { plan, baseline, facts, is_shared_with_python } = planned;
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
            if !plan.examine.is_empty() {
                // What is asked for changes faster than it can be found out.
                report.unsettled = plan.examine.len();
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
            let round = Arc::new(self.round(baseline, facts, is_shared_with_python, observer));
            let executed = self.execute(plan.steps, plan.uncounted, round, options).await?;
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
        let held = self.held();
        self.blocking
            .run(move || -> Result<(), SyncError> {
                let _held = held;
                // What was found may not be on the disk itself yet: left by a program just now, or by a run of ours
                // that was killed. If the power went now, a row without its file would look like a deletion.
                if !found.is_empty() {
                    folder.make_durable(&found)?;
                }
                Ok(db.commit(&commit)?)
            })
            .await?
    }

    pub(crate) fn round(
        &self,
        baseline: Arc<Baseline>,
        facts: Facts,
        is_shared_with_python: bool,
        observer: &Observer,
    ) -> Round {
        let now = self.clock.now();
        let keeps_trash = self.keeps_bucket_trash(is_shared_with_python);
        Round {
            capabilities: self.capabilities.clone(),
            batch: self.batch(now),
            db: self.db.clone(),
            prefix: self.settings.prefix.clone(),
            bucket_trash: keeps_trash.then(|| format!("{}-{}", now.0, self.replica_id)),
            observer: observer.clone(),
            baseline,
            facts,
            tells_deltas: self.writes_own_objects(is_shared_with_python),
            fresh: Mutex::default(),
            now,
            partials: AtomicU64::new(0),
            lanes: self.lanes().clone(),
            _held: self.held(),
        }
    }

    pub(crate) async fn execute(
        &self,
        steps: Vec<Step>,
        uncounted: BTreeSet<RelPath>,
        round: Arc<Round>,
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
            round,
            blocking: self.blocking,
            clock: &*self.clock,
            status: &self.status,
            is_confirmed: limits == DeleteLimits::Unlimited,
            uncounted,
        };
        execution.run(steps).await
    }

    /// Returns what a conflict copy made now is called after.
    pub(crate) fn stamp(&self) -> s4_core::context::ConflictStamp {
        let date = clock::date_of(self.clock.now());
        s4_core::context::ConflictStamp { date, host: self.settings.host.clone() }
    }
}

/// Returns whether a step leaves content only among the old versions of the bucket, or in its trash.
fn takes_away(step: &Step) -> bool {
    match &step.action {
        Action::DeleteRemote { reason, .. } => *reason != DeleteReason::Moved,
        // A conflict that this side won: what it replaces is nobody's base.
        Action::Upload { replaces, .. } | Action::CopyRemote { replaces, .. } => {
            *replaces != RemoteExpectation::Absent
        }
        Action::RotateRemote { .. } => true,
        Action::Download { .. }
        | Action::KeepBoth { .. }
        | Action::DeleteLocal { .. }
        | Action::MoveLocal { .. }
        | Action::RotateLocal { .. }
        | Action::RenameOnDisk { .. }
        | Action::SetRemoteMode { .. }
        | Action::SetLocalMode { .. }
        | Action::PutMarker { .. }
        | Action::DeleteMarker { .. }
        | Action::RecordDir { .. }
        | Action::CreateDir { .. }
        | Action::RemoveDir { .. } => false,
    }
}
