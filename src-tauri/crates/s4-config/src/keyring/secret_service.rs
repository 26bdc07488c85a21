//! Linux and other Unix: the Secret Service of GNOME Keyring, KWallet or KeePassXC, over D-Bus.

use std::{collections::HashMap, sync::Arc};

use keyring_core::Result;
use secret_service::Error;
use zbus::DBusError;
use zbus_secret_service_keyring_store::Store;

use super::vault::{Account, BoxedError, VaultError};

pub(super) fn connect() -> Result<Arc<Store>> {
    Store::new()
}

pub(super) fn modifiers(account: &Account) -> Option<HashMap<&str, &str>> {
    Some(HashMap::from([("label", account.label.as_str())]))
}

pub(super) fn classify(source: BoxedError) -> VaultError {
    match source.downcast_ref::<Error>().map_or(Verdict::Failed, verdict) {
        Verdict::NoKeyring => VaultError::NoKeyring(source),
        Verdict::Locked => VaultError::Locked,
        Verdict::Denied => VaultError::Denied(source),
        Verdict::Failed => VaultError::Failed(source),
    }
}

enum Verdict {
    NoKeyring,
    Locked,
    Denied,
    Failed,
}

fn verdict(error: &Error) -> Verdict {
    match error {
        // Without a prompter the prompt is dismissed at once; either way the keyring stays locked.
        Error::Locked | Error::Prompt | Error::PromptDisconnected => Verdict::Locked,
        // A keyring that has no collection has never been set up, and keeps nothing.
        Error::Unavailable | Error::NoResult => Verdict::NoKeyring,
        Error::Zbus(zbus::Error::MethodError(name, ..)) => verdict_on_reply(name),
        Error::Zbus(zbus::Error::FDO(error)) => verdict_on_reply(&error.name()),
        Error::ZbusFdo(error) => verdict_on_reply(&error.name()),
        Error::Zbus(
            zbus::Error::InputOutput(_)
            | zbus::Error::Address(_)
            | zbus::Error::Handshake(_)
            | zbus::Error::InterfaceNotFound,
        ) => Verdict::NoKeyring,
        _ => Verdict::Failed,
    }
}

fn verdict_on_reply(name: &str) -> Verdict {
    match name {
        "org.freedesktop.Secret.Error.IsLocked" => Verdict::Locked,
        "org.freedesktop.DBus.Error.AccessDenied" | "org.freedesktop.DBus.Error.AuthFailed" => {
            Verdict::Denied
        }
        "org.freedesktop.DBus.Error.ServiceUnknown"
        | "org.freedesktop.DBus.Error.NameHasNoOwner"
        | "org.freedesktop.DBus.Error.NoReply"
        | "org.freedesktop.DBus.Error.Disconnected" => Verdict::NoKeyring,
        _ => Verdict::Failed,
    }
}
