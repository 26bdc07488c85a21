//! `add`: connects a folder to a place in a bucket.
//!
//! - Questions come in the original S4's order; what the flags say is not asked.
//! - Nothing is saved before everything was checked: names, folders, the connection, the keyring.

use std::path::{Path, PathBuf};

use s4_config::{BucketName, Config, Endpoint, S3Uri, SecretsError, Target, TargetName};

use super::checked::{self, Found};
use super::keys::{self, Keys};
use super::{fields, original};
use crate::args::target::AddArguments;
use crate::ask::{self, Ask};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::text::Sides;

/// Adds a target.
pub(crate) async fn run(ctx: &Context, ask: &mut dyn Ask, arguments: AddArguments) -> Result<Exit, Failure> {
    let config = ctx.read()?;
    let (mut target, keys) = draft(ctx, &config, ask, &arguments)?;
    check_name(&config, &target.name)?;
    checked::check_place(&target, &config, ask)?;
    let credentials = keys.apply(&mut target);
    let found = checked::look(ctx, ask, &target, &credentials, arguments.fields.create_bucket).await?;
    keys.store(ctx, &target)?;
    let added = finish(ctx, ask, &mut target, found).await;
    if added.is_err() {
        // Nothing was saved, so nothing may stay in the keyring either.
        take_back(ctx, &target, &keys);
    }
    added?;
    Ok(Exit::InSync)
}

async fn finish(ctx: &Context, ask: &mut dyn Ask, target: &mut Target, found: Found) -> Result<(), Failure> {
    let store = checked::settle(ctx, target, found).await?;
    ctx.config.update(|config| -> Result<(), Failure> {
        // Another process may have added one meanwhile.
        check_name(config, &target.name)?;
        s4_config::check_all(target, config)?;
        Ok(config.put(target)?)
    })?;
    ctx.output.data(&format!("Added {}", Sides::of(target).listed()));
    original::greet(ctx, ask, target, &store).await?;
    ctx.output
        .say(&format!("`s4 sync '{}'` starts syncing; `s4 edit` changes what you entered.", target.name));
    Ok(())
}

fn take_back(ctx: &Context, target: &Target, keys: &Keys) {
    let Keys::Given(given) = keys else { return };
    match ctx.secrets.remove(&target.name, &given.access_key_id) {
        Ok(()) | Err(SecretsError::NotFound { .. }) => {}
        Err(error) => ctx.output.warn(&format!("the keys may still be in the keyring: {error}")),
    }
}

fn check_name(config: &Config, name: &TargetName) -> Result<(), Failure> {
    if config.contains(name.as_str()) {
        return Err(Failure::usage(
            format!("there is a target `{name}` already"),
            format!("`s4 edit '{name}'` changes it; or choose another name"),
        ));
    }
    Ok(())
}

/// Returns the new target and whose keys it uses, asking for what is missing.
fn draft(
    ctx: &Context,
    config: &Config,
    ask: &mut dyn Ask,
    arguments: &AddArguments,
) -> Result<(Target, Keys), Failure> {
    let AddArguments { name, fields, copy_credentials } = arguments;
    // A name that is taken, or a target that is not there, is told before anything is asked.
    if let Some(name) = name {
        check_name(config, name)?;
    }
    let copied = copy_credentials.as_deref().map(|other| config.target(other)).transpose()?;
    if fields.local.is_none() && !ask.can_ask() {
        return Err(Failure::usage(
            "which folder is to be synced?",
            "give --local DIR and --remote s3://BUCKET/PREFIX; on a terminal S4 asks for what is missing",
        ));
    }
    if fields.remote.is_none() && !ask.can_ask() {
        return Err(Failure::usage("where in which bucket?", "give --remote s3://BUCKET/PREFIX"));
    }
    let local = match &fields.local {
        Some(local) => fields::absolute(local)?,
        None => ask_folder(ask)?,
    };
    let place = match &fields.remote {
        Some(remote) => Place { uri: remote.clone(), endpoint: None, region: None },
        None => ask_place(ask, fields.endpoint.is_some(), fields.region.is_some())?,
    };
    let keys = match &copied {
        Some(other) => keys::copied_from(ctx, other)?,
        None => keys::for_new(fields, ask)?,
    };
    let name = match name {
        Some(name) => name.clone(),
        None => ask_name(config, ask, &place.uri, &local)?,
    };
    let mut target = Target::new(name, local, place.uri);
    target.endpoint_url = place.endpoint;
    target.region_name = place.region;
    fields::apply(fields, &mut target)?;
    Ok((target, keys))
}

/// Where in which bucket, as a person answered.
struct Place {
    uri: S3Uri,
    endpoint: Option<Endpoint>,
    region: Option<String>,
}

fn ask_folder(ask: &mut dyn Ask) -> Result<PathBuf, Failure> {
    match ask::optional(ask, "local folder to sync [blank: the current one]: ")? {
        Some(path) => fields::absolute(Path::new(&path)),
        None => fields::absolute(Path::new(".")),
    }
}

fn ask_place(ask: &mut dyn Ask, has_endpoint: bool, has_region: bool) -> Result<Place, Failure> {
    let endpoint = if has_endpoint {
        None
    } else {
        let parse = |text: &str| text.parse::<Endpoint>().map_err(|error| error.to_string());
        ask::parsed(ask, "endpoint url [blank: Amazon S3]: ", parse)?
    };
    let bucket = loop {
        let parse = |text: &str| text.parse::<BucketName>().map_err(|error| error.to_string());
        if let Some(bucket) = ask::parsed(ask, "S3 bucket [required]: ", parse)? {
            break bucket;
        }
    };
    let parse = |text: &str| {
        S3Uri::new(bucket.clone(), text.trim_start_matches('/')).map_err(|error| error.to_string())
    };
    let uri = match ask::parsed(ask, "S3 path [blank: the whole bucket]: ", parse)? {
        Some(uri) => uri,
        None => parse("").map_err(|why| Failure::Usage { message: why, hint: None })?,
    };
    let region =
        if has_region { None } else { ask::optional(ask, "region name [blank: found by asking]: ")? };
    Ok(Place { uri, endpoint, region })
}

fn ask_name(config: &Config, ask: &mut dyn Ask, uri: &S3Uri, local: &Path) -> Result<TargetName, Failure> {
    let default = default_name(uri, local);
    if !ask.can_ask() {
        return default.ok_or_else(|| Failure::usage("what is the target to be called?", "give its name"));
    }
    let question = match &default {
        Some(default) => format!("name of this target [blank: {default}]: "),
        None => "name of this target [required]: ".to_owned(),
    };
    loop {
        let parse = |text: &str| {
            let name = TargetName::new(text).map_err(|error| error.to_string())?;
            if config.contains(name.as_str()) {
                Err(format!("there is a target `{name}` already"))
            } else {
                Ok(name)
            }
        };
        match (ask::parsed(ask, &question, parse)?, &default) {
            (Some(name), _) => return Ok(name),
            (None, Some(default)) if !config.contains(default.as_str()) => return Ok(default.clone()),
            (None, Some(default)) => ask.show(&format!("there is a target `{default}` already")),
            (None, None) => {}
        }
    }
}

/// Returns the last part of the place in the bucket, or of the folder.
fn default_name(uri: &S3Uri, local: &Path) -> Option<TargetName> {
    let of_prefix = uri.prefix().rsplit('/').next().unwrap_or_default();
    let of_folder = local.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    [of_prefix, of_folder].into_iter().find_map(|name| TargetName::new(name).ok())
}

#[cfg(test)]
mod tests;
