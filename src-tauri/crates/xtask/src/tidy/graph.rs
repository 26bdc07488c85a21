//! Which of our crates may depend on which, and what a program never links.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Our crates, each with those of ours it may depend on outside tests. Crates that are not listed may use any.
const MAY_USE: [(&str, &[&str]); 7] = [
    ("s4-core", &[]),
    ("s4-store", &["s4-core"]),
    ("s4-local", &["s4-core"]),
    ("s4-config", &["s4-core"]),
    ("s4-engine", &["s4-core", "s4-store", "s4-local", "s4-config"]),
    ("s4-server", &[]),
    ("xtask", &[]),
];

/// What the command line must not pull in, at any depth: names that start so.
const NO_DESKTOP: [&str; 6] = ["gtk", "gdk", "webkit", "tauri", "wry", "tao"];

/// Returns the dependencies that should not be.
pub(super) fn violations(metadata: &Value) -> Vec<String> {
    let mut violations = Vec::new();
    for package in array(&metadata["packages"]) {
        let Some((name, may_use)) = MAY_USE.iter().find(|(name, _)| *name == text(&package["name"])) else {
            continue;
        };
        for dependency in array(&package["dependencies"]) {
            let other = text(&dependency["name"]);
            let is_ours = other.starts_with("s4-") && !dependency["path"].is_null();
            if is_ours && dependency["kind"].is_null() && !may_use.contains(&other) {
                violations.push(format!("{name}: depends on {other}"));
            }
        }
    }
    for linked in closure(metadata, "s4-cli") {
        if NO_DESKTOP.iter().any(|start| linked.starts_with(start)) {
            violations.push(format!("s4-cli: links {linked}, but it runs where there is no desktop"));
        }
    }
    violations
}

/// Returns the names of all packages that `root` links.
fn closure<'a>(metadata: &'a Value, root: &str) -> BTreeSet<&'a str> {
    let names: BTreeMap<&str, &str> =
        array(&metadata["packages"]).map(|package| (text(&package["id"]), text(&package["name"]))).collect();
    let nodes: BTreeMap<&str, &Value> =
        array(&metadata["resolve"]["nodes"]).map(|node| (text(&node["id"]), node)).collect();
    let mut waiting: Vec<&str> = names.iter().filter(|(_, name)| **name == root).map(|(id, _)| *id).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        for dependency in nodes.get(id).into_iter().flat_map(|node| array(&node["deps"])) {
            let is_linked = array(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null());
            if is_linked {
                waiting.push(text(&dependency["pkg"]));
            }
        }
    }
    seen.iter().filter_map(|id| names.get(id).copied()).collect()
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::violations;

    fn package(name: &str, dependencies: &Value) -> Value {
        json!({"id": name, "name": name, "dependencies": dependencies})
    }

    #[test]
    fn crates_use_only_those_below_them() {
        let on = |kind: Value| json!([{"name": "s4-engine", "path": "/x", "kind": kind}]);
        for (dependencies, expected) in [(on(Value::Null), 1), (on(json!("dev")), 0)] {
            let metadata = json!({"packages": [package("s4-store", &dependencies)]});
            assert_eq!(violations(&metadata).len(), expected);
        }
    }

    #[test]
    fn command_line_links_no_desktop_at_any_depth() {
        let dep = |id: &str, kind: Value| json!([{"pkg": id, "dep_kinds": [{"kind": kind}]}]);
        for (kind, expected) in [(Value::Null, 1), (json!("build"), 0)] {
            let metadata = json!({
                "packages": [
                    package("s4-cli", &json!([])), package("middle", &json!([])), package("gtk-sys", &json!([])),
                ],
                "resolve": {"nodes": [
                    {"id": "s4-cli", "deps": dep("middle", Value::Null)},
                    {"id": "middle", "deps": dep("gtk-sys", kind)},
                    {"id": "gtk-sys", "deps": []},
                ]},
            });
            assert_eq!(violations(&metadata).len(), expected);
        }
    }
}
