//! Secrets stay secret, and there are ways in without a keyring.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use s4_tests::{process, world::World};

#[test]
fn t15_secret_is_never_printed_or_written_in_the_clear() {
    let world = World::new();
    let laptop = world.connected("laptop");
    let secret = &world.server.access.secret;
    laptop.write("a", "a");
    for words in
        [&["sync"][..], &["targets", "-v"], &["targets", "--json"], &["doctor"], &["edit", "documents"]]
    {
        let mut command = laptop.command(words);
        command.env("RUST_LOG", "trace");
        process::run(&mut command).never_says(secret);
    }
    let found = process::run(Command::new("grep").args(["-r", "-l", "-F", secret]).arg(laptop.home()));
    assert_eq!(found.out, "", "files that hold the secret");
}

#[test]
fn configuration_is_for_its_owner_only() {
    let world = World::new();
    let laptop = world.connected("laptop");
    let mode = fs::metadata(laptop.sync_conf()).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "mode {mode:o}");
}

#[test]
fn without_a_keyring_the_ways_out_are_named() {
    let world = World::new();
    let laptop = world.machine("laptop");
    let access = &world.server.access;
    let folder = laptop.folder().to_string_lossy().into_owned();
    let uri = world.bucket.uri();
    let words = ["add", "documents", "--local", &folder, "--remote", &uri, "--endpoint", &access.endpoint];
    let rest = ["--region", &access.region, "--access-key-id", &access.key_id, "--secret-stdin"];
    let run = laptop.s4_with_input(&[&words[..], &rest].concat(), &format!("{}\n", access.secret));
    run.exits(1).says("keyring").says("profile").says("env").never_says(&access.secret);
}

#[test]
fn profile_credentials_work() {
    let world = World::new();
    let laptop = world.machine("laptop");
    let access = &world.server.access;
    let aws = laptop.home().join(".aws");
    fs::create_dir(&aws).unwrap();
    let keys =
        format!("[s4]\naws_access_key_id = {}\naws_secret_access_key = {}\n", access.key_id, access.secret);
    fs::write(aws.join("credentials"), keys).unwrap();
    let folder = laptop.folder().to_string_lossy().into_owned();
    let uri = world.bucket.uri();
    let words = ["add", "documents", "--local", &folder, "--remote", &uri, "--endpoint", &access.endpoint];
    let without_env = |words: &[&str]| {
        let mut command = laptop.command(words);
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        process::run(&mut command)
    };
    without_env(&[&words[..], &["--region", &access.region, "--credentials", "profile:s4"]].concat())
        .exits(0);
    laptop.write("a", "a");
    without_env(&["sync"]).exits(0);
    assert_eq!(world.bucket.paths(), ["a"]);
}

#[test]
fn keyring_keeps_the_keys() {
    let world = World::new();
    let laptop = world.machine("laptop");
    let access = &world.server.access;
    let script = r#"
        printf '%s' password | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null
        s4=$1; shift
        printf '%s\n' "$S4_TEST_SECRET" | "$s4" "$@" && unset S4_TEST_SECRET && exec "$s4" sync
    "#;
    let ours = laptop.command(&[]);
    let mut session = process::inside(&ours, "dbus-run-session");
    session.args(["--", "bash", "-c", script, "bash"]).arg(ours.get_program());
    session.args(["add", "documents", "--remote", &world.bucket.uri(), "--endpoint", &access.endpoint]);
    session.args([
        "--region",
        &access.region,
        "--access-key-id",
        &access.key_id,
        "--secret-stdin",
        "--local",
    ]);
    session.arg(laptop.folder()).env("S4_TEST_SECRET", &access.secret);
    session.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    laptop.write("a", "a");
    process::run(&mut session).exits(0).never_says(&access.secret);
    assert_eq!(world.bucket.paths(), ["a"]);
    assert!(!fs::read_to_string(laptop.sync_conf()).unwrap().contains(&access.secret));
}
