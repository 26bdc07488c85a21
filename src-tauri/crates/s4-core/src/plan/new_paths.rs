//! What of a plan may be carried out before everything is known: only what makes a path that nobody has here.

use super::{Action, Step, StepId};

/// Returns the steps that make what is not there yet, without those that wait for any other step.
///
/// `steps` are in an order in which each stands behind those it comes after, as a plan has them.
pub fn new_paths(steps: Vec<Step>) -> Vec<Step> {
    let mut places: Vec<Option<StepId>> = Vec::with_capacity(steps.len());
    let mut kept: Vec<Step> = Vec::new();
    for mut step in steps {
        let makes_new = match &step.action {
            Action::Download { replaces, must_descend_from, .. } => {
                replaces.is_none() && must_descend_from.is_none()
            }
            Action::CreateDir { .. } => true,
            _ => false,
        };
        let after: Option<Vec<StepId>> =
            step.after.iter().map(|before| places.get(before.0).copied().flatten()).collect();
        match after.filter(|_| makes_new) {
            Some(after) => {
                places.push(Some(StepId(kept.len())));
                step.after = after;
                kept.push(step);
            }
            None => places.push(None),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use crate::path::{DiskPath, RelPath};

    use super::*;

    fn step(path: &str, action: Action, after: &[usize]) -> Step {
        let after = after.iter().copied().map(StepId).collect();
        Step { path: RelPath::parse(path).unwrap(), action, after }
    }

    #[test]
    fn what_waits_for_anything_but_new_paths_is_left_out() {
        let make = |name: &str| Action::CreateDir { disk: DiskPath::new(name), marker: None };
        let remove = Action::RemoveDir { disk: DiskPath::new("x") };
        let steps = vec![
            step("x", remove, &[]),
            step("a", make("a"), &[]),
            step("x/y", make("x/y"), &[0]),
            step("a/b", make("a/b"), &[1]),
            step("x/y/z", make("x/y/z"), &[2]),
        ];
        let kept = new_paths(steps);
        let paths: Vec<&str> = kept.iter().map(|step| step.path.as_str()).collect();
        assert_eq!(paths, ["a", "a/b"]);
        assert_eq!(kept[1].after, [StepId(0)]);
    }
}
