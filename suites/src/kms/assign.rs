//! Who gets which: hardware whose parts do not all fit each other.

/// Gives each in turn the first of its choices that nobody else has. Those who were served before keep
/// something, but move to another of their choices where that makes room (augmenting paths, Kuhn's algorithm): `None` is only
/// for whom no moving helps.
pub(super) fn assign<T: Copy + PartialEq>(choices: &[Vec<T>]) -> Vec<Option<T>> {
    let mut given = vec![None; choices.len()];
    for who in 0..choices.len() {
        give(choices, who, &mut given, &mut Vec::new());
    }
    given
}

/// Whether there was one to give. What was tried for the same newcomer is not tried again.
fn give<T: Copy + PartialEq>(
    choices: &[Vec<T>],
    who: usize,
    given: &mut [Option<T>],
    tried: &mut Vec<T>,
) -> bool {
    if let Some(&free) = choices[who].iter().find(|&&choice| !given.contains(&Some(choice))) {
        given[who] = Some(free);
        return true;
    }
    for &choice in &choices[who] {
        let owner = given.iter().position(|&owned| owned == Some(choice));
        if let Some(owner) = owner.filter(|_| !tried.contains(&choice)) {
            tried.push(choice);
            if give(choices, owner, given, tried) {
                given[who] = Some(choice);
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_choice_is_given_where_nobody_needs_it_more() {
        assert_eq!(assign(&[vec![1, 2]]), [Some(1)]);
        assert_eq!(assign(&[vec![1, 2], vec![1, 2]]), [Some(1), Some(2)]);
    }

    #[test]
    fn one_moves_for_another_that_has_no_choice() {
        assert_eq!(assign(&[vec![1, 2], vec![1]]), [Some(2), Some(1)]);
        assert_eq!(assign(&[vec![1, 2], vec![2, 3], vec![1]]), [Some(2), Some(3), Some(1)]);
    }

    #[test]
    fn who_was_served_stays_so() {
        assert_eq!(assign(&[vec![1], vec![1]]), [Some(1), None]);
        assert_eq!(assign(&[vec![1, 2], vec![1], vec![2, 1]]), [Some(2), Some(1), None]);
        assert_eq!(assign::<u8>(&[vec![], vec![]]), [None, None]);
    }
}
