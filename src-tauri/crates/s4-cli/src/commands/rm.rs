//! `rm`: forgets a target. Its files and objects stay.

use s4_config::{SecretsError, Target};
use s4_engine::target::Target as Held;
use s4_engine::{connect, inspect};

use super::ready::{self, Probing};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{At, Failure};

/// Takes a target out of the configuration, and its keys out of the keyring.
pub(crate) async fn run(ctx: &Context, name: &str) -> Result<Exit, Failure> {
    // A target that cannot be read can be removed all the same; then less can be said about what stays.
    let target = ctx.read()?.target(name).ok();
    if let Some(target) = &target
        && let Err(failure) = give_up_uploads(ctx, target).await
    {
        // A store that is gone is a reason to remove a target, and none not to.
        tracing::info!(
            why = crate::hints::explain(&failure).message,
            "parts of uploads may stay in the bucket"
        );
    }
    ctx.config.update(|config| config.remove(name).map_err(Failure::from))?;
    ctx.output.say(&format!("S4 no longer syncs `{name}`. Nothing was deleted:"));
    if let Some(target) = target {
        let folder = target.local_folder.display();
        ctx.output.say(&format!("  your files stay in {folder}"));
        ctx.output.say(&format!("  the objects stay in {}", target.s3_uri));
        ctx.output
            .say(&format!("  {folder}/.s4 holds S4's own state and trash; remove it if you need neither"));
        forget_keys(ctx, &target);
        forget_folder(ctx, &target);
    }
    Ok(Exit::InSync)
}

/// Gives up what an interrupted run began to upload: its parts are seen by nobody, and paid for.
async fn give_up_uploads(ctx: &Context, target: &Target) -> Result<(), Failure> {
    let settings = connect::settings(target, &ctx.locations)?;
    // Where nothing is to be given up, neither keys nor the store are needed.
    if !inspect::has_uploads_under_way(&settings).map_err(|error| At::of(target).sync(error.into()))? {
        return Ok(());
    }
    let ready = ready::ready(ctx, target, Probing::Forbidden).await?;
    let held = Held::open(ready.settings, ready.store, ready.capabilities);
    let held = held.map_err(|error| ready.at.sync(error))?;
    held.give_up_uploads().await.map_err(|error| ready.at.sync(error))
}

/// Whatever is put at the folder's place later is no longer expected to be this one.
fn forget_folder(ctx: &Context, target: &Target) {
    let forgotten = connect::settings(target, &ctx.locations).map_err(Failure::from).and_then(|settings| {
        connect::forget_folder(&settings).map_err(|error| At::of(target).sync(error.into()))
    });
    if let Err(failure) = forgotten {
        ctx.output.warn(&crate::hints::explain(&failure).message);
    }
}

/// Removes the target's entry from the keyring, if it has one there.
pub(super) fn forget_keys(ctx: &Context, target: &Target) {
    let (Some(id), true) = (&target.access_key_id, super::keys::are_in_keyring(target)) else { return };
    match ctx.secrets.remove(&target.name, id) {
        Ok(()) | Err(SecretsError::NotFound { .. }) => {}
        Err(error) => ctx.output.warn(&format!(
            "the keys of `{}` may still be in the keyring, under the access key id {id}: {error}",
            target.name
        )),
    }
}
