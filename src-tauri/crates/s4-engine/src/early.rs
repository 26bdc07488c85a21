//! The first sync of an empty folder: files are fetched while the bucket is still being listed.
//!
//! - Only new paths are brought, each to a free name, and each seen in the listing. What half a listing does not name
//!   is unknown, so nothing is uploaded, replaced or deleted here.
//! - The rules of the bucket are read before anything is fetched: what they ignore must not be brought.
//! - The rounds that follow use the finished listing. It holds every object that was fetched here, so no row that was
//!   committed meanwhile can look deleted; names that turn out to clash are mended by those rounds.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;

use s4_core::baseline::Baseline;
use s4_core::context::Context;
use s4_core::facts::Facts;
use s4_core::key::ObjectKey;
use s4_core::local::LocalTree;
use s4_core::plan::{self, Step};
use s4_core::reconcile::{self, Input};
use s4_core::remote::{RemoteObject, RemoteTree};
use s4_core::rules::RULE_FILES;
use s4_local::disk::RootState;
use s4_store::store::ListFrom;

use crate::error::SyncError;
use crate::observe::{Lister, Listing};
use crate::report::{Observer, Phase, Report};
use crate::rules;
use crate::settings::SyncOptions;
use crate::target::Target;

impl Target {
    /// Fetches what a long listing names while it goes on, if this is the first sync of an empty folder; returns the
    /// listing then, whole.
    ///
    /// Files that fail are left to the rounds that follow. If the listing fails, what is under way ends first.
    pub(crate) async fn fetch_while_listing(
        &self,
        options: &SyncOptions,
        observer: &Observer,
        report: &mut Report,
    ) -> Result<Option<Listing>, SyncError> {
        let now = self.clock.now();
        let outline = self.on_database(move |db| db.outline(now)).await?;
        if outline.files > 0 || !outline.dirs.is_empty() {
            return Ok(None);
        }
        let folder = self.folder.clone();
        let state = self.blocking.run(move || folder.root_state()).await??;
        if state != (RootState::Present { empty: true }) {
            return Ok(None);
        }
        self.phase(Phase::Observing);
        let mut lister = Lister::new(&*self.store, &self.settings.prefix);
        let mut window = lister.page().await?;
        if lister.is_over() {
            return Ok(lister.end());
        }
        let (local, context) = (LocalTree::default(), self.first_context(options).await?);
        while !window.is_empty() && !lister.is_over() {
            let steps = self.new_paths(std::mem::take(&mut window), &local, &context);
            let round = Arc::new(self.round(Arc::default(), Facts::default(), true, observer));
            let mut executing = pin!(self.execute(steps, BTreeSet::new(), round, options));
            let mut failed = None;
            let executed = loop {
                let lists_on = failed.is_none() && !lister.is_over();
                tokio::select! {
                    biased;
                    executed = &mut executing => break executed?,
                    page = lister.page(), if lists_on => match page {
                        Ok(page) => window.extend(page),
                        Err(error) => failed = Some(error),
                    },
                }
            };
            report.done.extend(executed.done);
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok(lister.end())
    }

    /// Returns what plans of an empty folder depend on.
    async fn first_context(&self, options: &SyncOptions) -> Result<Context, SyncError> {
        let texts = rules::read_remote(&*self.store, &self.rule_files().await?, &[]).await?;
        Ok(Context {
            rules: rules::build(&texts, &self.settings.exclude)?,
            policy: options.policy.unwrap_or(self.settings.policy),
            limits: options.limits.unwrap_or(self.settings.limits),
            ..self.context()
        })
    }

    /// Returns the files of rules that the bucket has.
    async fn rule_files(&self) -> Result<RemoteTree, SyncError> {
        let prefix = &self.settings.prefix;
        let mut found = Vec::new();
        for name in RULE_FILES {
            let key = ObjectKey::new(format!("{}{name}", prefix.as_str()));
            let page = self.store.list(key.as_str(), ListFrom::Start, Some(1)).await?;
            found.extend(page.objects.into_iter().filter(|object| object.key == key));
        }
        Ok(RemoteTree::build(prefix, found))
    }

    /// Returns the steps that bring the new paths among `objects`.
    fn new_paths(&self, objects: Vec<RemoteObject>, local: &LocalTree, context: &Context) -> Vec<Step> {
        let plan = reconcile::reconcile(Input {
            baseline: &Baseline::default(),
            local,
            remote: &RemoteTree::build(&self.settings.prefix, objects),
            facts: &Facts::default(),
            context,
        });
        if plan.halt.is_some() { Vec::new() } else { plan::new_paths(plan.steps) }
    }
}
