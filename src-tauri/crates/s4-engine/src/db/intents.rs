//! The database as the place where the disk layer notes what it is about to do.

use std::sync::Arc;

use s4_local::intent::{Intent, IntentError, IntentId, Intents};

use crate::db::StateDb;

/// Keeps the intents of a folder in its database.
#[derive(Clone)]
pub struct DbIntents(Arc<dyn StateDb>);

impl DbIntents {
    /// Returns the intents that `db` keeps.
    pub fn new(db: Arc<dyn StateDb>) -> Self {
        Self(db)
    }
}

impl Intents for DbIntents {
    fn record(&self, intent: &Intent) -> Result<IntentId, IntentError> {
        self.0.record_intent(intent).map_err(|error| IntentError(Box::new(error)))
    }

    fn record_all(&self, intents: &[&Intent]) -> Result<Vec<IntentId>, IntentError> {
        self.0.record_intents(intents).map_err(|error| IntentError(Box::new(error)))
    }
}
