//! `targets`: lists the targets.

use s4_config::{CredentialSetting, Target};
use s4_engine::connect::recall;
use serde_json::{Value, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::text::Sides;
use crate::output::{json, words};

/// Lists the targets, each on a line, or with everything about them.
pub(crate) fn run(ctx: &Context, is_verbose: bool, as_json: bool) -> Result<Exit, Failure> {
    let config = ctx.read()?;
    let mut exit = Exit::InSync;
    let mut documents = Vec::new();
    for name in config.names() {
        match config.target(name) {
            Ok(target) if as_json => documents.push(document(ctx, &target)),
            Ok(target) => {
                ctx.output.data(&Sides::of(&target).listed());
                if is_verbose {
                    details(ctx, &target);
                }
            }
            Err(error) => {
                let told = crate::hints::explain(&Failure::from(error));
                ctx.output.error(&told.message, told.hint.as_deref());
                exit = exit.or_worse(Exit::Failed);
            }
        }
    }
    if as_json {
        ctx.output.json(&json!({"targets": documents}));
    } else if config.names().next().is_none() {
        ctx.output.say("There are no targets yet.");
        ctx.output.hint("`s4 add` connects a folder to a bucket; `s4 serve` runs a bucket on this computer");
    }
    Ok(exit)
}

fn details(ctx: &Context, target: &Target) {
    let line = |name: &str, value: &str| ctx.output.data(&format!("  {name:<14} {value}"));
    let endpoint = target.endpoint_url.as_ref().map_or("Amazon S3".to_owned(), ToString::to_string);
    line("endpoint", &endpoint);
    line("region", target.region_name.as_deref().unwrap_or("found by asking"));
    line("credentials", &credentials(target));
    let conflicts = target.conflicts.map_or("ask".to_owned(), |setting| setting.to_string());
    line("conflicts", &conflicts);
    if !target.exclude.is_empty() {
        line("exclude", &target.exclude.join(", "));
    }
    if let Some(limit) = target.max_delete {
        line("max delete", &limit.to_string());
    }
    line("trash", &trash(target));
    match recall::known(target, &ctx.locations) {
        None => line("store", "not tried yet; the next sync finds out what it can do"),
        Some(store) => {
            line("store", &words::summary(&store));
            for ability in words::abilities(&store) {
                line("", &format!("{} {}", if ability.is_there { "yes" } else { "no " }, ability.words));
            }
            for weaker in words::weaker_guarantees(&store) {
                line("", &format!("!   {weaker}"));
            }
        }
    }
}

/// Returns where a target's credentials come from, in words. The secret is never among them.
fn credentials(target: &Target) -> String {
    let id = target.access_key_id.as_deref().unwrap_or("none yet");
    match &target.credentials {
        None if target.secret_access_key.is_some() => {
            format!("key {id}, in sync.conf (`s4 edit '{}' --credentials keyring` moves it)", target.name)
        }
        None | Some(CredentialSetting::Keyring) => format!("key {id}, in the keyring"),
        Some(CredentialSetting::Environment) => "from the environment".to_owned(),
        Some(CredentialSetting::DefaultChain) => "as the AWS tools find them".to_owned(),
        Some(CredentialSetting::Profile(name)) => format!("profile {name} of the AWS tools"),
        Some(CredentialSetting::Anonymous) => "none, requests are not signed".to_owned(),
    }
}

fn trash(target: &Target) -> String {
    let bucket = if target.bucket_trash { "and in the bucket where no versions are kept" } else { "only" };
    format!("kept for {} days, on this computer {bucket}", target.trash_days)
}

fn document(ctx: &Context, target: &Target) -> Value {
    let store = recall::known(target, &ctx.locations);
    json!({
        "name": target.name.as_str(),
        "local": target.local_folder,
        "remote": target.s3_uri.to_string(),
        "endpoint": target.endpoint_url.as_ref().map(ToString::to_string),
        "region": target.region_name,
        "credentials": target.credentials.as_ref().map(ToString::to_string),
        "access_key_id": target.access_key_id,
        "has_keys_in_file": target.secret_access_key.is_some(),
        "conflicts": target.conflicts.map(|setting| setting.to_string()),
        "exclude": target.exclude,
        "max_delete": target.max_delete.map(|limit| limit.to_string()),
        "trash_days": target.trash_days,
        "bucket_trash": target.bucket_trash,
        "store": store.as_ref().map(json::store),
    })
}
