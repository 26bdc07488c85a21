//! `edit`: changes a target.
//!
//! - Without flags a person is asked, in the original S4's order; blank keeps what is there. A secret is never shown.
//! - What changes the place in the bucket, or whose keys are used, is checked as `add` checks it.
//! - The baseline is the engine's business: a folder that was only moved keeps it.

use std::path::PathBuf;

use s4_config::{
    AccessKeys, CredentialSetting, CredentialSource, Endpoint, S3Uri, Target, move_inline_keys_to_keyring,
    resolve,
};

use super::checked::{self, Found};
use super::keys::{self, Keys};
use super::{fields, original, rm};
use crate::args::target::{EditArguments, Fields};
use crate::args::values::OrNone;
use crate::ask::{self, Ask};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::text::Sides;

/// Changes a target.
pub(crate) async fn run(ctx: &Context, ask: &mut dyn Ask, arguments: EditArguments) -> Result<Exit, Failure> {
    let config = ctx.read()?;
    let EditArguments { name, mut fields } = arguments;
    let before = config.target(&name)?;
    let mut keys = None;
    if fields.is_empty() {
        if !ask.can_ask() {
            return Err(Failure::usage(
                format!("what is to be changed about `{name}`?"),
                "`s4 edit --help` lists the flags; on a terminal S4 asks",
            ));
        }
        keys = ask_fields(ask, &before, &mut fields)?;
    }
    if keys.is_none() {
        keys = keys_of(&fields, ask, &before)?;
    }
    let mut after = before.clone();
    fields::apply(&fields, &mut after)?;
    let moves_inline = keys.is_none()
        && fields.credentials == Some(CredentialSetting::Keyring)
        && before.secret_access_key.is_some();
    if fields.credentials == Some(CredentialSetting::Keyring)
        && keys.is_none()
        && !moves_inline
        && !keys::are_in_keyring(&before)
    {
        return Err(Failure::usage(
            format!("the keyring has no keys of `{name}`"),
            "give them: --access-key-id ID --secret-stdin",
        ));
    }
    if after.local_folder != before.local_folder || is_elsewhere(&before, &after) {
        checked::check_place(&after, &config, ask)?;
    }
    if let Some(found) = look(ctx, ask, &before, &mut after, keys.as_ref(), &fields).await? {
        let store = checked::settle(ctx, &mut after, found).await?;
        save(ctx, &before, &after, keys.as_ref())?;
        original::greet(ctx, ask, &after, &store).await?;
    } else {
        save(ctx, &before, &after, keys.as_ref())?;
    }
    if moves_inline {
        move_inline_keys_to_keyring(&ctx.config, &ctx.secrets, &before.name)?;
        ctx.output.say("The keys are in the keyring now, and no longer in sync.conf.");
    }
    ctx.output.data(&format!("Changed {}", Sides::of(&after).listed()));
    Ok(Exit::InSync)
}

/// Asks the store again if anything changed that it has a say in.
async fn look(
    ctx: &Context,
    ask: &mut dyn Ask,
    before: &Target,
    after: &mut Target,
    keys: Option<&Keys>,
    fields: &Fields,
) -> Result<Option<Found>, Failure> {
    // Who names the place, changed or not, wants it looked at anew.
    let is_named = fields.remote.is_some() || fields.endpoint.is_some() || fields.create_bucket;
    if !is_elsewhere(before, after) && keys.is_none() && !is_named {
        return Ok(None);
    }
    let credentials: CredentialSource = match keys {
        Some(keys) => keys.apply(after),
        None => resolve(after, &ctx.secrets)?,
    };
    if after.store_identity() != before.store_identity() && after.region_name == before.region_name {
        // The region of another store says nothing about this one.
        after.region_name = None;
    }
    let found = checked::look(ctx, ask, after, &credentials, fields.create_bucket).await?;
    if let Some(keys) = keys {
        keys.store(ctx, after)?;
    }
    Ok(Some(found))
}

