//! The few statistics that the studies state.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Five numbers of a distribution, and its mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Box5 {
    pub(super) low: f64,
    pub(super) quarter: f64,
    pub(super) median: f64,
    pub(super) three_quarters: f64,
    pub(super) high: f64,
    pub(super) mean: f64,
}

impl Box5 {
    /// Quarters by linear interpolation between order statistics.
    pub(super) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let place = part * sorted.len().saturating_sub(1) as f64;
            let (low, high) = (place.floor() as usize, place.ceil() as usize);
            let [a, b] = [low, high].map(|i| sorted.get(i).copied().unwrap_or(f64::NAN));
            a + (b - a) * place.fract()
        };
        Self {
            low: at(0.0),
            quarter: at(0.25),
            median: at(0.5),
            three_quarters: at(0.75),
            high: at(1.0),
            mean: crate::metrics::mean(values),
        }
    }
}

/// A t-test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Test {
    pub(super) statistic: f64,
    pub(super) freedom: f64,
    /// Two-sided.
    pub(super) p: f64,
}

/// Welch's t-test of two samples with their own variances; none where either has fewer than two values or
/// both do not vary.
pub(super) fn welch(a: &[f64], b: &[f64]) -> Option<Test> {
    let part = |values: &[f64]| {
        let (n, mean) = (values.len() as f64, crate::metrics::mean(values));
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (values.len() > 1).then_some((mean, variance / n, n))
    };
    let ((mean_a, va, na), (mean_b, vb, nb)) = (part(a)?, part(b)?);
    let both = va + vb;
    let statistic = (mean_a - mean_b) / both.sqrt();
    let freedom = both * both / (va * va / (na - 1.0) + vb * vb / (nb - 1.0));
    let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some(Test { statistic, freedom, p: 2.0 * student.cdf(-statistic.abs()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.x, `stats.ttest_ind(a, b, equal_var=False)`.
    #[test]
    fn the_t_test_is_scipys() {
        let test = welch(&[1.0, 2.0, 3.0, 4.0], &[2.0, 4.0, 5.0, 7.0]).unwrap();
        let scipy = [-1.632_993_161_855_452_3, 5.010_309_278_350_516, 0.163_278_561_000_886_88];
        for (ours, theirs) in [test.statistic, test.freedom, test.p].into_iter().zip(scipy) {
            assert!((ours - theirs).abs() < 1e-9, "{test:?}");
        }
        assert!(welch(&[1.0], &[2.0, 3.0]).is_none());
        let even = Box5::of(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!((even.low, even.quarter, even.median, even.high, even.mean), (1.0, 1.75, 2.5, 4.0, 2.5));
    }
}
