//! Programs that write while S4 works: what they save survives.

use std::{fs::OpenOptions, io::Write, path::Path};

use s4_tests::{
    machine::{Machine, settle},
    process,
    proxy::{Fault, Proxy},
    world::World,
};

/// Returns a computer behind a proxy and one beside it, in sync with `doc.txt` = "base".
fn around_a_proxy(world: &World) -> (Proxy, Machine, Machine) {
    let proxy = Proxy::start(&world.server.access, world.path());
    let mut laptop = world.machine("laptop");
    laptop.use_access(&proxy.access);
    laptop.add(&world.bucket);
    let desktop = world.connected("desktop");
    laptop.write("doc.txt", "base");
    laptop.write("other.txt", "other");
    settle(&[&laptop, &desktop]);
    (proxy, laptop, desktop)
}

/// Syncs the laptop and does something while its requests of a kind wait at the door.
fn sync_and_meanwhile(proxy: &Proxy, laptop: &Machine, held: &'static str, act: impl FnOnce()) {
    proxy.set(Fault::Held(held));
    let words = ["sync", "documents", "--conflicts", "keep-both"];
    let sync = process::start(&mut laptop.command(&words));
    proxy.wait_until_held();
    act();
    proxy.set(Fault::None);
    sync.finish().exits_with_one_of(&[0, 3, 5]);
}

/// Syncs both until quiet and returns every content that is live on both.
#[track_caller]
fn live_on_both(laptop: &Machine, desktop: &Machine) -> Vec<String> {
    for machine in [laptop, desktop, laptop, desktop] {
        machine.try_sync(&["--conflicts", "keep-both"]).exits(0);
    }
    let tree = s4_tests::machine::same_tree(&[laptop, desktop]);
    tree.contents().iter().map(|content| String::from_utf8_lossy(content).into_owned()).collect()
}

