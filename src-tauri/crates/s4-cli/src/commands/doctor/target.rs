//! What concerns one target: its folder, what is remembered of it, its keys, its bucket.

use std::fs::{File, TryLockError};
use std::io::Read as _;
use std::path::Path;

use s4_config::{Config, CredentialSource, Target, check_all, resolve};
use s4_core::capabilities::Capabilities;
use s4_engine::connect::{self, Reached, recall};
use s4_engine::db::StateDb as _;
use s4_engine::db::sqlite;
use s4_engine::inspect;
use s4_engine::lock::LOCK;
use s4_engine::settings::Settings;
use s4_store::store::Store as _;

use super::Finding;
use crate::commands::fields;
use crate::commands::keys::are_in_keyring;
use crate::context::Context;
use crate::failure::At;
use crate::output::text::count;
use crate::output::words;

/// Looks at one target.
pub(super) async fn look(ctx: &Context, config: &Config, name: &str) -> Vec<Finding> {
    let target = match config.target(name) {
        Ok(target) => target,
        Err(error) => return vec![Finding::broken(name, &error.into())],
    };
    let settings = match connect::settings(&target, &ctx.locations) {
        Ok(settings) => settings,
        Err(error) => return vec![Finding::broken(name, &error.into())],
    };
    let mut findings = vec![folder(&target)];
    if let Err(error) = check_all(&target, config) {
        findings.push(Finding::broken(name, &error.into()));
    }
    findings.extend(lock(&settings));
    findings.push(database(&target, &settings));
    let credentials = match resolve(&target, &ctx.secrets) {
        Ok(credentials) => {
            findings.push(keys(&target));
            credentials
        }
        Err(error) => {
            findings.push(Finding::broken(format!("{name}: credentials"), &error.into()));
            return findings;
        }
    };
    findings.extend(bucket(ctx, &target, &credentials).await);
    findings
}

fn folder(target: &Target) -> Finding {
    let subject = format!("{}: folder", target.name);
    let path = &target.local_folder;
    // The doctor makes nothing, so nobody is asked.
    match fields::check_folder(path, &mut NobodyThere) {
        Err(failure) => Finding::broken(subject, &failure),
        Ok(()) if is_read_only(path) => Finding::odd(
            subject,
            format!("{} can't be written to", path.display()),
            "change its permissions, or mount it so that it can be written to",
        ),
        Ok(()) => Finding::well(subject, path.display().to_string()),
    }
}

#[cfg(unix)]
fn is_read_only(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_err()
}

#[cfg(not(unix))]
fn is_read_only(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.permissions().readonly())
}

