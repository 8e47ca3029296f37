//! Work in batches of a few fixed sizes, so that a GPU tunes and proves each size once.

/// Splits `count` items into batches: (items, size run). The largest size as often as it fits; what
/// is left runs padded where that wastes at most half, else in smaller batches.
pub fn plan(count: usize, sizes: &[usize]) -> Vec<(usize, usize)> {
    let mut left = count;
    let mut batches = Vec::new();
    while left > 0 {
        let above = sizes.iter().copied().find(|s| *s >= left).filter(|s| *s < 2 * left);
        let below = sizes.iter().copied().rev().find(|s| *s <= left);
        let (items, size) = match (above, below) {
            (Some(size), _) => (left, size),
            (None, Some(size)) => (size, size),
            (None, None) => (left, left),
        };
        batches.push((items, size));
        left -= items;
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::plan;
    use proptest::prelude::*;

    #[test]
    fn a_remainder_is_padded_only_where_that_is_cheap() {
        assert_eq!(plan(21, &[1, 4, 16]), [(16, 16), (4, 4), (1, 1)]);
        assert_eq!(plan(3, &[1, 4, 16]), [(3, 4)]);
        assert_eq!(plan(9, &[1, 4, 16]), [(9, 16)]);
        assert_eq!(plan(0, &[1, 4, 16]), []);
    }

    proptest! {
        #[test]
        fn every_item_runs_once(count in 0usize..500) {
            let sizes = [1, 4, 16, 64];
            let batches = plan(count, &sizes);
            prop_assert_eq!(batches.iter().map(|b| b.0).sum::<usize>(), count);
            prop_assert!(batches.iter().all(|(items, size)| items <= size && sizes.contains(size)));
        }
    }
}
