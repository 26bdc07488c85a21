//! What concerns all targets: the configuration, and what the system allows.

use super::Finding;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::text::count;

/// Watches of fewer directories than this are soon used up, by S4 or by other programs.
#[cfg(target_os = "linux")]
const FEW_WATCHES: u64 = 65_536;

/// Looks at everything but the targets.
pub(super) fn look(ctx: &Context) -> Vec<Finding> {
    let mut findings = vec![configuration(ctx)];
    findings.extend(permissions(ctx));
    findings.extend(watches());
    findings
}

fn configuration(ctx: &Context) -> Finding {
    let path = ctx.config.path().display();
    match ctx.config.read() {
        Err(error) => Finding::broken("configuration", &Failure::from(error)),
        Ok(config) => match config.names().count() {
            0 => Finding::odd("configuration", format!("{path} has no targets"), "`s4 add` makes one"),
            targets => {
                Finding::well("configuration", format!("{path}, {}", count(targets, "target", "targets")))
            }
        },
    }
}

/// Others must not read a file that may hold keys.
#[cfg(unix)]
fn permissions(ctx: &Context) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = ctx.config.path();
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    let shown = path.display();
    (mode & 0o077 != 0).then(|| {
        Finding::odd("configuration", format!("others may read {shown}"), format!("chmod 600 '{shown}'"))
    })
}

#[cfg(not(unix))]
fn permissions(_ctx: &Context) -> Option<Finding> {
    None
}

/// Looks how many directories may be watched for changes.
#[cfg(target_os = "linux")]
fn watches() -> Option<Finding> {
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").ok()?;
    let limit: u64 = limit.trim().parse().ok()?;
    let detail = format!("{limit} directories may be watched for changes");
    Some(if limit < FEW_WATCHES {
        let remedy = "`sudo sysctl fs.inotify.max_user_watches=524288` raises the limit; S4 looks at the rest by itself";
        Finding::odd("inotify", detail, remedy)
    } else {
        Finding::well("inotify", detail)
    })
}

#[cfg(not(target_os = "linux"))]
fn watches() -> Option<Finding> {
    None
}
