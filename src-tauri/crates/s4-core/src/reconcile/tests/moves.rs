//! Renames of either side: which of them move no content.

use crate::capabilities::{Capabilities, CopyCondition};

use super::check::{check, check_order, check_questions};
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

/// Files that hold one of these contents each.
fn files(contents: &[(&str, &str)]) -> World {
    contents.iter().fold(World::new(), |world, (path, content)| world.agreed(path, content))
}

/// The files here were renamed: each from its first name to its second one, all at once.
pub(super) fn renamed_all(world: World, moves: &[(&str, &str)]) -> World {
    world.edit(|world| {
        for (from, _) in moves {
            world.move_on_disk(from, &format!("{from} under way"));
        }
        for (from, to) in moves {
            world.move_on_disk(&format!("{from} under way"), to);
        }
    })
}

/// The objects were renamed as if all at once.
pub(super) fn renamed_all_there(world: World, moves: &[(&str, &str)]) -> World {
    world.edit(|world| {
        let key = |path: &str| format!("p/{path}");
        let moved: Vec<_> = moves.iter().map(|(from, _)| world.bucket.remove(&key(from)).unwrap()).collect();
        for ((_, to), object) in moves.iter().zip(moved) {
            let copy = world.object(&object.content, object.symlink, object.executable);
            world.bucket.insert(key(to), copy);
        }
    })
}

#[test]
fn t35_chains_swaps_and_cycles_here_are_copies() {
    let chain = || renamed_all(files(&[("a", "11"), ("b", "222")]), &[("a", "b"), ("b", "c")]);
    check_questions(&chain(), &[]);
    check(chain(), &["copy a to b over", "copy b to c", "delete moved a"]);
    check_order(chain(), &[("copy b to c", "copy a to b over"), ("copy a to b over", "delete moved a")]);
    let swap = || renamed_all(files(&[("a", "222"), ("b", "11")]), &[("a", "b"), ("b", "a")]);
    check_questions(&swap(), &[]);
    // The smallest is first: it is the one that may have to be sent.
    check(swap(), &["rotate remote b < a"]);
    let three = files(&[("a", "1"), ("d/b", "22"), ("e/c", "333")]);
    let cycle = renamed_all(three, &[("a", "d/b"), ("d/b", "e/c"), ("e/c", "a")]);
    check(cycle, &["rotate remote a < e/c < d/b"]);
    // Of one length: then the hashes are known, and tell.
    let swap = || renamed_all(files(&[("a", "11"), ("b", "22")]), &[("a", "b"), ("b", "a")]);
    check_questions(&swap(), &["hash a", "hash b"]);
    check(swap(), &["rotate remote a < b"]);
    // A file renamed over another one.
    let over = files(&[("a", "11"), ("b", "222")]).edit(|world| world.move_on_disk("a", "b"));
    check(over, &["copy a to b over", "delete moved a"]);
}

#[test]
fn t35_chains_swaps_and_cycles_there_are_renames() {
    let chain = || renamed_all_there(files(&[("a", "11"), ("b", "222")]), &[("a", "b"), ("b", "c")]);
    check_questions(&chain(), &["head p/b", "head p/c"]);
    check(chain(), &["move a to b", "move b to c"]);
    check_order(chain(), &[("move b to c", "move a to b")]);
    let swap = || renamed_all_there(files(&[("a", "11"), ("b", "222")]), &[("a", "b"), ("b", "a")]);
    check(swap(), &["rotate local b > a"]);
    let three = files(&[("a", "1"), ("d/b", "22"), ("e/c", "333")]);
    let cycle = renamed_all_there(three, &[("a", "d/b"), ("d/b", "e/c"), ("e/c", "a")]);
    check(cycle, &["rotate local d/b > e/c > a"]);
    for tags in [Tags::Md5, Tags::Checksummed] {
        let world = World::new().edit(|world| world.tags = tags).agreed("a", "11").agreed("b", "22");
        check(renamed_all_there(world, &[("a", "b"), ("b", "a")]), &["rotate local b > a"]);
    }
    // A new version where a file was renamed from, as logs are rotated.
    let refilled = || renamed_all_there(files(&[("a", "11")]), &[("a", "b")]).remote("a", "3333");
    check(refilled(), &["download a", "move a to b"]);
    check_order(refilled(), &[("move a to b", "download a")]);
    // Renamed over a file whose content is nowhere else: it is brought, and what is replaced goes to the trash.
    let over = renamed_all_there(files(&[("a", "11"), ("b", "222")]), &[("a", "b")]);
    check(over, &["delete local a", "download b over"]);
}