/// Looks whether a run is under way, without taking its lock.
fn lock(settings: &Settings) -> Option<Finding> {
    let path = inspect::database_path(settings).with_file_name(LOCK);
    let mut file = File::open(path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let holder = match file.read_to_string(&mut pid) {
                Ok(_) if !pid.trim().is_empty() => format!(" (process {})", pid.trim()),
                Ok(_) | Err(_) => String::new(),
            };
            Some(Finding::odd(
                format!("{}: lock", settings.name),
                format!("a sync is under way{holder}"),
                "wait until it has ended",
            ))
        }
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn database(target: &Target, settings: &Settings) -> Finding {
    let subject = format!("{}: database", settings.name);
    let path = inspect::database_path(settings);
    let looked = sqlite::open_read_only(&path).and_then(|db| match db {
        None => Ok(None),
        Some(db) => Ok(Some((db.load(crate::moment::now())?, db.standing()?))),
    });
    match looked {
        Err(error) => Finding::broken(subject, &At::of(target).sync(error.into())),
        Ok(None) => Finding::well(subject, "none yet; the first sync makes it"),
        Ok(Some((loaded, standing))) => {
            let files = count(loaded.baseline.files.len(), "file", "files");
            let waiting = standing.conflicts.len() + standing.problems.len();
            if waiting == 0 {
                Finding::well(subject, format!("{files} known"))
            } else {
                let conflicts = count(standing.conflicts.len(), "conflict", "conflicts");
                let problems = count(standing.problems.len(), "problem", "problems");
                Finding::odd(
                    subject,
                    format!("{files} known; {conflicts} and {problems} at the last sync"),
                    format!(
                        "`s4 conflicts '{0}'` lists the conflicts, `s4 sync '{0}'` the problems",
                        settings.name
                    ),
                )
            }
        }
    }
}

fn keys(target: &Target) -> Finding {
    let subject = format!("{}: credentials", target.name);
    if target.secret_access_key.is_some() && !are_in_keyring(target) {
        let remedy = format!("`s4 edit '{}' --credentials keyring` moves them to the keyring", target.name);
        return Finding::odd(subject, "the keys stand in sync.conf, readable for whoever reads it", remedy);
    }
    let source = target.credentials.as_ref().map_or("keyring".to_owned(), ToString::to_string);
    Finding::well(subject, format!("from {source}"))
}

async fn bucket(ctx: &Context, target: &Target, credentials: &CredentialSource) -> Vec<Finding> {
    let at = At::of(target);
    let subject = format!("{}: bucket", target.name);
    let connection = match connect::connection(target, credentials) {
        Ok(connection) => connection,
        Err(error) => return vec![Finding::broken(subject, &error.into())],
    };
    let mut findings = Vec::new();
    if connection.is_plaintext() {
        findings.push(Finding::odd(
            format!("{}: connection", target.name),
            format!("{} is plain http: what is sent can be read, and changed, on the way", at.endpoint),
            "use https where you can",
        ));
    }
    let Reached { store, redirected } = match connect::reach(connection).await {
        Ok(reached) => reached,
        Err(error) => {
            findings.push(Finding::broken(subject, &at.store(error)));
            return findings;
        }
    };
    match redirected {
        Some(region) => findings.push(Finding::odd(
            subject,
            format!("{} lies in the region {region}, not where the target says", at.bucket),
            format!("`s4 edit '{}' --region {region}`", target.name),
        )),
        // A signed request was taken, so the clock is right enough as well.
        None => findings
            .push(Finding::well(subject, format!("{} answers, and takes the keys and the clock", at.uri))),
    }
    let versioning = store.versioning().await.map_err(|error| at.store(error));
    findings.push(abilities(ctx, target, versioning.ok()));
    findings
}

/// Tells what the store can do, as it was found out before, and what its bucket says of versions now.
fn abilities(
    ctx: &Context,
    target: &Target,
    versioning: Option<s4_core::capabilities::Versioning>,
) -> Finding {
    let subject = format!("{}: store", target.name);
    let Some(known) = recall::known(target, &ctx.locations) else {
        return Finding::well(subject, "not tried yet; the next sync finds out what it can do");
    };
    if let Some(now) = versioning.filter(|now| *now != known.versioning) {
        let now = Capabilities { versioning: now, ..known };
        return Finding::odd(
            subject,
            format!("versioning of the bucket is {} now, which it was not before", words::versioning(&now)),
            format!("`s4 edit '{}' --remote {}` finds out anew what it can do", target.name, target.s3_uri),
        );
    }
    let weaker = words::weaker_guarantees(&known);
    if weaker.is_empty() {
        Finding::well(subject, words::summary(&known))
    } else {
        Finding::odd(subject, words::summary(&known), weaker.join("\n      "))
    }
}

/// Nobody is asked here.
struct NobodyThere;

impl crate::ask::Ask for NobodyThere {
    fn can_ask(&self) -> bool {
        false
    }

    fn line(&mut self, _question: &str) -> std::io::Result<String> {
        Err(std::io::ErrorKind::UnexpectedEof.into())
    }

    fn secret(&mut self, _question: &str) -> std::io::Result<s4_config::Secret> {
        Err(std::io::ErrorKind::UnexpectedEof.into())
    }

    fn show(&mut self, _text: &str) {}
}