#[track_caller]
fn all_are_live(live: &[String], expected: &[&str]) {
    for content in expected {
        assert!(live.iter().any(|found| found == content), "`{content}` is lost; live are {live:?}");
    }
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn t40_edit_while_its_new_version_downloads() {
    let world = World::new();
    let (proxy, laptop, desktop) = around_a_proxy(&world);
    desktop.write("doc.txt", "from the desktop");
    desktop.sync();
    sync_and_meanwhile(&proxy, &laptop, "GET", || laptop.write("doc.txt", "saved meanwhile"));
    all_are_live(&live_on_both(&laptop, &desktop), &["from the desktop", "saved meanwhile"]);
}

#[test]
fn t40_file_made_where_a_download_goes() {
    let world = World::new();
    let (proxy, laptop, desktop) = around_a_proxy(&world);
    desktop.write("new.txt", "from the desktop");
    desktop.sync();
    sync_and_meanwhile(&proxy, &laptop, "GET", || laptop.write("new.txt", "saved meanwhile"));
    all_are_live(&live_on_both(&laptop, &desktop), &["from the desktop", "saved meanwhile"]);
}

#[test]
fn t29_edit_while_the_old_content_is_uploaded() {
    let world = World::new();
    let (proxy, laptop, desktop) = around_a_proxy(&world);
    laptop.write("doc.txt", "first");
    sync_and_meanwhile(&proxy, &laptop, "PUT", || laptop.write("doc.txt", "second"));
    all_are_live(&live_on_both(&laptop, &desktop), &["second"]);
}

#[test]
fn t30_file_deleted_while_it_is_uploaded() {
    let world = World::new();
    let (proxy, laptop, desktop) = around_a_proxy(&world);
    laptop.write("doc.txt", "first");
    sync_and_meanwhile(&proxy, &laptop, "PUT", || laptop.remove("doc.txt"));
    all_are_live(&live_on_both(&laptop, &desktop), &["other"]);
}

#[test]
fn edit_while_its_deletion_by_the_other_side_is_confirmed() {
    let world = World::new();
    let (proxy, laptop, desktop) = around_a_proxy(&world);
    desktop.remove("doc.txt");
    desktop.sync();
    sync_and_meanwhile(&proxy, &laptop, "HEAD", || laptop.write("doc.txt", "saved meanwhile"));
    all_are_live(&live_on_both(&laptop, &desktop), &["saved meanwhile"]);
}

#[test]
fn file_put_back_while_its_object_is_deleted() {
    let world = World::new();
    let (proxy, laptop, desktop) = around_a_proxy(&world);
    laptop.remove("doc.txt");
    sync_and_meanwhile(&proxy, &laptop, "DELETE", || laptop.write("doc.txt", "put back"));
    all_are_live(&live_on_both(&laptop, &desktop), &["put back"]);
}

#[test]
fn t46_other_machine_replaces_the_object_while_ours_is_on_its_way() {
    let world = World::new();
    let (proxy, laptop, desktop) = around_a_proxy(&world);
    laptop.write("doc.txt", "from the laptop");
    desktop.write("doc.txt", "from the desktop");
    sync_and_meanwhile(&proxy, &laptop, "PUT", || {
        desktop.sync();
    });
    all_are_live(&live_on_both(&laptop, &desktop), &["from the laptop", "from the desktop"]);
}

#[test]
fn t46_other_machine_edits_while_ours_deletes() {
    let world = World::new();
    let (proxy, laptop, desktop) = around_a_proxy(&world);
    laptop.remove("doc.txt");
    desktop.write("doc.txt", "edited");
    sync_and_meanwhile(&proxy, &laptop, "DELETE", || {
        desktop.sync();
    });
    all_are_live(&live_on_both(&laptop, &desktop), &["edited"]);
}

#[test]
fn t38_files_made_while_syncing_go_with_the_next_run() {
    let world = World::new();
    let (proxy, laptop, desktop) = around_a_proxy(&world);
    laptop.write("doc.txt", "changed");
    sync_and_meanwhile(&proxy, &laptop, "PUT", || {
        for n in 0..50 {
            laptop.write(&format!("new/{n}"), format!("new {n}"));
        }
    });
    assert_eq!(live_on_both(&laptop, &desktop).len(), 52);
}

#[test]
fn descriptor_held_open_across_a_swap_is_not_lost() {
    let world = World::new();
    let (_proxy, laptop, desktop) = around_a_proxy(&world);
    let mut held = OpenOptions::new().append(true).open(laptop.path("doc.txt")).unwrap();
    desktop.write("doc.txt", "from the desktop");
    desktop.sync();
    laptop.sync();
    held.write_all(b" and more by a program that still had it open").unwrap();
    drop(held);
    let live = live_on_both(&laptop, &desktop);
    all_are_live(&live, &["from the desktop", "base and more by a program that still had it open"]);
}

#[test]
fn descriptor_held_open_across_a_delete_is_not_lost() {
    let world = World::new();
    let (_proxy, laptop, desktop) = around_a_proxy(&world);
    let mut held = OpenOptions::new().append(true).open(laptop.path("doc.txt")).unwrap();
    desktop.remove("doc.txt");
    desktop.sync();
    laptop.sync();
    held.write_all(b" and more").unwrap();
    drop(held);
    all_are_live(&live_on_both(&laptop, &desktop), &["base and more"]);
}

#[test]
fn t13_directory_swapped_for_a_link_leads_nowhere() {
    let world = World::new();
    let (proxy, laptop, desktop) = around_a_proxy(&world);
    laptop.write("d/here", "here");
    settle(&[&laptop, &desktop]);
    let outside = world.join("outside");
    std::fs::create_dir(&outside).unwrap();
    desktop.write("d/new", "from the desktop");
    desktop.sync();
    sync_and_meanwhile(&proxy, &laptop, "GET", || {
        laptop.rename("d", "aside");
        std::os::unix::fs::symlink(&outside, laptop.path("d")).unwrap();
    });
    let written = std::fs::read_dir(&outside).unwrap().count();
    assert_eq!(written, 0, "something was written outside the folder");
    laptop.try_sync(&["--conflicts", "keep-both"]).exits_with_one_of(&[0, 3, 5]);
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0, "something was written outside the folder");
}

#[test]
fn t37_made_deleted_and_made_again_while_syncing() {
    let world = World::new();
    let (proxy, laptop, desktop) = around_a_proxy(&world);
    laptop.write("new.txt", "first");
    sync_and_meanwhile(&proxy, &laptop, "PUT", || {
        laptop.remove("new.txt");
        laptop.write("new.txt", "second");
        laptop.remove("new.txt");
        laptop.write("new.txt", "third");
    });
    all_are_live(&live_on_both(&laptop, &desktop), &["third"]);
}

#[test]
fn t31_atomic_save_is_one_update() {
    let world = World::new();
    let (proxy, laptop, desktop) = around_a_proxy(&world);
    laptop.write("doc.txt.new", "saved by an editor");
    laptop.rename("doc.txt.new", "doc.txt");
    proxy.forget();
    laptop.sync();
    let counts = proxy.counts();
    assert_eq!((counts.get("PUT"), counts.get("DELETE")), (Some(&1), None), "{counts:?}");
    desktop.sync();
    assert_eq!(desktop.tree().text("doc.txt"), "saved by an editor");
}

#[test]
fn t19_hard_links_stay_right() {
    let world = World::new();
    let (_proxy, laptop, desktop) = around_a_proxy(&world);
    std::fs::hard_link(laptop.path("doc.txt"), laptop.path("same inode.txt")).unwrap();
    settle(&[&laptop, &desktop]);
    append(&laptop.path("doc.txt"), " edited");
    settle(&[&laptop, &desktop]);
    let tree = desktop.tree();
    assert_eq!((tree.text("doc.txt"), tree.text("same inode.txt")), ("base edited", "base edited"));
}