#[test]
fn what_was_edited_here_meanwhile_takes_no_part_in_a_rename_there() {
    let swap = renamed_all_there(files(&[("a", "11"), ("b", "222")]), &[("a", "b"), ("b", "a")]);
    check(swap.local("a", "4444"), &["download b over", "keep both a and a (conflict 2026-11-20 here)"]);
    let chain = renamed_all_there(files(&[("a", "11"), ("b", "222")]), &[("a", "b"), ("b", "c")]);
    let lines = ["delete local a", "download c", "keep both b and b (conflict 2026-11-20 here)"];
    check(chain.local("b", "4444"), &lines);
}

#[test]
fn what_was_edited_there_meanwhile_is_no_copy_of_a_rename_here() {
    let swap = || renamed_all(files(&[("a", "11"), ("b", "222")]), &[("a", "b"), ("b", "a")]);
    check(swap().remote("b", "4444"), &["keep both b and b (conflict 2026-11-20 here)", "upload a over"]);
}

#[test]
fn a_new_executable_bit_is_no_mere_rename() {
    let world = files(&[("a", "11")]).edit(|world| {
        world.bucket.clear();
        world.put("b", "+11");
    });
    check(world, &["delete local a", "download b"]);
}

#[test]
fn objects_whose_tags_are_other_md5s_are_not_asked() {
    let world = files(&[("a", "11"), ("b", "22")]).remote("a", "33").remote("b", "44");
    check_questions(&world, &["head p/a", "head p/b"]);
    let world = files(&[("a", "11"), ("b", "222")]).remote("a", "333").remote("b", "44");
    check_questions(&world, &[]);
    check(world, &["download a over", "download b over"]);
}

#[test]
fn copies_that_the_store_cannot_make_are_uploads() {
    let swap = || renamed_all(files(&[("a", "11"), ("b", "222")]), &[("a", "b"), ("b", "a")]);
    let chain = || renamed_all(files(&[("a", "11"), ("b", "222")]), &[("a", "b"), ("b", "c")]);
    let without =
        |world: World, change: fn(&mut Capabilities)| world.with(|context| change(&mut context.store));
    check(without(swap(), |store| *store = Capabilities::NONE), &["upload a over", "upload b over"]);
    let no_replacing: fn(&mut Capabilities) = |store| {
        store.copy_if_match = CopyCondition::None;
        store.complete_if_match = false;
    };
    check(without(swap(), no_replacing), &["upload a over", "upload b over"]);
    check(without(chain(), no_replacing), &["copy b to c", "delete remote a", "upload b over"]);
    // By parts.
    check(without(swap(), |store| store.copy_if_match = CopyCondition::None), &["rotate remote a < b"]);
}

#[test]
fn a_file_moved_across_directories_keeps_its_content_where_it_is() {
    let here = files(&[("d/a", "11"), ("e/b", "222")]).edit(|world| world.move_on_disk("d/a", "e/a"));
    check(here, &["copy d/a to e/a", "delete moved d/a", "put marker d/"]);
    let there = renamed_all_there(files(&[("d/a", "11"), ("e/b", "222")]), &[("d/a", "e/a")]);
    check(there, &["move d/a to e/a", "rmdir d/"]);
}

#[test]
fn t04_a_change_of_case_alone_moves_no_content() {
    check(renamed("readme", "README"), &["copy readme to README", "delete moved readme"]);
    for case_sensitive in [true, false] {
        let world = files(&[("readme", "11")]).with(|context| context.disk.case_sensitive = case_sensitive);
        check(renamed_all_there(world, &[("readme", "README")]), &["move readme to README"]);
    }
}

#[test]
fn t36_a_renamed_directory_with_an_edit_inside_sends_only_the_edit() {
    let agreed = || files(&[("d/a", "11"), ("d/b", "222")]);
    let here = renamed_all(agreed(), &[("d/a", "e/a"), ("d/b", "e/b")])
        .edit(|world| drop(world.disk.remove(&disk("d"))))
        .local("e/b", "4444");
    let lines =
        ["copy d/a to e/a", "delete moved d/a", "delete remote d/b", "forget d/", "record e/", "upload e/b"];
    check(here, &lines);
    let there = renamed_all_there(agreed(), &[("d/a", "e/a"), ("d/b", "e/b")]).remote("e/b", "4444");
    check(there, &["delete local d/b", "download e/b", "mkdir e/", "move d/a to e/a", "rmdir d/"]);
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
