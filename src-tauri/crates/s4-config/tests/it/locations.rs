//! Where S4's files are, by platform and environment.

use std::path::Path;

use s4_config::{Locations, Platform};

/// Checks config, state and runtime directory for an environment.
#[track_caller]
fn check(platform: Platform, environment: &[(&str, &str)], expected: [&str; 3]) {
    let locations = derive(platform, environment);
    let found = [locations.config_dir(), locations.state_dir(), locations.runtime_dir()];
    assert_eq!(found, expected.map(Path::new));
}

fn derive(platform: Platform, environment: &[(&str, &str)]) -> Locations {
    let lookup = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
    Locations::derive(platform, lookup).unwrap()
}

#[test]
fn each_platform_has_its_directories() {
    check(
        Platform::Xdg,
        &[("HOME", "/home/u")],
        ["/home/u/.config/s4", "/home/u/.local/state/s4", "/home/u/.local/state/s4/run"],
    );
    check(
        Platform::Xdg,
        &[("XDG_CONFIG_HOME", "/c"), ("XDG_STATE_HOME", "/s"), ("XDG_RUNTIME_DIR", "/run/user/1")],
        ["/c/s4", "/s/s4", "/run/user/1/s4"],
    );
    // Relative and empty values do not count.
    check(
        Platform::Xdg,
        &[("HOME", "/home/u"), ("XDG_CONFIG_HOME", "c"), ("XDG_STATE_HOME", ""), ("XDG_RUNTIME_DIR", "run")],
        ["/home/u/.config/s4", "/home/u/.local/state/s4", "/home/u/.local/state/s4/run"],
    );
    let support = "/Users/u/Library/Application Support/s4";
    check(
        Platform::MacOs,
        &[("HOME", "/Users/u"), ("XDG_CONFIG_HOME", "/c")],
        [support, &format!("{support}/state"), &format!("{support}/state/run")],
    );
    check(
        Platform::Windows,
        &[("APPDATA", "/Roaming"), ("LOCALAPPDATA", "/Local")],
        ["/Roaming/s4", "/Local/s4/state", "/Local/s4/run"],
    );
    check(
        Platform::Windows,
        &[("APPDATA", "/Roaming")],
        ["/Roaming/s4", "/Roaming/s4/state", "/Roaming/s4/run"],
    );
}

#[test]
fn a_chosen_directory_holds_everything() {
    for platform in [Platform::Xdg, Platform::MacOs, Platform::Windows] {
        let home = [("HOME", "/home/u"), ("APPDATA", "/Roaming"), ("XDG_RUNTIME_DIR", "/run/user/1")];
        let chosen = [&home[..], &[("S4_CONFIG_DIR", "/own")]].concat();
        check(platform, &chosen, ["/own", "/own/state", "/own/run"]);
        check(platform, &[("S4_CONFIG_DIR", "/own")], ["/own", "/own/state", "/own/run"]);
    }
}

#[test]
fn the_platform_s_own_directory_or_an_empty_value_is_no_choice() {
    let plain = derive(Platform::Xdg, &[("HOME", "/home/u")]);
    for chosen in ["", "/home/u/.config/s4", "/home/u/.config/s4/"] {
        assert_eq!(
            derive(Platform::Xdg, &[("HOME", "/home/u"), ("S4_CONFIG_DIR", chosen)]),
            plain,
            "{chosen:?}"
        );
    }
    assert_eq!(plain.instance_name(), "s4");
}

#[test]
fn every_chosen_directory_has_an_instance_name_of_its_own_however_it_is_spelled() {
    let directory = tempfile::tempdir().unwrap();
    let name = |path: &Path| Locations::at(path).unwrap().instance_name();
    let one = name(&directory.path().join("one"));
    assert!(one.starts_with("s4-") && one.len() == 19, "{one}");
    assert_ne!(one, name(&directory.path().join("two")));
    assert_eq!(one, name(&directory.path().join("two/../one")));
    std::fs::create_dir(directory.path().join("one")).unwrap();
    assert_eq!(one, name(&directory.path().join("one")), "the name stays when the directory is made");
    assert_eq!(one, name(&directory.path().join("one/.")));

    #[cfg(unix)]
    {
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(directory.path().join("one"), &link).unwrap();
        assert_eq!(one, name(&link));
    }
}

#[test]
fn without_a_home_the_error_names_the_variables() {
    for (platform, variable) in
        [(Platform::Xdg, "HOME"), (Platform::MacOs, "HOME"), (Platform::Windows, "APPDATA")]
    {
        let message = Locations::derive(platform, |_| None).unwrap_err().to_string();
        assert!(message.contains(variable) && message.contains("S4_CONFIG_DIR"), "{message}");
    }
}

#[test]
fn a_relative_choice_is_made_absolute() {
    let locations = Locations::at(Path::new("relative")).unwrap();
    assert!(locations.config_dir().is_absolute());
    assert!(locations.config_dir().ends_with("relative"));
}

#[test]
fn the_original_s_place_is_known_where_it_is_not_ours() {
    let original = |platform, environment: &[(&str, &str)]| {
        derive(platform, environment).original_config().map(|path| path.to_str().unwrap().to_owned())
    };
    assert_eq!(original(Platform::Xdg, &[("HOME", "/home/u")]), None);
    assert_eq!(original(Platform::MacOs, &[("HOME", "/u")]).unwrap(), "/u/.config/s4/sync.conf");
    assert_eq!(original(Platform::MacOs, &[("HOME", "/u"), ("S4_CONFIG_DIR", "/own")]), None);
    let windows = [("APPDATA", "/Roaming"), ("USERPROFILE", "/u")];
    assert_eq!(original(Platform::Windows, &windows).unwrap(), "/u/.config/s4/sync.conf");
}
