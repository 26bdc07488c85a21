//! Whose keys a target uses: from flags, from questions, from another target.
//!
//! - A secret comes from a hidden prompt, from the standard input, or from where another target has it: never from
//!   the arguments.
//! - Keys that a person gives go to the keyring and nowhere else.

use s4_config::{AccessKeys, CredentialSetting, CredentialSource, Target, resolve};

use crate::args::target::Fields;
use crate::ask::{self, Ask};
use crate::context::Context;
use crate::failure::Failure;

/// Whose keys a target is to use.
pub(crate) enum Keys {
    /// These, which go to the keyring.
    Given(AccessKeys),
    /// Those of this source.
    From(CredentialSetting),
}

const WAYS: &str = "give `--access-key-id ID --secret-stdin`, or `--credentials env`, `default`, `profile:NAME` or \
                    `anonymous`";

/// Returns whether the keys of a target lie in the keyring.
pub(crate) fn are_in_keyring(target: &Target) -> bool {
    match target.credentials {
        None => target.secret_access_key.is_none(),
        Some(CredentialSetting::Keyring) => true,
        Some(
            CredentialSetting::Environment
            | CredentialSetting::DefaultChain
            | CredentialSetting::Profile(_)
            | CredentialSetting::Anonymous,
        ) => false,
    }
}

/// Returns whose keys a new target is to use: as the flags say, else as a person answers.
pub(crate) fn for_new(fields: &Fields, ask: &mut dyn Ask) -> Result<Keys, Failure> {
    if let Some(keys) = from_flags(fields, ask)? {
        return Ok(keys);
    }
    if !ask.can_ask() {
        return Err(Failure::usage("whose keys are to be used?", WAYS));
    }
    let question = "AWS access key id [blank: as the AWS tools find it]: ";
    match ask::optional(ask, question)? {
        None => Ok(Keys::From(CredentialSetting::DefaultChain)),
        Some(id) => {
            let secret = ask::secret(ask, "AWS secret access key (not shown): ")?;
            Ok(Keys::Given(AccessKeys::new(id, secret)))
        }
    }
}

/// Returns whose keys the flags name, `None` if they say nothing about it.
pub(crate) fn from_flags(fields: &Fields, ask: &mut dyn Ask) -> Result<Option<Keys>, Failure> {
    match (&fields.credentials, &fields.access_key_id) {
        (None | Some(CredentialSetting::Keyring), Some(id)) => {
            let secret = if fields.secret_stdin {
                ask::secret_from_stdin()?
            } else if ask.can_ask() {
                ask::secret(ask, "AWS secret access key (not shown): ")?
            } else {
                return Err(Failure::usage(
                    "an access key needs its secret",
                    "write it to the standard input and give --secret-stdin",
                ));
            };
            Ok(Some(Keys::Given(AccessKeys::new(id.clone(), secret))))
        }
        (Some(setting), Some(_)) => Err(Failure::usage(
            format!("--credentials {setting} takes no access key id"),
            "give --access-key-id without it, or with `--credentials keyring`",
        )),
        (Some(CredentialSetting::Keyring), None) => Ok(None),
        (Some(setting), None) if !fields.secret_stdin => Ok(Some(Keys::From(setting.clone()))),
        (_, None) if fields.secret_stdin => {
            Err(Failure::usage("a secret needs its access key id", "give --access-key-id as well"))
        }
        (_, None) => Ok(None),
    }
}

/// Returns whose keys another target uses; keys of its own are copied.
pub(crate) fn copied_from(ctx: &Context, other: &Target) -> Result<Keys, Failure> {
    match resolve(other, &ctx.secrets)? {
        CredentialSource::Keys(keys) => Ok(Keys::Given(keys)),
        CredentialSource::Profile(name) => Ok(Keys::From(CredentialSetting::Profile(name))),
        CredentialSource::Environment => Ok(Keys::From(CredentialSetting::Environment)),
        CredentialSource::DefaultChain => Ok(Keys::From(CredentialSetting::DefaultChain)),
        CredentialSource::Anonymous => Ok(Keys::From(CredentialSetting::Anonymous)),
    }
}

impl Keys {
    /// Makes the target use these, and returns them for requests. The keyring has them only after [`Keys::store`].
    pub(crate) fn apply(&self, target: &mut Target) -> CredentialSource {
        target.secret_access_key = None;
        target.session_token = None;
        match self {
            Self::Given(keys) => {
                target.access_key_id = Some(keys.access_key_id.clone());
                target.credentials = Some(CredentialSetting::Keyring);
                CredentialSource::Keys(keys.clone())
            }
            Self::From(setting) => {
                target.access_key_id = None;
                target.credentials = Some(setting.clone());
                match setting {
                    CredentialSetting::Profile(name) => CredentialSource::Profile(name.clone()),
                    CredentialSetting::Environment => CredentialSource::Environment,
                    CredentialSetting::DefaultChain | CredentialSetting::Keyring => {
                        CredentialSource::DefaultChain
                    }
                    CredentialSetting::Anonymous => CredentialSource::Anonymous,
                }
            }
        }
    }

    /// Gives keys of a person to the keyring.
    pub(crate) fn store(&self, ctx: &Context, target: &Target) -> Result<(), Failure> {
        match self {
            Self::Given(keys) => Ok(ctx.secrets.store(&target.name, keys)?),
            Self::From(_) => Ok(()),
        }
    }
}
