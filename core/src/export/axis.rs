//! Axes of charts, with round ends and steps.

pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    step: f64,
}

impl Axis {
    /// Round limits around the values, with about `ticks` steps between them; `zero` has it begin at 0.
    pub(super) fn over(values: impl Iterator<Item = f64>, zero: bool, ticks: f64) -> Self {
        let start = if zero { (0.0, 0.0) } else { (f64::INFINITY, f64::NEG_INFINITY) };
        let (low, high) = values.fold(start, |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = match (low.is_finite(), high > low) {
            (false, _) => (0.0, 1.0),
            (true, true) => (low, high),
            (true, false) => (low - 0.5, low + 0.5),
        };
        let rough = (high - low) / ticks;
        let power = 10_f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(rough);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    /// Place of a value between 0 and 1.
    pub(super) fn part(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// Values at the steps.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let count = ((self.high - self.low) / self.step).round() as usize;
        (0..=count).map(|i| self.low + i as f64 * self.step).collect()
    }

    /// A tick's number with as many decimals as the step needs.
    pub(super) fn text(&self, value: f64) -> String {
        let decimals = (-self.step.log10().floor()).max(0.0) as usize;
        if self.high.abs() >= 1e6 { format!("{value:.1e}") } else { format!("{value:.decimals$}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_ends() {
        let axis = Axis::over([0.13, 0.92].into_iter(), false, 5.0);
        assert!(
            (axis.low - 0.0).abs() < 1e-9 && (axis.high - 1.0).abs() < 1e-9,
            "{} {}",
            axis.low,
            axis.high
        );
        assert_eq!(axis.ticks().len(), 6);
        assert_eq!(axis.text(0.2), "0.2");
    }
}
