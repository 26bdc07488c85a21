//! Renames of either side: which of them move no content.

use crate::capabilities::Capabilities;

use super::check::{check, check_questions};
use super::world::{Node, Tags, World, disk};

/// A file here was renamed.
fn renamed(from: &str, to: &str) -> World {
    World::new().agreed(from, "11").edit(|world| world.move_on_disk(from, to))
}

#[test]
fn t35_a_rename_here_is_a_copy_and_a_delete() {
    check(renamed("a", "b"), &["copy a to b", "delete moved a"]);
    check(renamed("a", "d/b"), &["copy a to d/b", "delete moved a", "record d/"]);
}

#[test]
fn an_inode_counts_only_with_its_change_or_birth_time() {
    // Itself renamed: ctime is new, the birth time is not.
    check_questions(&renamed("a", "b"), &[]);
    // Its directory renamed: ctime is as it was.
    let world = World::new().agreed("d/a", "11").edit(|world| {
        world.change_print("d/a", |print| print.birth_ns = None);
        world.agree_on("d/a");
        let node = world.disk.remove(&disk("d/a")).unwrap();
        world.disk.clear();
        world.write("e/", "");
        world.disk.insert(disk("e/a"), node);
    });
    check_questions(&world, &[]);
    check(world, &["copy d/a to e/a", "delete moved d/a", "forget d/", "record e/"]);
    // Recycled: the number is the same and nothing else.
    let recycled = |content: &str| {
        let content = content.to_owned();
        renamed("a", "b").edit(move |world| {
            let id = world.fingerprint("b").file_id;
            world.disk.remove(&disk("b"));
            world.write("b", &content);
            world.change_print("b", |print| print.file_id = id);
        })
    };
    check_questions(&recycled("22"), &["hash b"]);
    check(recycled("22"), &["delete remote a", "upload b"]);
    check(recycled("11"), &["copy a to b", "delete moved a"]);
    check_questions(&recycled("333"), &[]);
    check(recycled("333"), &["delete remote a", "upload b"]);
}

#[test]
fn a_fresh_row_proves_no_move_without_a_hash() {
    let world = World::new().agreed("a", "11").edit(|world| {
        let mut row = world.baseline.files.get(&super::world::rel("a")).cloned().unwrap();
        row.read_time_ns = row.fingerprint.mtime_ns;
        world.baseline.files.insert(super::world::rel("a"), row);
        world.move_on_disk("a", "b");
        // Written in the same tick in which the row was read.
        if let Some(Node::File { content, .. }) = world.disk.get_mut(&disk("b")) {
            *content = "22".to_owned();
        }
    });
    check_questions(&world, &["hash b"]);
    check(world, &["delete remote a", "upload b"]);
}

#[test]
fn t35_chains_swaps_and_cycles_come_out_right() {
    let chain = World::new().agreed("a", "11").agreed("b", "22").edit(|world| {
        world.move_on_disk("b", "c");
        world.move_on_disk("a", "b");
    });
    check(chain, &["copy b to c", "delete remote a", "upload b over"]);
    let swap = World::new().agreed("a", "11").agreed("b", "22").edit(|world| {
        world.move_on_disk("a", "t");
        world.move_on_disk("b", "a");
        world.move_on_disk("t", "b");
    });
    check(swap, &["upload a over", "upload b over"]);
    let there = World::new().agreed("a", "11").agreed("b", "22").edit(|world| {
        world.put("a", "22");
        world.put("b", "11");
    });
    check(there, &["download a over", "download b over"]);
}

#[test]
fn t36_a_file_that_is_renamed_and_edited_is_new() {
    let world = renamed("a", "b").local("b", "3333");
    check(world, &["delete remote a", "upload b"]);
}

#[test]
fn t44_a_rename_here_and_an_edit_there_keep_both() {
    check(renamed("a", "b").remote("a", "222"), &["download a", "upload b"]);
    check(renamed("a", "b").edit(|world| world.bucket.clear()), &["forget a", "upload b"]);
    // Both renamed it, each to another name.
    let both = renamed("a", "b").edit(|world| {
        world.bucket.clear();
        world.put("c", "11");
    });
    check(both, &["download c", "forget a", "upload b"]);
}

#[test]
fn a_rename_there_is_a_rename_here() {
    let world = |tags: Tags| {
        World::new().edit(|world| world.tags = tags).agreed("a", "11").edit(|world| {
            world.bucket.clear();
            world.put("b", "11");
        })
    };
    check(world(Tags::Md5), &["move a to b"]);
    check_questions(&world(Tags::Checksummed), &["head p/b"]);
    check(world(Tags::Checksummed), &["move a to b"]);
    // What no checksum tells is brought anew.
    check(world(Tags::Opaque), &["delete local a", "download b"]);
    let other = world(Tags::Checksummed).remote("b", "22");
    check(other, &["delete local a", "download b"]);
}

#[test]
fn a_link_there_with_the_text_of_a_vanished_file_is_no_rename() {
    let world = World::new().agreed("a", "11").edit(|world| {
        world.bucket.clear();
        world.put("b", "->11");
    });
    check_questions(&world, &["head p/b"]);
    check(world, &["delete local a", "download b"]);
}

#[test]
fn t35_a_renamed_directory_moves_every_child_without_content() {
    let agreed = || World::new().agreed("d/a", "11").agreed("d/b", "22");
    let here = agreed().edit(|world| {
        world.move_on_disk("d/a", "e/a");
        world.move_on_disk("d/b", "e/b");
        world.disk.remove(&disk("d"));
    });
    let lines = [
        "copy d/a to e/a",
        "copy d/b to e/b",
        "delete moved d/a",
        "delete moved d/b",
        "forget d/",
        "record e/",
    ];
    check(here, &lines);
    let there = agreed().edit(|world| {
        world.bucket.clear();
        world.put("e/a", "11");
        world.put("e/b", "22");
    });
    check(there, &["mkdir e/", "move d/a to e/a", "move d/b to e/b", "rmdir d/"]);
}

#[test]
fn the_winner_of_a_conflict_is_no_source_of_a_copy() {
    // `a` holds another content than its row when it is replaced: what was renamed to `b` is not there any more.
    let world = renamed("a", "b").local("a", "3333").remote("a", "22").with(|context| {
        context.policy = crate::context::ConflictPolicy::Local;
    });
    check(world, &["upload a over", "upload b"]);
}

#[test]
fn without_conditions_a_rename_is_an_upload() {
    let world = renamed("a", "b").with(|context| context.store = Capabilities::NONE);
    check(world, &["delete remote a", "upload b"]);
}

#[test]
fn a_rename_there_waits_for_no_room_that_it_makes_itself() {
    // The file takes the name of the directory it lies in, which this disk knows in another case.
    let world =
        World::new().with(|context| context.disk.case_sensitive = false).agreed("d/e", "11").edit(|world| {
            world.bucket.clear();
            world.put("D", "11");
        });
    check(world, &["delete local d/e", "rmdir d/", "download D"]);
}
