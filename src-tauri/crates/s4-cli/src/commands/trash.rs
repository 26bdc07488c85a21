//! `trash`: what a sync replaced or deleted, and the way back.
//!
//! - Bringing something back replaces nothing.

use s4_core::capabilities::Versioning;
use s4_core::remote::UnixMillis;
use s4_engine::bucket_trash::TrashedObject;
use s4_engine::inspect::trash::{self, RestoreError};
use s4_local::trash::TrashItem;
use serde_json::{Value, json};

use super::diff::relative;
use super::ready::{self, Probing, Ready};
use crate::args::TrashCommand;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::moment;
use crate::output::text::{bytes, shown};

/// One thing in the trash.
struct Trashed {
    id: String,
    path: String,
    at: UnixMillis,
    size: u64,
    place: Place,
}

/// Where it is.
enum Place {
    Folder(TrashItem),
    Bucket(TrashedObject),
}

/// Lists the trash of a target, or brings something back from it.
pub(crate) async fn run(ctx: &Context, command: TrashCommand) -> Result<Exit, Failure> {
    match command {
        TrashCommand::List { name, json } => list(ctx, &name, json).await,
        TrashCommand::Restore { name, path, id } => restore(ctx, &name, &path, id.as_deref()).await,
    }
}

async fn list(ctx: &Context, name: &str, as_json: bool) -> Result<Exit, Failure> {
    let target = ctx.target(name)?;
    let ready = ready::ready(ctx, &target, Probing::Forbidden).await?;
    let trashed = all(ctx, &ready).await?;
    if as_json {
        let items: Vec<Value> = trashed.iter().map(document).collect();
        ctx.output
            .json(&json!({"name": name, "trash": items, "bucket_keeps_versions": keeps_versions(&ready)}));
        return Ok(Exit::InSync);
    }
    for item in &trashed {
        ctx.output.data(&format!(
            "{}  {:<6}  {:>10}  {}  {}",
            moment::shown(item.at),
            item.place.word(),
            bytes(item.size),
            item.id,
            shown(&item.path)
        ));
    }
    if trashed.is_empty() {
        ctx.output.say(&format!("The trash of `{name}` is empty."));
    }
    if keeps_versions(&ready) {
        ctx.output.hint(&format!(
            "the bucket `{}` keeps old versions: what was replaced or deleted there is among them, and any S3 tool \
             lists them",
            ready.settings.bucket
        ));
    }
    Ok(Exit::InSync)
}

async fn restore(ctx: &Context, name: &str, path: &str, id: Option<&str>) -> Result<Exit, Failure> {
    let target = ctx.target(name)?;
    let path = relative(path)?;
    let ready = ready::ready(ctx, &target, Probing::Allowed).await?;
    let trashed = all(ctx, &ready).await?;
    let wanted = |item: &&Trashed| item.path == path.as_str() && id.is_none_or(|id| item.id == id);
    let Some(item) = trashed.iter().rev().find(wanted) else {
        let hint = if keeps_versions(&ready) {
            format!("`s4 trash list '{name}'` lists what is; the bucket's old versions may hold it, too")
        } else {
            format!("`s4 trash list '{name}'` lists what is")
        };
        return Err(Failure::failed(
            format!("`{}` is not in the trash of `{name}`", shown(path.as_str())),
            hint,
        ));
    };
    let now = moment::now();
    let (back, side) = match &item.place {
        Place::Folder(found) => {
            let back = trash::restore_in_folder(&ready.settings, found, now);
            (back.map(|path| path.to_string()), "the folder; the next sync uploads it")
        }
        Place::Bucket(found) => {
            let back =
                trash::restore_in_bucket(&ready.settings, &*ready.store, &ready.capabilities, found, now)
                    .await;
            (back.map(|path| path.to_string()), "the bucket; the next sync brings it to the folder")
        }
    };
    let back = back.map_err(|error| not_restored(&ready, path.as_str(), error))?;
    ctx.output.data(&format!("Restored {}", shown(&back)));
    ctx.output.say(&format!("It is in {side}."));
    Ok(Exit::InSync)
}

/// Returns what is in both trashes, the oldest first.
async fn all(ctx: &Context, ready: &Ready) -> Result<Vec<Trashed>, Failure> {
    let failed = |error| ready.at.sync(error);
    let (items, problems) = trash::in_folder(&ready.settings).map_err(failed)?;
    for problem in problems {
        ctx.output.warn(&shown(&problem));
    }
    let mut all: Vec<Trashed> = items.into_iter().map(Trashed::in_folder).collect();
    // Also where versions are kept now: they may not have been when something was deleted.
    let objects = trash::in_bucket(&ready.settings, &*ready.store).await.map_err(failed)?;
    all.extend(objects.into_iter().map(Trashed::in_bucket));
    all.sort_by(|left, right| (left.at, &left.path).cmp(&(right.at, &right.path)));
    Ok(all)
}

fn keeps_versions(ready: &Ready) -> bool {
    ready.capabilities.versioning == Versioning::Enabled
}

fn not_restored(ready: &Ready, path: &str, error: RestoreError) -> Failure {
    let name = &ready.settings.name;
    let path = shown(path);
    match error {
        RestoreError::Sync(error) => ready.at.sync(error),
        RestoreError::Needed => Failure::failed(
            format!("can't restore `{path}`: an interrupted sync still needs it"),
            format!("sync `{name}` first"),
        ),
        RestoreError::Gone => Failure::failed(
            format!("can't restore `{path}`: it is no longer in the trash"),
            format!("`s4 trash list '{name}'` lists what is"),
        ),
        RestoreError::InTheWay(other) => Failure::failed(
            format!("can't restore `{path}`: `{}` is in the way", shown(other.as_str())),
            "move that aside first; nothing was changed",
        ),
    }
}

impl Trashed {
    fn in_folder(item: TrashItem) -> Self {
        Self {
            id: trash::id_of(&item).to_owned(),
            path: item.original.to_string(),
            at: item.trashed_at,
            size: item.entry.fingerprint().map_or(0, |fingerprint| fingerprint.size),
            place: Place::Folder(item),
        }
    }

    fn in_bucket(object: TrashedObject) -> Self {
        Self {
            id: format!("{}-{}", object.trashed_at.0, object.replica_id),
            path: object.path.to_string(),
            at: object.trashed_at,
            size: object.object.size,
            place: Place::Bucket(object),
        }
    }
}

impl Place {
    fn word(&self) -> &'static str {
        match self {
            Self::Folder(_) => "folder",
            Self::Bucket(_) => "bucket",
        }
    }
}

fn document(item: &Trashed) -> Value {
    json!({
        "id": item.id,
        "path": item.path,
        "at": moment::iso(item.at),
        "size": item.size,
        "in": item.place.word(),
    })
}
