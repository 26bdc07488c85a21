//! `ls`: what stands on both sides, as the original S4 showed it.

use std::cmp::Ordering;

use s4_core::path::RelPath;
use s4_core::remote::UnixMillis;
use s4_engine::inspect::{self, listing::Row};
use serde_json::{Value, json};

use super::ready::{self, Probing};
use crate::args::{Column, LsArguments};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::moment;
use crate::output::text::shown;

/// Shows both sides of a target.
pub(crate) async fn run(ctx: &Context, arguments: &LsArguments) -> Result<Exit, Failure> {
    let target = ctx.target(&arguments.name)?;
    let ready = ready::ready(ctx, &target, Probing::Forbidden).await?;
    let baseline = inspect::baseline(&ready.settings).map_err(|error| ready.at.sync(error.into()))?;
    let listing = inspect::listing::list(&ready.settings, &*ready.store, &baseline)
        .await
        .map_err(|error| ready.at.sync(error))?;
    let mut rows: Vec<(&RelPath, &Row)> =
        listing.rows.iter().filter(|(_, row)| arguments.all || (is_there(row) && !row.is_ignored)).collect();
    sort(&mut rows, arguments.sort_by, arguments.descending);
    if arguments.json {
        let rows: Vec<Value> = rows.iter().map(|(path, row)| document(path, row)).collect();
        ctx.output.json(&json!({
            "name": target.name.as_str(),
            "rows": rows,
            "problems": listing.problems,
        }));
        return Ok(Exit::InSync);
    }
    for line in table(&rows) {
        ctx.output.data(&line);
    }
    for problem in &listing.problems {
        ctx.output.warn(&shown(problem));
    }
    Ok(Exit::InSync)
}

fn is_there(row: &Row) -> bool {
    row.local.is_some() || row.remote.is_some()
}

fn sort(rows: &mut [(&RelPath, &Row)], by: Column, is_descending: bool) {
    let time = |row: &Row| match by {
        Column::Key => None,
        Column::Local => row.local.as_ref().map(|local| local.modified),
        Column::S3 => row.remote.as_ref().map(|remote| remote.modified),
    };
    rows.sort_by(|(left_path, left), (right_path, right)| {
        // What has no time comes first, as what is empty does.
        let order: Ordering = time(left).cmp(&time(right)).then_with(|| left_path.cmp(right_path));
        if is_descending { order.reverse() } else { order }
    });
}

/// Returns the lines of the table, and of the total.
fn table(rows: &[(&RelPath, &Row)]) -> Vec<String> {
    let time = |modified: Option<UnixMillis>, was_synced: bool| match modified {
        Some(modified) => moment::shown(modified),
        None if was_synced => "<deleted>".to_owned(),
        None => String::new(),
    };
    let cells: Vec<[String; 3]> = rows
        .iter()
        .map(|(path, row)| {
            let ignored = if row.is_ignored { " (ignored)" } else { "" };
            [
                format!("{}{ignored}", shown(path.as_str())),
                time(row.local.as_ref().map(|local| local.modified), row.was_synced),
                time(row.remote.as_ref().map(|remote| remote.modified), row.was_synced),
            ]
        })
        .collect();
    let heads = ["key", "local", "s3"].map(str::to_owned);
    let width = |column: usize| {
        let cells = cells.iter().map(|cells| console::measure_text_width(&cells[column]));
        cells.chain([heads[column].len()]).max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2)];
    let line = |cells: &[String; 3]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| {
            let missing = width.saturating_sub(console::measure_text_width(cell));
            format!("{cell}{}", " ".repeat(missing))
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&heads), line(&widths.map(|width| "-".repeat(width)))];
    lines.extend(cells.iter().map(line));
    lines.push(String::new());
    lines.push(total(rows));
    lines
}

/// Returns the length of everything, each file counted once.
#[expect(clippy::cast_precision_loss, reason = "two decimals of a megabyte are shown")]
fn total(rows: &[(&RelPath, &Row)]) -> String {
    let size = |row: &Row| {
        let local = row.local.as_ref().map(|local| local.size);
        local.or(row.remote.as_ref().map(|remote| remote.size)).unwrap_or_default()
    };
    let total: u64 = rows.iter().map(|(_, row)| size(row)).sum();
    format!("Total Size: {:.2}Mb", total as f64 / (1024.0 * 1024.0))
}

fn document(path: &RelPath, row: &Row) -> Value {
    json!({
        "key": path.as_str(),
        "local": row.local.as_ref()
            .map(|local| json!({"size": local.size, "modified": moment::iso(local.modified)})),
        "s3": row.remote.as_ref()
            .map(|remote| json!({"size": remote.size, "modified": moment::iso(remote.modified)})),
        "was_synced": row.was_synced,
        "is_ignored": row.is_ignored,
    })
}

#[cfg(test)]
mod tests {
    use s4_engine::inspect::listing::{LocalSide, RemoteSide};

    use super::*;

    fn rows() -> Vec<(RelPath, Row)> {
        let local = |at| Some(LocalSide { size: 1 << 20, modified: UnixMillis(at) });
        let remote = |at| Some(RemoteSide { size: 1 << 19, modified: UnixMillis(at) });
        let row = |local, remote| Row { local, remote, was_synced: false, is_ignored: false };
        let named = |name: &str, row| (RelPath::parse(name).unwrap(), row);
        vec![
            named("both", row(local(2_000), remote(9_000))),
            named("gone", Row { was_synced: true, ..row(None, None) }),
            named("here", row(local(5_000), None)),
            named("there", row(None, remote(1_000))),
        ]
    }

    #[track_caller]
    fn check(by: Column, is_descending: bool, expected: &[&str]) {
        let rows = rows();
        let mut sorted: Vec<(&RelPath, &Row)> = rows.iter().map(|(path, row)| (path, row)).collect();
        sort(&mut sorted, by, is_descending);
        let names: Vec<&str> = sorted.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn any_column_sorts_with_gaps_in_it() {
        check(Column::Key, false, &["both", "gone", "here", "there"]);
        check(Column::Key, true, &["there", "here", "gone", "both"]);
        check(Column::Local, false, &["gone", "there", "both", "here"]);
        check(Column::S3, true, &["both", "there", "here", "gone"]);
    }

    #[test]
    fn table_is_the_originals() {
        let rows = rows();
        let rows: Vec<(&RelPath, &Row)> = rows.iter().map(|(path, row)| (path, row)).collect();
        assert_eq!(
            table(&rows).join("\n"),
            "key    local                s3\n\
             -----  -------------------  -------------------\n\
             both   1970-01-01 00:00:02  1970-01-01 00:00:09\n\
             gone   <deleted>            <deleted>\n\
             here   1970-01-01 00:00:05\n\
             there                       1970-01-01 00:00:01\n\
             \n\
             Total Size: 2.50Mb"
        );
    }
}
