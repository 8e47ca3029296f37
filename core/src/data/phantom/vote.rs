//! From the fine grid to the scan's: majorities.

use super::FINE;

/// Majority of each 2 x 2 block of `fine`; `width` counts pixels of the result.
pub(in crate::data) fn majority(fine: &[u8], width: usize) -> Vec<u8> {
    let stride = width * FINE;
    let mut truth = Vec::with_capacity(fine.len() / (FINE * FINE));
    for rows in fine.chunks_exact(stride * FINE) {
        let (top, bottom) = rows.split_at(stride);
        truth.extend(
            top.chunks_exact(FINE)
                .zip(bottom.chunks_exact(FINE))
                .map(|(t, b)| vote([t[0], t[1], b[0], b[1]])),
        );
    }
    truth
}

/// The most frequent of four classes; the first one when two have two votes each.
fn vote(classes: [u8; 4]) -> u8 {
    let votes = |class: u8| classes.iter().filter(|&&other| other == class).count();
    let mut best = classes[0];
    for class in classes {
        if votes(class) > votes(best) {
            best = class;
        }
    }
    best
}
