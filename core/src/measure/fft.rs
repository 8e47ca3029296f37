//! A Fourier transform of edges that are powers of two: all that correlation needs. (The FFT crates change
//! features of crates that the compute backends share, and would have these built again.)

use std::f64::consts::PI;
use std::ops::{Add, Mul, Sub};

use rayon::prelude::*;

/// A complex number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Complex {
    pub(super) re: f32,
    pub(super) im: f32,
}

impl Complex {
    /// Its length squared.
    pub(super) fn square(self) -> f32 {
        self.re * self.re + self.im * self.im
    }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self { re: self.re + o.re, im: self.im + o.im }
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Self { re: self.re - o.re, im: self.im - o.im }
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        Self { re: self.re * o.re - self.im * o.im, im: self.re * o.im + self.im * o.re }
    }
}

/// Factors exp(-2 pi i k / n) of a transform of `n` values.
fn factors(n: usize) -> Vec<Complex> {
    let factor = |k: usize| (-2.0 * PI * k as f64 / n as f64).sin_cos();
    (0..n / 2).map(factor).map(|(im, re)| Complex { re: re as f32, im: im as f32 }).collect()
}

/// Transforms `data` in place (Cooley and Tukey); its length is a power of two.
fn transform(data: &mut [Complex], factors: &[Complex]) {
    let n = data.len();
    let shift = usize::BITS - n.trailing_zeros();
    for i in 0..n {
        let turned = if n == 1 { 0 } else { i.reverse_bits() >> shift };
        if i < turned {
            data.swap(i, turned);
        }
    }
    let mut half = 1;
    while half < n {
        let step = n / (2 * half);
        for block in data.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (k, (a, b)) in low.iter_mut().zip(high).enumerate() {
                let turned = *b * factors[k * step];
                (*a, *b) = (*a + turned, *a - turned);
            }
        }
        half *= 2;
    }
}

/// Transforms a volume in place along all three axes. Its edges are powers of two.
pub(super) fn transform_volume(data: &mut [Complex], [nz, ny, nx]: [usize; 3]) {
    let (fy, fx) = (factors(ny), factors(nx));
    data.par_chunks_mut(ny * nx).for_each(|plane| {
        plane.chunks_exact_mut(nx).for_each(|row| transform(row, &fx));
        let mut columns = turned(plane, nx);
        columns.chunks_exact_mut(ny).for_each(|column| transform(column, &fy));
        plane.copy_from_slice(&turned(&columns, ny));
    });
    // Along Z the slices are the rows of one wide matrix.
    let fz = factors(nz);
    let mut columns = turned(data, ny * nx);
    columns.par_chunks_exact_mut(nz).for_each(|column| transform(column, &fz));
    data.copy_from_slice(&turned(&columns, nz));
}

/// A matrix of rows of `width` values, its rows and columns exchanged.
fn turned(matrix: &[Complex], width: usize) -> Vec<Complex> {
    let rows = matrix.len() / width;
    let mut out = vec![Complex::default(); matrix.len()];
    let column = |(x, column): (usize, &mut [Complex])| {
        column.iter_mut().enumerate().for_each(|(y, v)| *v = matrix[y * width + x]);
    };
    out.par_chunks_exact_mut(rows).enumerate().for_each(column);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;

    #[test]
    fn transforms_are_the_sums_that_define_them() {
        let shape = [2, 8, 4];
        let values = hash::uniform(3, 64, -1.0, 1.0);
        let mut data: Vec<Complex> = values.iter().map(|v| Complex { re: *v, im: 0.0 }).collect();
        transform_volume(&mut data, shape);
        let at = |i: usize| [i / 32, i / 4 % 8, i % 4];
        for (k, found) in data.iter().enumerate() {
            let (mut re, mut im) = (0.0, 0.0);
            for (i, v) in values.iter().enumerate() {
                let turn: f64 = (0..3).map(|a| (at(i)[a] * at(k)[a]) as f64 / shape[a] as f64).sum();
                re += f64::from(*v) * (2.0 * PI * turn).cos();
                im -= f64::from(*v) * (2.0 * PI * turn).sin();
            }
            assert!(
                (f64::from(found.re) - re).abs() < 1e-5 && (f64::from(found.im) - im).abs() < 1e-5,
                "{k}"
            );
        }
    }

    #[test]
    fn one_value_is_its_own_transform() {
        let mut data = vec![Complex { re: 2.5, im: 0.0 }];
        transform_volume(&mut data, [1, 1, 1]);
        assert_eq!(data[0].re, 2.5);
    }
}