/// Writes the change, unless the target was changed by someone else meanwhile.
fn save(ctx: &Context, before: &Target, after: &Target, keys: Option<&Keys>) -> Result<(), Failure> {
    ctx.config.update(|config| -> Result<(), Failure> {
        let now = config.target(before.name.as_str())?;
        if now != *before {
            return Err(Failure::failed(
                format!("target `{}` was changed by another program meanwhile", before.name),
                "look at it with `s4 targets -v`, and edit it again",
            ));
        }
        s4_config::check_all(after, config)?;
        Ok(config.put(after)?)
    })?;
    // The entry of the keys before is of no use any more; one of the same id was replaced.
    if keys.is_some() && before.access_key_id != after.access_key_id {
        rm::forget_keys(ctx, before);
    }
    Ok(())
}

/// Returns whether the target would talk to another place, or in another way.
fn is_elsewhere(before: &Target, after: &Target) -> bool {
    before.endpoint_url != after.endpoint_url
        || before.s3_uri != after.s3_uri
        || before.region_name != after.region_name
        || before.addressing != after.addressing
        || before.ca_bundle != after.ca_bundle
}

/// Returns the keys that the flags name. A new secret alone is for the access key there is.
fn keys_of(fields: &Fields, ask: &mut dyn Ask, target: &Target) -> Result<Option<Keys>, Failure> {
    match (&fields.access_key_id, fields.secret_stdin, &fields.credentials) {
        (None, true, None | Some(CredentialSetting::Keyring)) => {
            let id = target.access_key_id.clone().ok_or_else(|| {
                Failure::usage("a secret needs its access key id", "give --access-key-id as well")
            })?;
            Ok(Some(Keys::Given(AccessKeys::new(id, ask::secret_from_stdin()?))))
        }
        _ => keys::from_flags(fields, ask),
    }
}

/// Asks for each field with what it is now; returns new keys, if any were given.
fn ask_fields(ask: &mut dyn Ask, now: &Target, fields: &mut Fields) -> Result<Option<Keys>, Failure> {
    ask.show("Blank keeps what is in brackets; a single - takes away what is optional.");
    let local = ask::optional(ask, &format!("local folder [{}]: ", now.local_folder.display()))?;
    fields.local = local.map(PathBuf::from);
    let endpoint = now.endpoint_url.as_ref().map_or("Amazon S3", Endpoint::as_str);
    fields.endpoint = ask::parsed(ask, &format!("endpoint url [{endpoint}]: "), |text| match text {
        "-" => Ok(OrNone(None)),
        text => text.parse::<Endpoint>().map(|url| OrNone(Some(url))).map_err(|error| error.to_string()),
    })?;
    let parse = |text: &str| text.parse::<S3Uri>().map_err(|error| error.to_string());
    fields.remote = ask::parsed(ask, &format!("s3 uri [{}]: ", now.s3_uri), parse)?;
    let id = now.access_key_id.as_deref();
    let new_id = ask::optional(ask, &format!("AWS access key id [{}]: ", id.unwrap_or("none")))?;
    let keys = match (new_id, id) {
        (Some(id), _) => {
            let secret = ask::secret(ask, "AWS secret access key (not shown): ")?;
            Some(Keys::Given(AccessKeys::new(id, secret)))
        }
        (None, Some(id)) => {
            let secret =
                ask.secret("AWS secret access key [as before] (not shown): ").map_err(Failure::Input)?;
            let is_new = !secret.expose().is_empty();
            is_new.then(|| Keys::Given(AccessKeys::new(id, secret)))
        }
        (None, None) => None,
    };
    let region = now.region_name.as_deref().unwrap_or("found by asking");
    fields.region = ask::optional(ask, &format!("region name [{region}]: "))?
        .map(|region| if region == "-" { String::new() } else { region });
    Ok(keys)
}

#[cfg(test)]
mod tests;
