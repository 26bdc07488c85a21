//! Finds the cycles among moves: paths whose contents are passed round.

use std::collections::BTreeMap;

/// Returns every cycle of `from`, which says of each target where its content comes from: each member is followed by
/// its own source, and the last one's is the first.
pub(super) fn of(from: &BTreeMap<usize, usize>) -> Vec<Vec<usize>> {
    let mut seen_from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut cycles = Vec::new();
    for &start in from.keys() {
        let mut at = start;
        while let Some(&source) = from.get(&at) {
            if seen_from.contains_key(&at) {
                break;
            }
            seen_from.insert(at, start);
            at = source;
        }
        // It came back to where this very walk was: what it went over since is a cycle.
        if seen_from.get(&at) == Some(&start) && from.contains_key(&at) {
            let around = std::iter::successors(from.get(&at), |member| from.get(member));
            let rest = around.copied().take_while(|member| *member != at);
            cycles.push(std::iter::once(at).chain(rest).collect());
        }
    }
    cycles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_found_and_chains_are_none() {
        let cycles = |moves: &[(usize, usize)]| of(&moves.iter().copied().collect());
        assert!(cycles(&[(1, 2), (2, 3), (4, 2)]).is_empty());
        assert_eq!(cycles(&[(1, 2), (2, 1)]), [[1, 2]]);
        assert_eq!(cycles(&[(0, 5), (5, 7), (7, 6), (6, 5), (1, 2), (2, 1)]), [vec![5, 7, 6], vec![1, 2]]);
    }
}
