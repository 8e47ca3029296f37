//! Figures of merit: IoU by torchmetrics 1.x's rule, confusion, total variation distance, paired
//! intervals.

/// Marks a pixel without a class in truth maps.
pub const UNLABELLED: u8 = u8::MAX;

/// Counts of pixels by true and predicted class; unlabelled pixels are not counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    counts: Vec<u64>,
}

impl Confusion {
    /// All zero.
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// Of one map. Pixels whose truth or prediction is no class are left out.
    pub fn of(prediction: &[u8], truth: &[u8], classes: usize) -> Self {
        let mut confusion = Self::new(classes);
        confusion.add(prediction, truth);
        confusion
    }

    /// Adds the pixels of one map.
    pub fn add(&mut self, prediction: &[u8], truth: &[u8]) {
        for (p, t) in prediction.iter().zip(truth) {
            let (p, t) = (usize::from(*p), usize::from(*t));
            if p < self.classes && t < self.classes {
                self.counts[t * self.classes + p] += 1;
            }
        }
    }

    /// Adds another's counts (of as many classes).
    pub fn absorb(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
    }

    /// Rows are true classes, columns predicted ones.
    pub fn rows(&self) -> Vec<&[u64]> {
        self.counts.chunks(self.classes.max(1)).collect()
    }

    /// IoU of each class; none where it has no pixel in truth and prediction.
    pub fn iou_per_class(&self) -> Vec<Option<f64>> {
        let k = self.classes;
        let at = |t: usize, p: usize| self.counts[t * k + p];
        let class = |c: usize| {
            let union: u64 = (0..k).map(|o| at(c, o) + at(o, c)).sum::<u64>() - at(c, c);
            (union > 0).then(|| at(c, c) as f64 / union as f64)
        };
        (0..k).map(class).collect()
    }

    /// Mean over the classes that have a pixel (torchmetrics 1.x); none where no pixel counts.
    pub fn macro_iou(&self) -> Option<f64> {
        let present: Vec<f64> = self.iou_per_class().into_iter().flatten().collect();
        (!present.is_empty()).then(|| mean(&present))
    }
}

/// Macro IoU of one map; none where no pixel is labelled.
pub fn macro_iou(prediction: &[u8], truth: &[u8], classes: usize) -> Option<f64> {
    Confusion::of(prediction, truth, classes).macro_iou()
}

/// Mean; 0 of nothing.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// Half the sum of absolute differences of two distributions.
pub fn total_variation(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0
}

/// Mean of paired differences with its 95 % interval (Student's t).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Paired {
    /// Mean difference.
    pub mean: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
    /// Number of pairs.
    pub pairs: usize,
}

/// Compares `a` with `b` pair by pair; none with fewer than two pairs.
pub fn paired(a: &[f64], b: &[f64]) -> Option<Paired> {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let n = differences.len();
    if n < 2 {
        return None;
    }
    let centre = mean(&differences);
    let variance = differences.iter().map(|d| (d - centre).powi(2)).sum::<f64>() / (n - 1) as f64;
    let half = student_95(n - 1) * (variance / n as f64).sqrt();
    Some(Paired { mean: centre, low: centre - half, high: centre + half, pairs: n })
}

/// Two-sided 95 % quantile of Student's t (Cornish and Fisher's expansion; the table's
/// values for few degrees of freedom).
fn student_95(freedom: usize) -> f64 {
    match freedom {
        0 => f64::INFINITY,
        1 => 12.706,
        2 => 4.303,
        3 => 3.182,
        4 => 2.776,
        n => {
            let (z, n) = (1.959_964_f64, n as f64);
            let g1 = (z.powi(3) + z) / 4.0;
            let g2 = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
            let g3 = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
            z + g1 / n + g2 / n.powi(2) + g3 / n.powi(3)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_without_pixels_is_left_out_of_the_mean() {
        assert_eq!(macro_iou(&[0, 0, 0], &[0, 0, 0], 3), Some(1.0));
        assert_eq!(macro_iou(&[1, 1], &[0, 0], 3), Some(0.0));
        assert_eq!(macro_iou(&[0], &[UNLABELLED], 3), None);
    }

    #[test]
    fn unlabelled_pixels_do_not_count() {
        assert_eq!(macro_iou(&[0, 1, 2], &[0, 1, UNLABELLED], 3), Some(1.0));
    }

    #[test]
    fn student_quantiles_match_the_tables() {
        for (freedom, table) in [(3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042)] {
            assert!((student_95(freedom) - table).abs() < 0.02, "{freedom}: {}", student_95(freedom));
        }
    }

    #[test]
    fn a_constant_difference_has_no_spread() {
        let p = paired(&[2.0, 3.0, 4.0], &[1.0, 2.0, 3.0]).expect("three pairs");
        assert_eq!((p.mean, p.low, p.high), (1.0, 1.0, 1.0));
    }
}
