//! Checks that a target can work before it is saved: its folder, its neighbours, its bucket.
//!
//! - Nothing is written anywhere before the keys are known to open the bucket, or to open none of that name.
//! - A bucket is made only if a person said so.

use s4_config::{Config, CredentialSource, Target, check_all};
use s4_core::key::Prefix;
use s4_engine::connect::{self, Reached, recall};
use s4_store::aws::AwsStore;
use s4_store::error::StoreErrorKind;
use s4_store::store::Store as _;

use crate::ask::{self, Ask};
use crate::context::Context;
use crate::failure::{At, Failure};
use crate::output::words;

/// A bucket that answered.
pub(crate) enum Found {
    /// It is there.
    Bucket(Reached),
    /// It is not there, and is to be made.
    ToMake(AwsStore),
}

/// Checks that the target's folder is one, and is apart from every other target's.
pub(crate) fn check_place(target: &Target, config: &Config, ask: &mut dyn Ask) -> Result<(), Failure> {
    // Before the folder is made: it must not be made inside another target's.
    check_all(target, config)?;
    super::fields::check_folder(&target.local_folder, ask)
}

/// Asks the store for the bucket. That there is none is fine only if it may be made.
pub(crate) async fn look(
    ctx: &Context,
    ask: &mut dyn Ask,
    target: &Target,
    credentials: &CredentialSource,
    may_make: bool,
) -> Result<Found, Failure> {
    let at = At::of(target);
    let connection = connect::connection(target, credentials)?;
    if connection.is_plaintext() {
        ctx.output.warn(&format!(
            "{} is plain http: what is sent can be read, and changed, on the way; use https where you can",
            at.endpoint
        ));
    }
    match connect::reach(connection.clone()).await {
        Ok(reached) => Ok(Found::Bucket(reached)),
        Err(error) if error.kind == StoreErrorKind::NoBucket => {
            let question = format!("There is no bucket {} at {}. Make it?", at.bucket, at.endpoint);
            if may_make || (ask.can_ask() && ask::confirm(ask, &question, false)?) {
                let store = AwsStore::connect(connection).await.map_err(|error| at.store(error))?;
                Ok(Found::ToMake(store))
            } else {
                Err(at.store(error))
            }
        }
        Err(error) => Err(at.store(error)),
    }
}

/// Makes the bucket if need be, finds out what the store can do, and notes both with the target.
pub(crate) async fn settle(ctx: &Context, target: &mut Target, found: Found) -> Result<AwsStore, Failure> {
    let at = At::of(target);
    let store = match found {
        Found::ToMake(store) => {
            store.create_bucket().await.map_err(|error| at.store(error))?;
            store.check_bucket().await.map_err(|error| at.store(error))?;
            ctx.output.say(&format!("Made the bucket {}.", at.bucket));
            store
        }
        Found::Bucket(Reached { store, redirected: None }) => store,
        Found::Bucket(Reached { store, redirected: Some(region) }) => {
            ctx.output.say(&format!("The bucket {} lies in the region {region}; that is noted.", at.bucket));
            store
        }
    };
    target.region_name = Some(store.region().to_owned());
    match connect::find_out(&store, &Prefix::new(target.s3_uri.prefix())).await {
        Ok(able) => {
            ctx.output.say(&format!("{} answers: {}.", at.endpoint, words::summary(&able)));
            for weaker in words::weaker_guarantees(&able) {
                ctx.output.warn(&weaker);
            }
            target.capabilities = Some(recall::document(target, &able));
        }
        Err(error) if error.kind == StoreErrorKind::Denied => {
            ctx.output.warn(&format!(
                "these credentials may read {} but not write there: changes made in the folder can't be uploaded",
                at.uri
            ));
            target.capabilities = None;
        }
        Err(error) => return Err(at.store(error)),
    }
    Ok(store)
}
