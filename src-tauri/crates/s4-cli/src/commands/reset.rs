//! `reset`: forgets what both sides last agreed on.
//!
//! - The next sync compares everything and is a union: it deletes nothing on either side.

use std::sync::Arc;

use s4_core::capabilities::{Capabilities, Versioning};
use s4_engine::connect;
use s4_engine::error::SyncError;
use s4_engine::identity::IdentityError;
use s4_engine::target::Target as Held;
use s4_store::memory::{MemoryStore, StoreClock};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{At, Failure};
use crate::moment;

/// Makes the next sync of a target a first one.
pub(crate) fn run(ctx: &Context, name: &str) -> Result<Exit, Failure> {
    let target = ctx.target(name)?;
    let at = At::of(&target);
    let settings = connect::settings(&target, &ctx.locations)?;
    // Only what is remembered here changes: the bucket is not asked, so one that is nowhere will do.
    let nowhere = Arc::new(MemoryStore::new(Versioning::Off, StoreClock::fixed(moment::now())));
    match Held::open(settings.clone(), nowhere, Capabilities::NONE) {
        Ok(held) => held.reset().map_err(|error| at.sync(error))?,
        // A person says that the folder is meant to be new.
        Err(SyncError::Identity(IdentityError::NotMounted { .. })) => {
            connect::forget_folder(&settings).map_err(|error| at.sync(error.into()))?;
        }
        Err(error) => return Err(at.sync(error)),
    }
    ctx.output.say(&format!(
        "S4 forgot what both sides of `{name}` last agreed on. The next sync compares everything and deletes nothing: \
         what only one side has, the other gets."
    ));
    Ok(Exit::InSync)
}
