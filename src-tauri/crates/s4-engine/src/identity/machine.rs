//! What tells this computer from others.
//!
//! - It comes from the system: whoever copies a whole home directory to another computer copies everything that is
//!   kept there, and must be noticed.
//! - What the system says is hashed: it must not become known to whoever may read a backup of our records.
//!   <https://www.freedesktop.org/software/systemd/man/latest/machine-id.html>

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use super::mark::is_id;
use super::record::{RecordError, create_private_dir};

/// Sets these hashes apart from those that other programs make of the same identity.
const CONTEXT: &str = "s4 2026 machine id of replica records";

/// Returns the identity of this computer; where the system does not say, a random one kept in `state_dir`.
pub(super) fn id(state_dir: &Path) -> Result<String, RecordError> {
    match of_system() {
        Some(text) => Ok(hashed(&text)),
        None => {
            let path = state_dir.join("machine-id");
            kept(state_dir, &path).map_err(|source| RecordError { path, source })
        }
    }
}

fn hashed(text: &str) -> String {
    blake3::Hash::from(blake3::derive_key(CONTEXT, text.as_bytes())).to_hex()[..32].to_owned()
}

#[cfg(not(any(target_os = "macos", windows)))]
fn of_system() -> Option<String> {
    ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .iter()
        .find_map(|path| fs::read_to_string(path).ok().filter(|text| is_machine_id(text)))
}

/// Images of systems come with an empty file, or with a word that says that the first start writes it.
#[cfg(not(any(target_os = "macos", windows)))]
fn is_machine_id(text: &str) -> bool {
    let text = text.trim();
    text.len() == 32
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.bytes().any(|byte| byte != b'0')
}

#[cfg(target_os = "macos")]
fn of_system() -> Option<String> {
    let mut command = std::process::Command::new("/usr/sbin/ioreg");
    let said = command.args(["-rd1", "-c", "IOPlatformExpertDevice"]).output().ok()?;
    value_after(&String::from_utf8_lossy(&said.stdout), "\"IOPlatformUUID\" = \"", '"')
}

#[cfg(windows)]
fn of_system() -> Option<String> {
    let root = std::env::var_os("SystemRoot")?;
    let mut command = std::process::Command::new(Path::new(&root).join("System32").join("reg.exe"));
    let key = r"HKLM\SOFTWARE\Microsoft\Cryptography";
    let said = command.args(["query", key, "/v", "MachineGuid", "/reg:64"]).output().ok()?;
    value_after(&String::from_utf8_lossy(&said.stdout), "REG_SZ", '\n')
}

/// Returns what stands between `before` and `end` in what a program said.
#[cfg(any(target_os = "macos", windows, test))]
fn value_after(text: &str, before: &str, end: char) -> Option<String> {
    let value = text.split_once(before)?.1.split(end).next()?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// Returns the identity in the file `path`, which is created with a random one where it is missing.
fn kept(state_dir: &Path, path: &Path) -> io::Result<String> {
    create_private_dir(state_dir)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    match options.open(path) {
        Ok(mut file) => {
            let id = uuid::Uuid::new_v4().to_string();
            file.write_all(id.as_bytes())?;
            file.sync_all()?;
            Ok(id)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let id = fs::read_to_string(path)?.trim().to_owned();
            let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it holds no identity; remove it");
            if is_id(&id) { Ok(id) } else { Err(damaged()) }
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systems_say_is_understood() {
        let ioreg = "    \"IOPlatformUUID\" = \"0AA1-B2\"\n    \"IOPlatformSerialNumber\" = \"C02\"";
        assert_eq!(value_after(ioreg, "\"IOPlatformUUID\" = \"", '"').as_deref(), Some("0AA1-B2"));
        let reg = "\r\nHKEY_LOCAL_MACHINE\\…\r\n    MachineGuid    REG_SZ    26c9-17\r\n\r\n";
        assert_eq!(value_after(reg, "REG_SZ", '\n').as_deref(), Some("26c9-17"));
        assert_eq!(value_after("", "REG_SZ", '\n'), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_image_that_was_not_started_has_no_identity() {
        assert!(is_machine_id("b08dfa6083e7567a1921a715000001fb\n"));
        for text in ["", "uninitialized\n", "00000000000000000000000000000000\n", "b08dfa60"] {
            assert!(!is_machine_id(text), "{text:?}");
        }
    }

    #[test]
    fn the_identity_is_hashed_and_the_kept_one_stays() {
        let id = hashed("b08dfa6083e7567a1921a715000001fb");
        assert!(is_id(&id) && !id.contains("b08dfa60"));
        assert_ne!(id, hashed("another"));

        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        let path = state.join("machine-id");
        let first = kept(&state, &path).unwrap();
        assert_eq!(kept(&state, &path).unwrap(), first);
        fs::write(&path, "").unwrap();
        assert!(kept(&state, &path).is_err());
    }
}
